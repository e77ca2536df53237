"""``POST /api/ocr`` as Umi-OCR answers it (its docs/http/api_ocr.md).

Columns are found whatever is asked, so ``single_…`` reads as ``multi_…`` does. Options of other
engines (``ocr.…``) are passed over, but ``ocr.cls``, which turns rotated pictures upright.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shizi.formats.parts import join
from shizi.page import Box, Line, Page
from shizi.serve.asked.json_body import decoded, parsed
from shizi.serve.refusal import RefusedError

FOUND, NOTHING = 100, 101
"""Codes: text was found; there is none. Any other is a failure."""

_PARSERS = {
    "multi_para": "多栏-按自然段换行",
    "multi_line": "多栏-总是换行",
    "multi_none": "多栏-无换行",
    "single_para": "单栏-按自然段换行",
    "single_line": "单栏-总是换行",
    "single_none": "单栏-无换行",
    "none": "不做处理",
}
_FORMATS = {"dict": "含有位置等信息的原始字典", "text": "纯文本"}


@dataclass(frozen=True)
class UmiRequest:
    """What a client asks for.

    Attributes:
        data: the picture's file.
        parser: how ends of lines are told.
        format: dict or text.
        ignore: areas (left, top, right, bottom); lines wholly within one are left out.
        orientation: turn rotated pictures upright; None: as the service was told.
    """

    data: bytes
    parser: str = "multi_para"
    format: str = "dict"
    ignore: tuple[Box, ...] = ()
    orientation: bool | None = None


def asked(body: bytes) -> UmiRequest:
    """Understand a request.

    Raises:
        RefusedError: it makes no sense; the status is the code of Umi-OCR.
    """
    try:
        found = parsed(body)
    except RefusedError as error:
        raise RefusedError(800, str(error)) from error
    if not isinstance(found, dict) or not found:
        raise RefusedError(801, "the request is empty; send base64 and options")
    if not isinstance(found.get("base64"), str):
        raise RefusedError(802, "base64 is missing; send the picture's file in it")
    options = found.get("options") or {}
    if not isinstance(options, dict):
        raise RefusedError(803, "options must be a dictionary")
    parser = options.get("tbpu.parser", "multi_para")
    format = options.get("data.format", "dict")
    if not isinstance(parser, str) or parser not in _PARSERS:
        raise RefusedError(
            804, f"tbpu.parser: must be one of {', '.join(_PARSERS)}, not {parser!r}"
        )
    if not isinstance(format, str) or format not in _FORMATS:
        raise RefusedError(
            804, f"data.format: must be one of {', '.join(_FORMATS)}, not {format!r}"
        )
    turn = options.get("ocr.cls")
    areas = options.get("tbpu.ignoreArea") or []
    if not isinstance(areas, list):
        raise RefusedError(804, f"tbpu.ignoreArea: must be a list, not {areas!r}")
    ignore = tuple(map(_area, areas))
    data = decoded(found["base64"], "base64")
    return UmiRequest(data, parser, format, ignore, None if turn is None else bool(turn))


def _area(value: object) -> Box:
    match value:
        case [
            [float() | int() as a, float() | int() as b],
            [float() | int() as c, float() | int() as d],
        ]:
            return a, b, c, d
    raise RefusedError(
        804, f"tbpu.ignoreArea: must hold [[left, top], [right, bottom]], not {value!r}"
    )


def answer(page: Page, request: UmiRequest) -> dict[str, Any]:
    """Tell a page in Umi-OCR's words, without its times."""
    lines = [line for line in page.lines if not _ignored(line, request.ignore)]
    if not lines:
        return {"code": NOTHING, "data": ""}
    ends = _ends(lines, request.parser)
    if request.format == "text":
        text = "".join(line.text + end for line, end in zip(lines, ends, strict=True))
        return {"code": FOUND, "data": text}
    data = [
        {
            "text": line.text,
            "score": round(line.score, 6),
            "box": [[round(x), round(y)] for x, y in line.quad.points],
            "end": end,
        }
        for line, end in zip(lines, ends, strict=True)
    ]
    return {"code": FOUND, "data": data}


def _ignored(line: Line, areas: Sequence[Box]) -> bool:
    left, top, right, bottom = line.quad.bounds
    return any(a <= left and b <= top and right <= c and bottom <= d for a, b, c, d in areas)


def _ends(lines: Sequence[Line], parser: str) -> list[str]:
    """What follows each line: nothing, a blank, or an end of line."""
    ends = []
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        same = after is not None and after.paragraph == line.paragraph
        if parser.endswith("_none") or (parser.endswith("_para") and same):
            text = after.text if after else ""
            ends.append(join(line.text, text)[len(line.text) : -len(text) or None] if text else "")
        else:
            ends.append("\n")
    return ends


def options() -> dict[str, Any]:
    """What can be asked for, in the form of ``/api/ocr/get_options``."""
    return {
        "ocr.cls": {
            "title": "纠正文本方向",
            "toolTip": "先把转了 90、180、270 度的图片转正。",
            "default": True,
            "type": "boolean",
        },
        "tbpu.parser": _choice("排版解析方案", "按什么方式，解析和排序图片中的文字块", _PARSERS),
        "tbpu.ignoreArea": {
            "title": "忽略区域",
            "toolTip": "数组，每一项为[[左上角x,y],[右下角x,y]]。",
            "default": [],
            "type": "var",
        },
        "data.format": _choice("数据返回格式", '["data"] 按什么格式表示OCR结果数据', _FORMATS),
    }


def _choice(title: str, tip: str, values: dict[str, str]) -> dict[str, Any]:
    return {
        "title": title,
        "toolTip": tip,
        "default": next(iter(values)),
        "optionsList": [list(pair) for pair in values.items()],
        "type": "enum",
    }
