"""What was read, as a client sends it back: corrected perhaps, and with its file where needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from shizi.errors import Failure
from shizi.extras import needed
from shizi.images.limits import ImageLimits
from shizi.images.load import Picture, pages
from shizi.page import Page, Sheet
from shizi.serve.asked.json_body import pages_of, parsed
from shizi.serve.asked.order import Item, Order, too_many, wanted
from shizi.serve.asked.uploads import body_of, closed_on_error, form_of, is_form
from shizi.serve.desk.admission import Task
from shizi.serve.options import ServeOptions
from shizi.serve.refusal import RefusedError

with needed("serving"):
    from starlette.requests import Request

RESULT = "result"
"""The field of a form in which pages come."""


async def result_of(request: Request, options: ServeOptions) -> tuple[Order, list[Page]]:
    """Read pages: JSON as the body, or in a form beside the file that they were read from.

    Raises:
        RefusedError: they make no sense, are too large, or break off.
    """
    given = list(request.query_params.multi_items())
    if not is_form(request):
        found = wanted(given, options.timeout)
        return Order((), found), pages_of(parsed(await body_of(request, options.max_upload)))
    files, fields = await form_of(request, options.max_upload)
    with closed_on_error(files):
        results = [value for name, value in fields if name == RESULT]
        given += [pair for pair in fields if pair[0] != RESULT]
        if len(files) != 1 or len(results) != 1:
            raise RefusedError(400, f"send one file, and its pages in the field {RESULT!r}")
        read = pages_of(parsed(results[0].encode("utf-8", "surrogatepass")))
        if len(read) > options.max_pages:
            raise RefusedError(413, too_many(files[0][0], options.max_pages))
        return Order(files, wanted(given, options.timeout)), read


def joined(
    order: Order, read: Sequence[Page], task: Task[Any], limits: ImageLimits
) -> Iterator[Item]:
    """Give each page its picture out of the file of an order, in the thread of its task.

    Yields:
        A sheet for every page, or why it cannot be had.
    """
    if not read:
        return
    ((name, file),) = order.files
    task.at(name)
    numbers = ",".join(str(page.number) for page in read)
    found = pages(file, limits, replace(order.wanted.pages, pages=numbers), name=name)
    for page in read:
        item = next(found, None)
        if item is None:  # a picture has one, whatever is asked for
            item = Failure(name, RefusedError(422, f"{name}: is a picture; it has one page"))
        yield _joined(page, item) if isinstance(item, Picture) else item
        task.at(name)


def _joined(page: Page, picture: Picture) -> Item:
    height, width = picture.image.shape[:2]
    if (width, height) != (page.width, page.height):
        told = f"{picture.name}: has {width}x{height} pixels, and not {page.width}x{page.height}"
        return Failure(picture.name, RefusedError(400, f"{told}; send the file that was read"))
    return Sheet(page, picture.image, picture.count, picture.origin, picture.own_text)
