"""What a client gets: pages in a format, and every failure beside them.

Where all was read the status is 200. Where some was, it is 207, and the failures stand among the
pages (JSON) or in the header ``Shizi-Failures``. Where nothing was, it is the first failure's.
"""

from __future__ import annotations

import base64
import io
import json
import mimetypes
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast
from urllib.parse import quote

import PIL.Image

from shizi.errors import Failure
from shizi.formats import FORMATS, FormatName, needs_all
from shizi.formats.encode import json_line
from shizi.page import WHOLE, Image, Sheet
from shizi.serve.asked.order import Item, Wanted
from shizi.serve.refusal import refusal_of, status_of

FAILURES = "Shizi-Failures"
"""Header that names the failures, as JSON in percent encoding."""

KEPT = "Shizi-Kept"
"""Header that counts the pages of a PDF that keep the text of before, nothing being added."""

_IN_MEMORY = 4 << 20
_SHOWN = 1600  # pixels of the longer side of a picture that is sent along
_MEDIA = {
    ".alto.xml": "application/xml",
    ".hocr": "text/html; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".md": "text/markdown; charset=utf-8",
    ".tsv": "text/tab-separated-values; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
_MOST_TOLD = 20  # failures in a header, whose length is limited


def media_type(format: FormatName) -> str:
    """Return the media type of a format."""
    suffix = FORMATS[format].suffix
    found = _MEDIA.get(suffix) or mimetypes.guess_type(f"a{suffix}")[0]
    return found or "application/octet-stream"


def _empty() -> BinaryIO:
    return cast(BinaryIO, SpooledTemporaryFile(_IN_MEMORY))


@dataclass(eq=False)
class Answer:
    """Pages that were read, written down; what it wrote is gone with it.

    Attributes:
        format: that they are in.
        body: what was written.
        sheets: pages read.
        failures: what could not be read.
        kept: pages of a PDF that keep the text of before.
    """

    format: FormatName
    body: BinaryIO = field(default_factory=_empty)
    sheets: int = 0
    failures: list[Failure] = field(default_factory=list)
    kept: int = 0

    def __post_init__(self) -> None:
        weakref.finalize(self, self.body.close)

    @property
    def status(self) -> int:
        """Status of the answer."""
        return 200 if not self.failures else 207

    def headers(self) -> dict[str, str]:
        """Headers of the answer."""
        found = {"Content-Type": media_type(self.format)}
        if self.kept:
            found[KEPT] = str(self.kept)
        if self.failures:
            told = [told_of(failure) for failure in self.failures[:_MOST_TOLD]]
            found[FAILURES] = quote(json.dumps(told, ensure_ascii=False), safe="")
        return found


def written(items: Iterable[Item], wanted: Wanted) -> Answer:
    """Write pages as they come.

    Raises:
        RefusedError: nothing could be read.
        WriteError: the format cannot hold these pages.
    """
    answer = Answer(wanted.format)
    counted = _counted(items, answer)
    if wanted.format == "json":
        _write_json(counted, answer.body, wanted)
    elif wanted.format == "jsonl":
        answer.body.writelines(line(item, wanted) for item in counted)
    else:
        found = (item for item in counted if isinstance(item, Sheet))
        first = tuple(islice(found, 1))
        if first or not answer.failures:  # a writer may complain of none before we say why
            FORMATS[wanted.format].write(chain(first, found), answer.body)
    if answer.failures and not answer.sheets:
        raise refusal_of(answer.failures[0])
    return answer


def line(item: Item, wanted: Wanted) -> bytes:
    """Return a page or a failure as a line of JSON."""
    if isinstance(item, Failure):
        return f"{json_line(told_of(item))}\n".encode()
    page: dict[str, Any] = item.page.to_dict() | {"pages": item.count}
    if wanted.pictures and item.image is not None:
        page["picture"] = _shown(item.image)
    return f"{json_line(page)}\n".encode("utf-8", "backslashreplace")


def told_of(failure: Failure) -> dict[str, Any]:
    """Return a failure as plain values."""
    return {
        "image": failure.source,
        "error": str(failure),
        "status": status_of(failure.error),
    }


def _counted(items: Iterable[Item], answer: Answer) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Failure):
            answer.failures.append(item)
        else:
            answer.sheets += 1
            answer.kept += not needs_all((answer.format,)) and item.own_text == WHOLE
        yield item


def _write_json(items: Iterable[Item], out: BinaryIO, wanted: Wanted) -> None:
    before = b"[\n"
    for item in items:
        out.write(before + line(item, wanted).rstrip(b"\n"))
        before = b",\n"
    out.write(b"\n]\n" if before == b",\n" else b"[]\n")


def _shown(image: Image) -> str:
    """Return a small copy of a picture (H, W, 3) as a data: address."""
    picture = PIL.Image.fromarray(image)
    picture.thumbnail((_SHOWN, _SHOWN))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"
