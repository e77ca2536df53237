"""Bodies of JSON, and the files or pages inside them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from shizi.page import Page
from shizi.serve.refusal import RefusedError


def parsed(body: bytes) -> Any:
    """Return the value of a body.

    Raises:
        RefusedError: it is no JSON.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, f"the body is no JSON: {error}") from error


def decoded(text: str, name: str) -> bytes:
    """Return what stands in base64.

    Raises:
        RefusedError: it is no base64, or empty.
    """
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedError(400, f"{name}: is no base64 ({error})") from error
    if not data:
        raise RefusedError(400, f"{name}: is empty; send the file in base64")
    return data


def pages_of(found: Any) -> list[Page]:
    """Return pages that a client sends, as JSON gave them to it.

    Raises:
        RefusedError: they are none.
    """
    try:
        if not isinstance(found, list):
            raise TypeError
        pages = [Page.from_dict(page) for page in found if "error" not in page]
        if not all(map(_is_page, pages)):
            raise TypeError
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise RefusedError(400, "the pages are not as /v1/read?format=json gives them") from error
    return pages


def _is_page(page: Page) -> bool:
    """Say whether its texts are texts and its counts are counts."""
    page.to_dict()  # rounds every other number, so each is one
    texts, counts = [page.source], [page.width, page.height]
    for row in page.lines:
        texts += [row.text, *(char.text for char in row.chars)]
        counts += [row.block, row.paragraph]
    return all(isinstance(text, str) for text in texts) and all(type(n) is int for n in counts)
