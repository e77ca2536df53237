"""What the service can do, as OpenAPI 3.1 tells it."""

from __future__ import annotations

from typing import Any

from shizi import __version__
from shizi.formats import FORMATS
from shizi.serve.answer import FAILURES, KEPT, media_type
from shizi.serve.asked.order import OPTIONS
from shizi.serve.asked.result import RESULT

_Json = dict[str, Any]

_TYPES: _Json = {
    "format": {"type": "string", "enum": list(FORMATS), "default": "text"},
    "pages": {"type": "string", "examples": ["1-3,5"]},
    "dpi": {"type": "integer", "minimum": 1, "maximum": 2400},
    "password": {"type": "string", "format": "password"},
    "orientation": {"type": "boolean"},
    "force": {"type": "boolean", "default": False},
    "pictures": {"type": "boolean", "default": False},
    "name": {"type": "string", "default": "upload"},
}
_REASONS = {
    400: "An option is unknown or wrong, or the body is not what it says.",
    401: "The token is missing or wrong.",
    403: "Asked under an unknown name, by another page, or for what was not allowed at the start.",
    404: "There is no such job, or its result was kept long enough.",
    408: "The client stopped sending.",
    409: "The job is not done yet.",
    413: "Too many bytes, pixels or pages.",
    422: "The file is broken or no picture; the reason is that of the command line.",
    429: "Too many requests wait; Retry-After says when to come again.",
    501: "A package for this kind of file is not installed.",
    503: "The service stops.",
    504: "A page took too long.",
}
_OF_FILES = 400, 401, 403, 408, 413, 422, 429, 501, 503, 504
"""Statuses of refusals of a request that brings a file."""

_QUAD = [[10, 8], [210, 8], [210, 40], [10, 40]]
_LINE = {"quad": _QUAD, "text": "识字", "score": 0.99, "block": 0, "paragraph": 0}
_PAGE = {"image": "photo.jpg", "width": 400, "height": 300, "number": 1, "angle": 0}
_EXAMPLE = [{**_PAGE, "lines": [_LINE]}]
_DOT = (  # a white pixel, PNG
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="
)
_JOB = {"id": "3q2-8w", "state": "reading", "pages": 4}
_STATES = ["waiting", "reading", "done", "failed"]
_JOB_TYPE = {
    "type": "object",
    "required": ["id", "state", "pages"],
    "properties": {
        "id": {"type": "string"},
        "state": {"type": "string", "enum": _STATES},
        "pages": {"type": "integer", "description": "read so far"},
        "expires_in": {"type": "integer", "description": "seconds that the result is kept"},
        "status": {"type": "integer", "description": "that the result has"},
        "error": {"type": "string"},
        "failures": {"type": "array", "items": {"$ref": "#/components/schemas/Failure"}},
    },
}


def openapi(max_bytes: int, max_pages: int) -> _Json:
    """Describe the service, its limits among the words."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "shizi",
            "version": __version__,
            "description": (
                "Reads Chinese and Latin text from pictures and PDFs. A request has at most "
                f"{max_bytes:,} bytes and {max_pages:,} pages."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{}, {"token": []}],
        "paths": {**_reading(), **_jobs(), **_clients(), **_small()},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _error(), "Failure": _failure(), "Job": _JOB_TYPE},
        },
    }


def _reading() -> _Json:
    read = {
        "summary": "Read pictures and documents",
        "description": (
            "Send one file as the body, or several as the files of a form. jsonl sends each page "
            "as soon as it is read."
        ),
        "parameters": _options(),
        "requestBody": _upload(),
        "responses": {**_pages(), **_refusals(*_OF_FILES)},
    }
    return {
        "/v1/read": {"post": {"operationId": "read", **read}},
        "/v1/format": {"post": {"operationId": "format", **_format()}},
        "/v1/corrections": {"post": {"operationId": "correct", **_correct()}},
    }


def _format() -> _Json:
    result = _json_body({"type": "array", "items": {"type": "object"}}, _EXAMPLE)
    result["content"]["multipart/form-data"] = {
        "schema": {
            "type": "object",
            "required": ["file", RESULT],
            "properties": {
                "file": {"type": "string", "format": "binary"},
                RESULT: {"type": "string", "description": "what format=json gave"},
                **_TYPES,
            },
        }
    }
    return {
        "summary": "Write pages in another format",
        "description": (
            "Send what format=json gave, corrected perhaps. A picture or a searchable PDF needs "
            "the file too: a form of both."
        ),
        "parameters": _options("format"),
        "requestBody": result,
        "responses": {**_pages(), **_refusals(*_OF_FILES)},
    }


def _correct() -> _Json:
    fields = {
        "file": {"type": "string", "format": "binary"},
        "page": {"type": "string", "examples": ["1"]},
        "lines": {"type": "string", "description": "JSON of [{quad, text}]"},
    }
    form = {"type": "object", "required": ["file", "lines"], "properties": fields}
    return {
        "summary": "Add corrected lines to the training set",
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": {
            "201": _json("Kept; the number of lines in the set.", {"type": "object"}, {"kept": 12}),
            **_refusals(*_OF_FILES),
        },
    }


def _jobs() -> _Json:
    job = {"$ref": "#/components/schemas/Job"}
    id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    add = {
        "summary": "Read while nobody waits",
        "parameters": _options(),
        "requestBody": _upload(),
        "responses": {
            "202": _json("Taken.", job, {**_JOB, "state": "waiting", "pages": 0}),
            **_refusals(400, 401, 403, 408, 413, 429, 503),
        },
    }
    look = {
        "summary": "How a job stands",
        "responses": {"200": _json("Its state.", job, _JOB), **_refusals(401, 403, 404)},
    }
    drop = {
        "summary": "Cancel a job, or forget its result",
        "responses": {"204": {"description": "Gone."}, **_refusals(401, 403, 404)},
    }
    take = {
        "summary": "What a job read, as /v1/read answers it",
        "responses": {**_pages(), **_refusals(400, 401, 403, 404, 409, 413, 422, 501, 504)},
    }
    return {
        "/v1/jobs": {"post": {"operationId": "addJob", **add}},
        "/v1/jobs/{id}": {
            "parameters": [id],
            "get": {"operationId": "job", **look},
            "delete": {"operationId": "dropJob", **drop},
        },
        "/v1/jobs/{id}/result": {
            "parameters": [id],
            "get": {"operationId": "jobResult", **take},
        },
    }


def _clients() -> _Json:
    address = f"data:image/png;base64,{_DOT}"
    document = {"type": "image_url", "image_url": address}
    mistral = {
        "summary": "Read as Mistral does",
        "description": "Documents as data: addresses alone; nothing is fetched.",
        "requestBody": _json_body(
            {"type": "object", "required": ["document"]}, {"model": "shizi", "document": document}
        ),
        "responses": {
            "200": _json(
                "Pages.", {"type": "object"}, {"pages": [{"index": 0, "markdown": "识字"}]}
            ),
            **_refusals(401, 403),
            **{str(s): _mistral(s) for s in (400, 408, 413, 422, 429, 501, 503, 504)},
        },
    }
    umi = {
        "summary": "Read as Umi-OCR does",
        "requestBody": _json_body(
            {"type": "object", "required": ["base64"]},
            {"base64": _DOT, "options": {"data.format": "text"}},
        ),
        "responses": {
            "200": _json(
                "code 100: text; 101: none; another: why not.",
                {"type": "object"},
                {"code": 100, "data": "识字\n", "time": 0.2, "timestamp": 1.7e9},
            ),
            **_refusals(401, 403, 408, 429, 503),
        },
    }
    options = {"200": _json("What can be asked for.", {"type": "object"}, {})}
    return {
        "/v1/ocr": {"post": {"operationId": "mistral", **mistral}},
        "/api/ocr": {"post": {"operationId": "umi", **umi}},
        "/api/ocr/get_options": {
            "get": {"operationId": "umiOptions", "responses": {**options, **_refusals(401, 403)}}
        },
    }


def _small() -> _Json:
    text = {"content": {"text/plain": {"schema": {"type": "string"}}}}
    about = _json("Version, formats and limits.", {"type": "object"}, {"version": __version__})
    well = {"200": {"description": "It takes requests.", **text}}
    stopping = {"503": {"description": "It stops.", **text}}
    counts = {"200": {"description": "Prometheus text.", **text}}
    return {
        "/v1/about": {
            "get": {"operationId": "about", "responses": {"200": about, **_refusals(401, 403)}}
        },
        "/healthz": {
            "get": {"operationId": "health", "responses": {**well, **stopping, **_refusals(403)}}
        },
        "/metrics": {
            "get": {"operationId": "metrics", "responses": {**counts, **_refusals(401, 403)}}
        },
    }


def _options(*names: str) -> list[_Json]:
    return [
        {"name": name, "in": "query", "description": OPTIONS[name][1], "schema": _TYPES[name]}
        for name in names or OPTIONS
    ]


def _upload() -> _Json:
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    form = {"type": "object", "required": ["file"], "properties": {"file": files, **_TYPES}}
    content = {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {"schema": form},
    }
    return {"required": True, "content": content}


def _pages() -> _Json:
    kinds: _Json = {
        media_type(name).partition(";")[0]: {"schema": {"type": "string"}} for name in FORMATS
    }
    kinds[media_type("json")] = {"schema": {"type": "array"}, "example": _EXAMPLE}
    some = "Some pages were read; the others stand among them (JSON) or in the header."
    kept = {"description": "Pages that keep the text of before.", "schema": {"type": "integer"}}
    told = {FAILURES: {"description": "JSON in percent encoding", "schema": {"type": "string"}}}
    told[KEPT] = kept
    return {
        "200": {"description": "All was read.", "headers": {KEPT: kept}, "content": kinds},
        "207": {"description": some, "headers": told, "content": kinds},
    }


def _refusals(*statuses: int) -> _Json:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {
        str(status): {
            "description": _REASONS[status],
            "content": content if status != 403 else {**content, **text},
        }
        for status in statuses
    }


def _mistral(status: int) -> _Json:
    words = {"type": "object", "required": ["message", "detail"]}
    content = {"application/json": {"schema": words}}
    return {"description": _REASONS[status], "content": content}


def _json(told: str, schema: _Json, example: object) -> _Json:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"description": told, "content": content}


def _json_body(schema: _Json, example: object) -> _Json:
    return {
        "required": True,
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _error() -> _Json:
    return {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string", "description": "one line"}},
    }


def _failure() -> _Json:
    fields = {"image": {"type": "string"}, "error": {"type": "string"}}
    return {"type": "object", "properties": {**fields, "status": {"type": "integer"}}}
