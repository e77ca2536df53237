"""Clients of Umi-OCR and of Mistral are answered as they expect."""

from __future__ import annotations

import base64
import json
import warnings
from typing import Any
from urllib.request import Request, urlopen

import pytest
from pictures import encode
from serving import SLOW, TEXTS, THREE, Served, png, served, tiff

from shizi.serve.options import ServeOptions

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    client = pytest.importorskip("mistralai.client")

PNG = png()
IMAGE = base64.b64encode(PNG).decode()


def umi(api: Served, **options: object) -> dict[str, Any]:
    """Ask as Umi-OCR's published example in Python does."""
    data = json.dumps({"base64": IMAGE, "options": options}).encode()
    request = Request(f"{api.url}/api/ocr", data, {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        return dict(json.loads(answer.read()))


def test_umi_ocr_gets_text_score_box_and_end(api: Served) -> None:
    found = umi(api)
    assert found["code"] == 100
    assert [line["text"] for line in found["data"]] == list(TEXTS)
    assert found["data"][0]["box"] == [[1, 1], [59, 1], [59, 9], [1, 9]]
    assert found["data"][0]["score"] == 0.9
    assert [line["end"] for line in found["data"]] == ["", "\n", "\n"]
    assert found["time"] >= 0
    assert found["timestamp"] > 1e9


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        ("multi_para", "识字你好 world\n第二段\n"),
        ("multi_line", "识字\n你好 world\n第二段\n"),
        ("multi_none", "识字你好 world第二段"),
        ("single_line", "识字\n你好 world\n第二段\n"),
        ("none", "识字\n你好 world\n第二段\n"),
    ],
)
def test_umi_ocr_gets_plain_text_as_it_asks(api: Served, parser: str, text: str) -> None:
    found = umi(api, **{"data.format": "text", "tbpu.parser": parser, "ocr.language": "any"})
    assert found["data"] == text


def test_umi_ocr_leaves_out_what_stands_in_ignored_areas(api: Served) -> None:
    found = umi(api, **{"tbpu.ignoreArea": [[[0, 0], [60, 12]]]})
    assert [line["text"] for line in found["data"]] == list(TEXTS[1:])
    assert umi(api, **{"tbpu.ignoreArea": [[[0, 0], [60, 60]]]})["code"] == 101


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", 800),
        (b"[]", 801),
        (b'{"options": {}}', 802),
        (b'{"base64": "AAAA", "options": 3}', 803),
        (b'{"base64": "AAAA", "options": {"tbpu.parser": "single_code"}}', 804),
        (b'{"base64": "AAAA", "options": {"tbpu.ignoreArea": [1]}}', 804),
        (b'{"base64": "AAAA", "options": {"tbpu.ignoreArea": 1}}', 804),
        (b'{"base64": "AAAA", "options": {"data.format": []}}', 804),
        (b'{"base64": "?"}', 400),
        (b'{"base64": "AAAA"}', 422),
    ],
)
def test_umi_ocr_learns_what_is_wrong_from_the_code(api: Served, body: bytes, code: int) -> None:
    answer = api.post("/api/ocr", content=body)
    assert answer.status_code == 200
    assert answer.json()["code"] == code
    assert isinstance(answer.json()["data"], str)


def test_umi_ocr_gets_one_picture_or_a_reason(api: Served) -> None:
    answer = api.post("/api/ocr", json={"base64": TIFF}).json()
    assert (answer["code"], answer["data"]) == (422, "the file holds 2 pages; send one at once")


def test_umi_ocr_can_ask_what_can_be_asked_for(api: Served) -> None:
    found = api.get("/api/ocr/get_options").json()
    assert found["tbpu.parser"]["default"] == "multi_para"
    assert all({"title", "type", "default", "toolTip"} <= set(option) for option in found.values())


def mistral(api: Served, data: bytes, kind: str = "image/png", **more: Any) -> Any:
    """Ask as the package ``mistralai`` does."""
    address = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    name = "document_url" if kind == "application/pdf" else "image_url"
    with client.Mistral(api_key="any", server_url=api.url) as asked:
        return asked.ocr.process(model="x-ocr", document={"type": name, name: address}, **more)


def test_mistral_gets_markdown_page_by_page(api: Served) -> None:
    found = mistral(api, PNG)
    (page,) = found.pages
    assert (page.index, page.markdown) == (0, "识字你好 world\n\n第二段")
    assert (page.dimensions.width, page.dimensions.height) == (60, 30)
    assert found.model == "x-ocr"
    assert found.usage_info.pages_processed == 1
    assert found.usage_info.doc_size_bytes == len(PNG)


def test_mistral_counts_pages_from_zero(api: Served) -> None:
    document = encode(THREE[0], "PDF", save_all=True, append_images=THREE[1:], resolution=72)
    for pages in ([0, 2], "0,2"):
        found = mistral(api, document, "application/pdf", pages=pages)
        assert [page.index for page in found.pages] == [0, 2]


def test_mistral_gets_blocks_and_scores_when_it_asks(api: Served) -> None:
    asked = {"include_blocks": True, "confidence_scores_granularity": "block"}
    (page,) = mistral(api, PNG, **asked).pages
    first, second = page.blocks
    assert (first.content, second.content) == ("识字你好 world", "第二段")
    assert (first.top_left_x, first.bottom_right_x) == (1, 59)
    assert first.confidence_scores.average_content_confidence_score == pytest.approx(0.85)
    assert page.confidence_scores.minimum_page_confidence_score == pytest.approx(0.7)
    (bare,) = mistral(api, PNG, include_blocks=False).pages
    assert bare.blocks is None


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"type": "document_url", "document_url": "https://a.example/b.pdf"}, "no address is"),
        ({"type": "file", "file_id": "6b1ff1a0-0000-4000-8000-000000000000"}, "neither"),
        ({"type": "image_url", "image_url": "data:image/png;base64,AAAA"}, "is not a picture"),
        ({"type": "image_url", "image_url": {"url": "data:,x"}}, "is not a picture"),
    ],
)
def test_mistral_learns_what_is_wrong(api: Served, document: dict[str, str], told: str) -> None:
    with (
        client.Mistral(api_key="any", server_url=api.url) as asked,
        pytest.raises(client.errors.MistralError, match=told),
    ):
        asked.ocr.process(model="x", document=document)


@pytest.mark.parametrize(
    "more",
    [
        {"extract_header": True},
        {"document_annotation_prompt": "x"},
        {"confidence_scores_granularity": "word"},
        {"pages": "x"},
        {"pages": [-1]},
        {"pages": [9]},
    ],
)
def test_what_mistral_can_and_we_cannot_is_refused(api: Served, more: dict[str, Any]) -> None:
    document = {"type": "image_url", "image_url": f"data:image/tiff;base64,{TIFF}"}
    answer = api.post("/v1/ocr", json={"document": document, **more})
    assert answer.status_code in (400, 422)
    assert answer.json()["message"]


TIFF = base64.b64encode(tiff(30, 31)).decode()


def test_litellm_gets_what_it_takes_over_as_it_stands(api: Served) -> None:
    # Its class OCRResponse has these fields, and its pages index, markdown, images, dimensions.
    document = {"type": "document_url", "document_url": f"data:image/png;base64,{IMAGE}"}
    body = {"model": "x", "document": document, "include_image_base64": True}
    found = api.post("/v1/ocr", json=body, headers={"Authorization": "Bearer any"}).json()
    assert set(found) == {"pages", "model", "document_annotation", "usage_info"}
    assert {"index", "markdown", "images", "dimensions"} <= set(found["pages"][0])
    assert found["pages"][0]["images"] == []


def test_litellm_reads_through_its_own_client(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or its import asks the network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        litellm = pytest.importorskip("litellm")
        where = {"model": "mistral/any", "api_key": "any", "api_base": f"{api.url}/v1"}
        document = {"type": "image_url", "image_url": f"data:image/png;base64,{IMAGE}"}
        (page,) = litellm.ocr(document=document, **where).pages
        assert page.markdown == "识字你好 world\n\n第二段"
        address = {"type": "document_url", "document_url": "https://a.example/b.pdf"}
        with pytest.raises(litellm.exceptions.BadRequestError, match="no address is fetched"):
            litellm.ocr(document=address, **where)


def test_both_are_told_when_to_come_again() -> None:
    with served(ServeOptions(port=0, workers=1, queue=0)) as api:
        first = api.slow()
        slow = api.post("/api/ocr", json={"base64": base64.b64encode(png(SLOW)).decode()})
        assert (slow.status_code, slow.json()["code"]) == (429, 429)
        assert api.post("/v1/ocr", json={}).json()["code"] == 429
        api.reader.go.set()
        first.join(30)
