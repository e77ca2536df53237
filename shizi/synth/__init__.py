"""Synthetic lines and pages of Chinese and Latin text, deterministic by seed and index."""

from __future__ import annotations

from shizi.synth.kinds.drawing import PageLine
from shizi.synth.lines import (
    LineSample,
    SynthLineOptions,
    line_samples,
    render_line,
    write_lines,
)
from shizi.synth.pages import PageSample, SynthPageOptions, page_samples, render_page, write_pages
from shizi.synth.world import SynthOptions, World, build_world

__all__ = [
    "LineSample",
    "PageLine",
    "PageSample",
    "SynthLineOptions",
    "SynthOptions",
    "SynthPageOptions",
    "World",
    "build_world",
    "line_samples",
    "page_samples",
    "render_line",
    "render_page",
    "write_lines",
    "write_pages",
]
