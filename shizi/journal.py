"""Pages kept while they are read, so that a run that was cut short can go on."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

from shizi.errors import DataError
from shizi.images.load import Picture
from shizi.page import Page, Sheet

_KIND = "pages of shizi"


class Journal:
    """A file of pages, a line each after a header; a line that was cut off is not kept.

    A page is known by its name and its pixels: one that has changed is read again. Safe from
    many threads.
    """

    def __init__(self, path: Path, settings: str, *, resume: bool) -> None:
        """Open it.

        Args:
            path: the file.
            settings: what the pages depend on beside their pictures.
            resume: keep the pages that the file holds.

        Raises:
            DataError: the file is none of shizi's, or of other settings and to be gone on with.
        """
        self.path = path
        self._lock = threading.Lock()
        self._places: dict[str, tuple[str, int]] = {}  # by name: digest, start of its line
        header = {"file": _KIND, "settings": hashlib.blake2b(settings.encode()).hexdigest()[:32]}
        # Its owner's alone, as what comes of it may be.
        opener = partial(os.open, mode=0o600)
        self._file = open(path, "a+b", opener=opener)  # noqa: SIM115
        try:
            self._take_over(header, resume)
        except BaseException:
            self._file.close()
            raise

    def _take_over(self, header: dict[str, str], resume: bool) -> None:
        self._file.seek(0)
        found = self._file.readline()
        whole = json.dumps(header).encode() + b"\n"
        ours = json.dumps({"file": _KIND})[:-1].encode()
        if found and not (found.startswith(ours) or ours.startswith(found)):
            raise DataError(f"{self.path}: was not written by shizi; move it away")
        if not resume or not found.endswith(b"\n"):
            self._file.truncate(0)
            self._file.write(whole)
            self._file.flush()
        elif found != whole:
            raise DataError(
                f"{self.path}: these pages were read with other options; use the same or start anew"
            )
        else:
            self._index()

    def _index(self) -> None:
        place = self._file.tell()
        for line in iter(self._file.readline, b""):
            try:
                row = json.loads(line if line.endswith(b"\n") else b"")
                name, digest = row["page"]["image"], row["digest"]
            except (ValueError, KeyError, TypeError):  # cut off or damaged: that and the rest go
                self._file.truncate(place)
                break
            self._places[name] = digest, place
            place += len(line)

    def __len__(self) -> int:
        """How many pages are kept."""
        return len(self._places)

    def find(self, picture: Picture) -> Page | None:
        """Return the page of a picture, if it is kept."""
        digest, _ = self._places.get(picture.name, ("", 0))
        return self.page(picture.name) if digest and digest == _digest(picture) else None

    def page(self, name: str) -> Page:
        """Return a page that is kept.

        Raises:
            KeyError: it is not.
        """
        _, place = self._places[name]
        with self._lock:
            self._file.seek(place)
            line = self._file.readline()
        return Page.from_dict(json.loads(line)["page"])

    def whole(self, bare: Sheet) -> Sheet:
        """Return a sheet with the lines that :func:`bare` left out.

        Raises:
            KeyError: its page is not kept.
        """
        return replace(bare, page=self.page(bare.page.source))

    def add(self, picture: Picture, page: Page) -> None:
        """Keep the page of a picture."""
        digest = _digest(picture)
        line = (
            json.dumps({"digest": digest, "page": page.to_dict()}).encode() + b"\n"
        )  # in ASCII: names may hold any bytes
        with self._lock:
            place = self._file.seek(0, 2)
            self._file.write(line)
            self._file.flush()
        self._places[picture.name] = digest, place

    def close(self, *, done: bool) -> None:
        """Close the file; it vanishes when all is done, or when it holds no page."""
        self._file.close()
        if done or not self._places:
            self.path.unlink(missing_ok=True)


def bare(sheet: Sheet) -> Sheet:
    """Return a sheet without what takes room: its picture, and its lines, which a journal keeps."""
    return replace(sheet, page=replace(sheet.page, lines=()), image=None)


def _digest(picture: Picture) -> str:
    shape = repr((picture.image.shape, picture.number)).encode()
    return hashlib.blake2b(picture.image.data, digest_size=16, key=shape[:64]).hexdigest()
