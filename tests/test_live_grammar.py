"""Grammars of one's own: they add to a shipped one, and what is wrong with them is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_rows import row

from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.parse import Parser
from shizi.live.mean.settings import RulesError


def write(folder: Path, text: str) -> str:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_own_grammar_adds_to_a_shipped_one(tmp_path: Path) -> None:
    own = write(tmp_path, "extends: douyin\nevents:\n  join: ['{user}空降本场']\n")
    parser = Parser(load_grammar(own), "r")
    for text in ("小明 空降本场", "小明 来了"):
        event = parser.parse(row(text))
        assert event is not None and event.kind == "join"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("events: {jion: ['{user}来了']}", "events.jion"),
        ("events: {join: ['{usr}来了']}", "'usr' is no slot"),
        ("events: {join: ['{user}']}", "needs some words"),
        ("events: {join: ['[{user}来了']}", "missing )"),
        ("events: {gift: ['{user}送花']}", "needs the slot {gift}"),
        ("badge: {}", "own.yaml:badge"),
        ("badges: {levels: ['级']}", "needs the slot {level}"),
        ("events: [", "own.yaml:1: not YAML"),
        ("- a", "expected keys and values"),
        ("extends: nowhere", "no rules 'nowhere'"),
    ],
)
def test_wrong_grammars_are_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RulesError) as error:
        load_grammar(write(tmp_path, text))
    assert said in str(error.value)


def test_grammars_must_not_extend_each_other(tmp_path: Path) -> None:
    path = write(tmp_path, f"extends: {tmp_path / 'own.yaml'}\n")
    with pytest.raises(RulesError, match="circle"):
        load_grammar(path)
