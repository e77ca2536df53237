"""``shizi check``: what is installed, and whether the weights are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_reader import FakeReader
from pictures import SAMPLE, encode

from shizi import reader, weights
from shizi.cli import check, main
from shizi.page import Line, Page, Quad

ROOT = Path(__file__).parents[2]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def ctpn_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> weights.Card:
    """The card of a network that is not shipped, in a folder of its own."""
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of b"abc"
    told = ("", {}, "", "", "", "", "2031-01-01", {"f": 0.98765})
    card = weights.Card("ctpn", "lcnet", sha, *told, output=weights.OUTPUTS["ctpn"])
    card.write(tmp_path / "ctpn.json")
    (tmp_path / "ctpn.onnx").write_bytes(b"abc")
    return card


def test_weights_as_on_their_card(ctpn_card: weights.Card) -> None:
    finding = check._weights("ctpn")
    assert finding.state == "ok"
    assert "2031-01-01" in finding.detail
    assert "f 0.9877" in finding.detail


def test_weights_changed_or_lost(ctpn_card: weights.Card) -> None:
    weights.file("ctpn").write_bytes(b"abd")
    weights.file("crnn").write_bytes(b"abc")  # and no card
    for network in weights.NETWORKS:
        finding = check._weights(network)
        assert finding.state == "WRONG"
        assert "reinstall" in finding.detail


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("-", 0), ("WRONG", 1)])
def test_check_exits_by_what_it_finds(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, state: str, code: int
) -> None:
    monkeypatch.setattr(check, "_findings", lambda: [check.Finding("thing", "two\nlines", state)])
    assert main(["check"]) == code
    out, err = capsys.readouterr()
    assert out.split() == [state, "thing", "two", "lines"]
    assert bool(err) == bool(code)


def test_check_reads_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = tmp_path / "check.png"
    picture.write_bytes(encode(SAMPLE, "PNG"))
    for text, state in (("识字", "ok"), ("只字", "WRONG")):
        page = Page("x", 1, 1, lines=(Line(Quad(((0.0, 0.0),) * 4), text, 1),))
        monkeypatch.setattr(FakeReader, "read", lambda *_, page=page: page, raising=False)
        monkeypatch.setattr(reader, "Reader", FakeReader)
        assert check._reading(picture).state == state
    monkeypatch.delattr(reader, "Reader")
    assert check._reading(picture).state == "WRONG"


def test_packages_that_do_not_import_are_wrong() -> None:
    assert check._needed("numpy", "numpy").detail == np.__version__
    broken = check._needed("no_such_module_at_all", "thing")
    assert broken.state == "WRONG"
    assert "pip install" in broken.detail
