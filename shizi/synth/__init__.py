"""Synthetic lines and pages of Chinese and Latin text, deterministic by seed and index."""

from __future__ import annotations

from shizi.synth.kinds.sheet import PageLine
from shizi.synth.lines import (
    LineOptions,
    LineSample,
    line_samples,
    render_line,
    write_lines,
)
from shizi.synth.pages import PageOptions, PageSample, page_samples, render_page, write_pages
from shizi.synth.world import SourceOptions, World, build_world

__all__ = [
    "LineOptions",
    "LineSample",
    "PageLine",
    "PageOptions",
    "PageSample",
    "SourceOptions",
    "World",
    "build_world",
    "line_samples",
    "page_samples",
    "render_line",
    "render_page",
    "write_lines",
    "write_pages",
]
