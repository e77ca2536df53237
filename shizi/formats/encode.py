"""How text becomes bytes, the same in every format."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any, BinaryIO

from shizi.terminal import printable

_NO_XML = re.compile("[\ufffe\uffff]")
# JSON allows these inside a string, but a terminal obeys some and JavaScript ends a line at others.
_UNFIT = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def put(out: BinaryIO, text: str) -> None:
    """Write text in UTF-8; what no UTF-8 can hold, as in odd names of files, is escaped."""
    out.write(text.encode("utf-8", "backslashreplace"))


def xml(text: str) -> str:
    """Return the text for XML and HTML, quotes escaped too; what neither may hold is spelt out."""
    return escape(_NO_XML.sub("\ufffd", printable(text)))


def json_line(value: Any) -> str:
    """Return JSON on one line that keeps Chinese legible and that a terminal only shows."""
    text = json.dumps(value, ensure_ascii=False)
    return _UNFIT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
