"""Who may ask, and what the service tells of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from serving import PNG, Served, served

from shizi.errors import OptionError
from shizi.serve.options import TOKEN, ServeOptions

# Who may ask


def test_without_the_token_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    with served(ServeOptions(port=0, workers=1, token_file=tmp_path / "token")) as api:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
            answer = api.post("/v1/read", content=PNG, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        right = {"Authorization": "Bearer s3cret"}
        assert api.post("/v1/read", content=PNG, headers=right).status_code == 200
        assert api.get("/metrics").status_code == 401
        assert api.get("/v1/jobs/x").status_code == 401
        assert api.post("/api/ocr", json={}).status_code == 401
        assert [api.get(p).status_code for p in ("/", "/healthz", "/openapi.json")] == [200] * 3


def test_the_token_comes_of_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    assert ServeOptions().token() is None
    monkeypatch.setenv(TOKEN, " abc ")
    assert ServeOptions().token() == "abc"
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(OptionError, match="holds no token"):
        ServeOptions(token_file=tmp_path / "empty").token()


def test_other_names_and_other_pages_are_not_answered(api: Served) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        assert api.post("/v1/read", content=PNG, headers=headers).status_code == 403
    assert "access-control-allow-origin" not in api.post("/v1/read", content=PNG).headers


# What it tells of itself


def test_counts_are_there_for_prometheus(api: Served) -> None:
    api.post("/v1/read", content=PNG)
    text = api.get("/metrics").text
    assert 'shizi_requests_total{endpoint="read",status="200"}' in text
    assert "# TYPE shizi_pages_total counter" in text
    assert "shizi_places 0" in text


def test_openapi_names_every_endpoint_and_option(api: Served) -> None:
    told = api.get("/openapi.json").json()
    routes = {
        route.path: set(route.methods or ()) - {"HEAD"}  # type: ignore[attr-defined]
        for route in api.service._starlette().routes
        if hasattr(route, "methods") and route.path not in ("/", "/openapi.json")  # type: ignore[attr-defined]
    }
    assert set(told["paths"]) == set(routes)
    names = {option["name"] for option in told["paths"]["/v1/read"]["post"]["parameters"]}
    assert {"format", "pages", "dpi", "password", "orientation"} <= names
    assert told["info"]["version"]
