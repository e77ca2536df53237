"""What a client asks for: files, and how they are read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

from shizi.errors import Failure
from shizi.formats import FORMATS, FormatName, needs_all
from shizi.images.limits import ImageLimits, PageOptions
from shizi.images.load import Picture
from shizi.jobs import Read, sheets
from shizi.page import Sheet
from shizi.serve.desk.admission import Task
from shizi.serve.refusal import RefusedError

Item: TypeAlias = Sheet | Failure

Files: TypeAlias = tuple[tuple[str, BinaryIO], ...]
"""Names and files."""


@dataclass(frozen=True)
class Wanted:
    """How files are read and written.

    Attributes:
        format: of the answer.
        pages: which pages of documents, and how PDFs are drawn.
        orientation: turn rotated pages upright; None: as the service was told.
        pictures: send each page's picture too, small, in JSON.
        name: of a file that was sent without one.
    """

    format: FormatName = "text"
    pages: PageOptions = PageOptions()
    orientation: bool | None = None
    pictures: bool = False
    name: str = "upload"


@dataclass(frozen=True)
class Order:
    """Files to read, each with its name, and how."""

    files: Files
    wanted: Wanted

    def close(self) -> None:
        """Let go of the files."""
        for _, file in self.files:
            file.close()


def _truth(text: str) -> bool:
    if text.lower() not in ("1", "true", "0", "false"):
        raise ValueError("true or false")
    return text.lower() in ("1", "true")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("a whole number") from None


def _format(text: str) -> str:
    if text not in FORMATS:
        raise ValueError(f"one of {', '.join(FORMATS)}")
    return text


OPTIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "format": (_format, "how the text is written"),
    "pages": (str, "pages of documents, such as 1-3,5 or 2-; all by default"),
    "dpi": (_whole, "pixels per inch of drawn PDF pages, 1 to 2400; 200 or less by default"),
    "password": (str, "of encrypted PDFs; better a field of a form than part of an address"),
    "orientation": (_truth, "turn rotated pages upright first"),
    "force": (_truth, "read pages that have text already too, where a PDF is made"),
    "pictures": (_truth, "send the picture of each page too, small, as a data: address in JSON"),
    "name": (str, "what a file without a name is called"),
}
"""Each option of a request: what makes its value of text, and what it is."""


def wanted(given: Iterable[tuple[str, str]], timeout: float) -> Wanted:
    """Understand the options of a request.

    Args:
        given: names and values; from the address, or fields of a form.
        timeout: seconds that drawing a page of a PDF may take.

    Raises:
        RefusedError: an option is unknown, given twice, or wrong.
    """
    found: dict[str, Any] = {}
    for name, text in given:
        if name not in OPTIONS:
            raise RefusedError(400, f"{name}: is no option; choose from {', '.join(OPTIONS)}")
        if name in found:
            raise RefusedError(400, f"{name}: is given twice")
        try:
            found[name] = OPTIONS[name][0](text)
        except ValueError as error:
            raise RefusedError(400, f"{name}: must be {error}, not {text!r}") from error
    drawing = {
        name: found.pop(name) for name in ("pages", "dpi", "password", "force") if name in found
    }
    try:
        return Wanted(pages=PageOptions(**drawing, timeout=timeout), **found)
    except ValueError as error:
        raise RefusedError(400, str(error)) from error


def read(
    order: Order, task: Task[Any], how: Read, limits: ImageLimits, max_pages: int
) -> Iterator[Item]:
    """Read an order, page by page, in the thread of its task.

    Raises:
        RefusedError: it is more than ``max_pages``.
    """

    def execute(
        function: Callable[[Picture | Failure], Item], items: Iterable[Picture | Failure]
    ) -> Iterator[Item]:
        for item in items:
            if isinstance(item, Picture):
                # A long document is refused at its first page, many short ones in the end.
                if max(_asked(order.wanted.pages, item.count), task.pages + 1) > max_pages:
                    raise RefusedError(413, too_many(item.name, max_pages))
                task.at(item.name)
                yield function(item)
                task.pages += 1
            else:
                yield item

    every = needs_all((order.wanted.format,))
    options = order.wanted.pages
    task.at(order.files[0][0])
    yield from sheets(order.files, how, limits, options, execute=execute, read_all=every)


def _asked(options: PageOptions, count: int) -> int:
    """How many pages of a document of ``count`` are asked for."""
    if count == 1:
        return 1
    ends = ((first, min(count, last or count)) for first, last in options.ranges())
    return sum(max(0, last - first + 1) for first, last in ends)


def too_many(name: str, most: int) -> str:
    """Say that a file has more pages than are read at once."""
    return f"{name}: more than {most} pages are asked for; name fewer, in several requests"
