"""How a machine reads for others; apart from the service, which needs optional packages."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from shizi.cpu import cores
from shizi.errors import OptionError
from shizi.options import check_range
from shizi.web.options import WebOptions

TOKEN = "SHIZI_TOKEN"
"""Environment variable that holds the token, unless a file does."""

_MOST_WORKERS = 4
"""Pages that are read side by side by default, at most: each takes some 100 MB."""


@dataclass(frozen=True)
class ServeOptions(WebOptions):
    """Where and how requests are served.

    Attributes:
        workers: requests that are read side by side; 0: as many as cores, at most 4.
        queue: requests that may wait; further ones are told to come again later.
        max_upload: bytes of a request.
        max_pages: pages of a request.
        timeout: seconds that loading and reading a page may take.
        keep: seconds that the result of a job is kept.
        most_jobs: jobs that are kept.
        token_file: file that holds a token without which nothing is read; by default the
            environment variable SHIZI_TOKEN holds it, and without that everybody may ask.
        collect: folder of a training set to which lines that people correct are added.
    """

    port: int = 8771
    workers: int = 0
    queue: int = 32
    max_upload: int = 64_000_000
    max_pages: int = 200
    timeout: float = 60.0
    keep: float = 3600.0
    most_jobs: int = 100
    token_file: Path | None = None
    collect: Path | None = None

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            OptionError: one is.
        """
        WebOptions.__post_init__(self)
        check_range(self, workers=(0, 1024), queue=(0, 100_000), max_upload=(1, math.inf))
        check_range(self, max_pages=(1, math.inf), timeout=(0.01, 86_400))
        check_range(self, keep=(1, math.inf), most_jobs=(1, 100_000))

    @property
    def side_by_side(self) -> int:
        """How many requests are read at the same time."""
        return self.workers or min(cores(), _MOST_WORKERS)

    def token(self) -> str | None:
        """Return what clients must show; None where everybody may ask.

        Raises:
            OptionError: the file or the variable is empty, or holds what no header can.
            OSError: the file cannot be read.
        """
        if self.token_file is not None:
            where, found = str(self.token_file), self.token_file.read_text("utf-8").strip()
        elif TOKEN in os.environ:
            where, found = TOKEN, os.environ[TOKEN].strip()
        else:
            return None
        if not found or not found.isascii() or len(found.split()) != 1:
            raise OptionError(f"{where}: holds no token; write one of letters and digits there")
        return found
