"""Bodies of JSON, and files inside them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

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
