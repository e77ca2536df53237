"""Ways to write pages down. Each module has ``write(pages, out)`` and holds one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TextIO, TypeAlias

from shizi.formats import json, jsonl, markdown, text
from shizi.page import Page

Format: TypeAlias = Literal["text", "json", "jsonl", "markdown"]

WRITERS: dict[Format, Callable[[Iterable[Page], TextIO], None]] = {
    "text": text.write,
    "json": json.write,
    "jsonl": jsonl.write,
    "markdown": markdown.write,
}
