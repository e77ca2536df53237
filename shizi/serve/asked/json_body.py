"""Bodies of JSON, and the files or pages inside them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from shizi.errors import DataError
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
    if not isinstance(found, list):
        raise RefusedError(400, "send a list of pages, as /v1/read?format=json gives it")
    try:
        return [Page.from_dict(page) for page in found if not _is_failure(page)]
    except DataError as error:
        raise RefusedError(400, str(error)) from error


def _is_failure(page: Any) -> bool:
    return isinstance(page, dict) and "error" in page
