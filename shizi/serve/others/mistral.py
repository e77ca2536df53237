"""``POST /v1/ocr`` as Mistral answers it; LiteLLM and the ``mistralai`` package call it.

Documents come as ``data:`` addresses; no address is fetched. What cannot be done is refused
rather than left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import unquote_to_bytes

from shizi.formats.markdown import body as markdown_of
from shizi.formats.parts import join
from shizi.formats.tree import box_of
from shizi.page import Line, Page
from shizi.serve.asked.json_body import decoded, parsed
from shizi.serve.refusal import RefusedError

_NOT_HAD = (
    "bbox_annotation_format",
    "document_annotation_format",
    "document_annotation_prompt",
    "extract_footer",
    "extract_header",
)
_SCORES = (None, "page", "block")
_DPI = 72  # told where a picture does not say


@dataclass(frozen=True)
class MistralRequest:
    """What a client asks for.

    Attributes:
        data: the document's file.
        name: what it is called.
        model: that was asked for, and is said to have read it.
        pages: as in :class:`~shizi.images.limits.PageOptions`; None for all.
        blocks: tell paragraphs with their places.
        scores: of pages, of blocks too, or none.
    """

    data: bytes
    name: str
    model: str
    pages: str | None = None
    blocks: bool = False
    scores: str | None = None


def asked(body: bytes) -> MistralRequest:
    """Understand a request.

    Raises:
        RefusedError: it makes no sense, or cannot be done.
    """
    found = parsed(body)
    if not isinstance(found, dict) or not isinstance(found.get("document"), dict):
        raise RefusedError(400, "document is missing; send document_url or image_url in it")
    for name in _NOT_HAD:
        if found.get(name):
            raise RefusedError(400, f"{name}: is not offered here; leave it out")
    scores = found.get("confidence_scores_granularity")
    if scores not in _SCORES:
        raise RefusedError(400, f"confidence_scores_granularity: page or block, not {scores!r}")
    document = found["document"]
    name = document.get("document_name")
    return MistralRequest(
        _data(document),
        name if isinstance(name, str) and name else "document",
        str(found.get("model") or "shizi"),
        _pages(found.get("pages")),
        bool(found.get("include_blocks")) or scores == "block",
        scores,
    )


def _data(document: dict[str, Any]) -> bytes:
    address = document.get("document_url") or document.get("image_url")
    if isinstance(address, dict):
        address = address.get("url")
    if not isinstance(address, str):
        raise RefusedError(400, "document: holds neither document_url nor image_url")
    head, comma, rest = address.partition(",")
    if not comma or not head.lower().startswith("data:"):
        raise RefusedError(400, "document: no address is fetched here; send it as data:…;base64,…")
    if head.lower().endswith(";base64"):
        return decoded(rest, "document")
    return unquote_to_bytes(rest)


def _pages(given: object) -> str | None:
    """Return pages counted from 1 for those counted from 0."""
    if given is None or given == []:
        return None
    if isinstance(given, list) and all(type(page) is int and page >= 0 for page in given):
        return ",".join(str(page + 1) for page in given)
    if isinstance(given, str) and re.fullmatch(r"\s*\d+(\s*[-,]\s*\d+)*\s*", given):
        return re.sub(r"\d+", lambda found: str(int(found[0]) + 1), given)
    raise RefusedError(400, f"pages: must look like [0, 1] or '0,2-4', not {given!r}")


def answer(pages: Sequence[Page], request: MistralRequest) -> dict[str, Any]:
    """Tell pages in Mistral's words."""
    return {
        "pages": [_told(page, request) for page in pages],
        "model": request.model,
        "document_annotation": None,
        "usage_info": {"pages_processed": len(pages), "doc_size_bytes": len(request.data)},
    }


def _told(page: Page, request: MistralRequest) -> dict[str, Any]:
    found: dict[str, Any] = {
        "index": page.number - 1,
        "markdown": markdown_of(page),
        "images": [],
        "tables": [],
        "hyperlinks": [],
        "header": None,
        "footer": None,
        "dimensions": {
            "dpi": round(page.dpi or _DPI),
            "height": page.height,
            "width": page.width,
        },
        "blocks": list(_blocks(page, request)) if request.blocks else None,
        "confidence_scores": None,
    }
    if request.scores and page.lines:
        average, least = _scores(page.lines)
        found["confidence_scores"] = {
            "average_page_confidence_score": average,
            "minimum_page_confidence_score": least,
        }
    return found


def _blocks(page: Page, request: MistralRequest) -> Iterator[dict[str, Any]]:
    for _, group in groupby(page.lines, key=lambda line: (line.block, line.paragraph)):
        lines = list(group)
        text = ""
        for line in lines:
            text = join(text, line.text)
        left, top, right, bottom = box_of([line.quad for line in lines])
        block: dict[str, Any] = {
            "type": "text",
            "content": text,
            "top_left_x": left,
            "top_left_y": top,
            "bottom_right_x": right,
            "bottom_right_y": bottom,
        }
        if request.scores == "block":
            average, least = _scores(lines)
            block["confidence_scores"] = {
                "average_content_confidence_score": average,
                "minimum_content_confidence_score": least,
            }
        yield block


def _scores(lines: Sequence[Line]) -> tuple[float, float]:
    """Mean and least score of lines."""
    scores = [line.score for line in lines]
    return round(sum(scores) / len(scores), 4), round(min(scores), 4)


def refused(error: RefusedError) -> dict[str, Any]:
    """Tell a refusal in Mistral's words, which hold a list where the status is 422."""
    told = {"object": "error", "message": str(error), "type": "invalid_request_error"}
    where = [{"loc": ["body", "document"], "msg": str(error), "type": "value_error"}]
    return {**told, "code": error.status, "detail": where}
