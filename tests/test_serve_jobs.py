"""Jobs: what is read while nobody waits is kept for a while."""

from __future__ import annotations

from serving import BROKEN, PNG, SLOW, Served, png, served, several, tiff, until_done

from shizi.serve.options import ServeOptions


def test_a_job_is_read_while_nobody_waits(api: Served) -> None:
    added = api.post("/v1/jobs?format=json", files=several(("a.png", PNG), ("b.png", BROKEN)))
    assert added.status_code == 202
    where = added.headers["Location"]
    told = until_done(api, where)
    assert (told["state"], told["status"], told["pages"]) == ("done", 207, 1)
    for _ in range(2):
        result = api.get(f"{where}/result")
        assert result.status_code == 207
        assert [page["image"] for page in result.json()] == ["a.png", "b.png"]
    assert api.client.delete(where).status_code == 204
    assert api.get(where).status_code == 404


def test_a_job_that_fails_says_why(api: Served) -> None:
    where = api.post("/v1/jobs?name=x", content=BROKEN).headers["Location"]
    told = until_done(api, where)
    assert (told["state"], told["status"]) == ("failed", 422)
    result = api.get(f"{where}/result")
    assert result.status_code == 422
    assert result.json()["error"] == told["error"]


def test_a_job_can_be_cancelled_between_pages() -> None:
    with served() as api:
        where = api.post("/v1/jobs", content=tiff(SLOW, 30, 31)).headers["Location"]
        assert api.reader.reading.acquire(timeout=30)
        assert api.get(f"{where}/result").status_code == 409
        assert api.get(where).json()["state"] == "reading"
        assert api.client.delete(where).status_code == 204
        api.reader.go.set()
        assert api.service.close(30)
        assert "shizi_pages_total 1\n" in api.get("/metrics").text


def test_jobs_are_bounded_and_kept_for_a_while() -> None:
    with served(ServeOptions(port=0, workers=1, most_jobs=1)) as api:
        first = api.post("/v1/jobs", content=png(SLOW)).headers["Location"]
        assert api.post("/v1/jobs", content=PNG).status_code == 429
        api.reader.go.set()
        until_done(api, first)
        second = api.post("/v1/jobs", content=PNG).headers["Location"]
        assert api.get(first).status_code == 404
        until_done(api, second)
        api.service._later.keep = 0
        assert api.get(second).status_code == 404
