"""How very many inputs are read; apart from the work, which needs what help must do without."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from shizi.cpu import cores
from shizi.errors import OptionError
from shizi.options import check_range

BatchFormat: TypeAlias = Literal[
    "text", "json", "jsonl", "markdown", "html", "tsv", "hocr", "alto", "pdf"
]
"""Formats of which an input gets one file; annotated pictures are a file a page."""

MANIFEST = "batch.sqlite"
"""The account's name where it lies beside the results."""


def is_address(text: str) -> bool:
    """Whether something is an address such as ``s3://bucket/dir`` and no path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


@dataclass(frozen=True)
class BatchOptions:
    """Where results go, and how many inputs are read side by side.

    Attributes:
        out: folder, or its address, that gets a file for each input and format.
        format: text, json, jsonl, markdown, html, tsv, hocr, alto or pdf, or several of them,
            parted by commas.
        workers: processes that read, each pinned to cores of its own; 0: as many as fit.
        retry_failed: read again what failed before.
        manifest: file that keeps account; by default in the folder of the results.
        ray: address of a Ray cluster whose machines do the work, such as auto.
    """

    out: str
    format: str = "text"
    workers: int = 0
    retry_failed: bool = False
    manifest: Path | None = None
    ray: str | None = None

    def __post_init__(self) -> None:
        """Check what was told.

        Raises:
            OptionError: something is out of range, or nobody said where the account is kept.
        """
        _ = self.formats
        check_range(self, workers=(0, 100_000))
        if is_address(self.out) and self.manifest is None:
            raise OptionError("manifest: name a file on this machine where out is an address")

    @property
    def formats(self) -> tuple[BatchFormat, ...]:
        """The formats, each once.

        Raises:
            OptionError: there is one that does not exist.
        """
        known: tuple[BatchFormat, ...] = get_args(BatchFormat)
        names = self.format.split(",")
        if wrong := [name for name in names if name not in known]:
            raise OptionError(f"format: must be of {', '.join(known)}, not {wrong[0]!r}")
        return tuple(name for name in known if name in names)

    @property
    def account(self) -> Path:
        """The manifest's file."""
        return self.manifest or Path(self.out, MANIFEST)

    def processes(self, threads: int) -> int:
        """How many processes of so many threads read on this machine."""
        return self.workers or max(1, cores() // threads)
