"""Evaluation and bench with a system that knows the answers, and one that errs on purpose."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from rich.console import Console

from shizi import weights
from shizi.bench import systems
from shizi.bench.memory import MemoryOptions, run_memory, varied
from shizi.certainty import Fit
from shizi.cli import eval as eval_command
from shizi.cli.eval import score
from shizi.cli.show import table
from shizi.errors import DataError, ShiziError, WeightsError
from shizi.evaluate import (
    Found,
    Result,
    Said,
    as_found,
    describe,
    detection,
    orientation,
    pages,
    recognition,
    run_eval,
    together,
)
from shizi.evaluate.calibration import calibrate
from shizi.evaluate.sets import EvalOptions, load_set, rules_for, shown
from shizi.geometry import box_to_quad
from shizi.images.load import load
from shizi.page import Image, Quads
from shizi.reader import Reader, ReaderOptions
from shizi.scores import TextRules

WIDTH, HEIGHT = 120, 80
BOXES = ((10, 10, 100, 24), (10, 40, 60, 54))
TEXTS = ("你好。世界", "再见")


def corner(image: Image) -> int:
    """Where the red mark of the test page stands: the clockwise turn of the content."""
    marks = image[0, 0], image[0, -1], image[-1, -1], image[-1, 0]
    return 90 * next(i for i, pixel in enumerate(marks) if pixel[0] > 200 and pixel[1] < 100)


@dataclass(frozen=True)
class Oracle:
    """Answers from the labels; ``texts`` is what it says for the two lines."""

    texts: tuple[str, ...] = TEXTS

    def read_lines(self, crops: Sequence[Image]) -> list[Said]:
        shapes = [round(crop.shape[1] / crop.shape[0], 1) for crop in crops]
        assert shapes == [6.4, 3.6][: len(crops)]
        return [(text, 0.9) for text in self.texts[: len(crops)]]

    def detect(self, image: Image) -> Quads:
        assert image.shape == (HEIGHT, WIDTH, 3)
        return box_to_quad(np.array(BOXES))

    def angle(self, image: Image) -> int:
        return corner(image)

    def read(self, image: Image) -> Found:
        quads = box_to_quad(np.array(BOXES))
        x, y = quads[..., 0], quads[..., 1]
        match corner(image):
            case 90:
                quads = np.stack([HEIGHT - y, x], -1)
            case 180:
                quads = np.stack([WIDTH - x, HEIGHT - y], -1)
            case 270:
                quads = np.stack([y, WIDTH - x], -1)
        return as_found(zip(quads, self.texts, strict=True))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page set of one page."""
    return page_set(tmp_path / "set", [TEXTS])


def page_set(path: Path, rows: list[tuple[str, ...]], **extra: object) -> Path:
    path.mkdir()
    image = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
    image[:6, :6] = 255, 0, 0
    Pillow.fromarray(image).save(path / "page.png")
    quads = box_to_quad(np.array(BOXES)).tolist()
    labels = [
        json.dumps(
            {
                "image": "page.png",
                "lines": [{"quad": q, "text": t} for q, t in zip(quads, texts, strict=True)],
                **extra,
            }
        )
        for texts in rows
    ]
    (path / "labels.jsonl").write_text("\n".join(labels) + "\n", encoding="utf-8")
    return path


def test_recognition_of_page_crops(folder: Path) -> None:
    options = EvalOptions((folder,))
    data = load_set(folder, options)
    score, judged = recognition(Oracle(), data, rules_for(data, options))
    assert score.edits == 0
    assert judged == [(0.9, True), (0.9, True)]
    score, judged = recognition(Oracle(("你好。世", "再见")), data, TextRules())
    assert (score.edits, score.chars, score.exact) == (1, 7, 1)
    assert judged == [(0.9, False), (0.9, True)]


def test_recognition_of_a_line_set(tmp_path: Path) -> None:
    Pillow.new("RGB", (90, 14)).save(tmp_path / "a.png")
    (tmp_path / "labels.tsv").write_text("a.png\t你 好\n", encoding="utf-8")
    data = load_set(tmp_path, EvalOptions(()))
    assert recognition(Oracle(("你好",)), data, TextRules(ignore_spaces=True))[0].exact == 1
    assert recognition(Oracle(("你好",)), data, TextRules())[0].edits == 1


def test_detection_leaves_partly_labelled_pages_out(folder: Path, tmp_path: Path) -> None:
    assert detection(Oracle(), load_set(folder, EvalOptions(()))).f == 1
    partial = page_set(tmp_path / "partial", [TEXTS], complete=False)
    data = load_set(partial, EvalOptions(()))
    assert detection(Oracle(), data).wanted == 0
    assert recognition(Oracle(), data, TextRules())[0].lines == 2


def test_orientation_turns_every_picture_four_ways(folder: Path) -> None:
    data = load_set(folder, EvalOptions(()))
    assert orientation(Oracle(), data).tolist() == np.eye(4).tolist()


def test_pages_are_scored_alike_at_every_angle(folder: Path) -> None:
    data = load_set(folder, EvalOptions(()))
    scores = pages(Oracle(), data, TextRules())
    assert [score.edits for score in scores.turned.values()] == [0] * 4
    assert scores.strict.edits == 0
    wrong = pages(Oracle(("你好。世界", "冉见")), data, TextRules())
    assert [score.edits for score in wrong.turned.values()] == [1] * 4
    assert wrong.strict.edits == 1


def test_chats_are_searched_within_their_area(tmp_path: Path) -> None:
    page_set(tmp_path / "chat", [])
    label = {
        "image": "page.png",
        "chat_rect": [0, 0, WIDTH, 30],
        "messages": [{"user": "你好", "text": "世界"}],
    }
    (tmp_path / "chat" / "chats.jsonl").write_text(json.dumps(label), encoding="utf-8")
    (tmp_path / "chat" / "labels.jsonl").unlink()
    data = load_set(tmp_path / "chat", EvalOptions(()))
    for read, edits in {"你好：世界": 0, "他你好：世畀": 1}.items():
        scores = pages(Oracle((read, "你好世界")), data, TextRules())
        assert [s.edits for s in scores.turned.values()] == [edits] * 4


@pytest.mark.parametrize(
    ("texts", "rules"),
    [
        (("TOTAL 5", "CASH"), TextRules(ignore_case=True, drop="。")),
        (("Total 5", "cash"), TextRules(drop="。")),
        (("他说：好。", "OK"), TextRules(True, True, fold_width=True)),
        (("12", "34"), TextRules(drop="。")),
    ],
)
def test_rules_follow_the_references(
    tmp_path: Path, texts: tuple[str, ...], rules: TextRules
) -> None:
    data = load_set(page_set(tmp_path / "set", [texts]), EvalOptions(()))
    assert rules_for(data, EvalOptions(())) == rules
    given = EvalOptions((), ignore_case=False, ignore_spaces=True, drop="x", fold_width=True)
    assert rules_for(data, given) == TextRules(False, True, "x", True)


def test_rules_are_named() -> None:
    assert describe(TextRules()) == "nothing"
    assert describe(TextRules(ignore_case=True, drop="。、")) == "case 。 、"


def test_rows_and_limit(tmp_path: Path) -> None:
    rows = [(str(i), "x") for i in range(5)]
    path = page_set(tmp_path / "set", rows)

    def firsts(options: EvalOptions) -> list[str]:
        return [page.texts[0] for page in load_set(path, options).pages]

    plain = EvalOptions(())
    assert firsts(replace(plain, rows="odd")) == ["1", "3"]
    assert firsts(replace(plain, rows="even", limit=2)) == ["0", "2"]


def test_drawn_sets_are_the_same_each_time() -> None:
    def words(**told: object) -> list[str]:
        data = load_set(Path("drawn:doubled"), EvalOptions((), **told))  # type: ignore[arg-type]
        assert [load(line.encoded()).ndim for line in data.lines] == [3] * len(data.lines)
        return [line.text for line in data.lines]

    first = words(limit=4)
    assert first == words(limit=4)
    assert words(limit=2, rows="odd") == first[1::2]
    (other,) = load_set(Path("drawn:doubled:7"), EvalOptions((), limit=1)).texts()
    assert other != first[0]


def test_drawn_pages_are_evaluated_like_others() -> None:
    data = load_set(Path("drawn:pages"), EvalOptions((), limit=1))
    (page,) = data.pages
    assert len(page.quads) == len(page.texts)
    image = shown(page)
    assert (page.quads.reshape(-1, 2) <= (image.shape[1], image.shape[0])).all()


def test_a_drawn_set_that_is_unknown_is_named(tmp_path: Path) -> None:
    for name in ("drawn:nothing", "drawn:code:x"):
        with pytest.raises(DataError, match=f"{name}.*drawn:doubled"):
            load_set(Path(name), EvalOptions(()))
    with pytest.raises(DataError, match="no fonts"):
        load_set(Path("drawn:code"), EvalOptions((), fonts=(tmp_path,)))


def test_run_writes_a_table_and_json(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "figures.json"
    assert score("pages", EvalOptions((folder,), json=target), Oracle())
    assert "CER at 90" in capsys.readouterr().out
    (result,) = json.loads(target.read_text(encoding="utf-8"))
    assert result["set"] == "set"
    assert result["figures"]["CER at 270"] == 0
    assert result["rules"]["ignore_spaces"] is True
    drawn = EvalOptions((folder,), plot=tmp_path / "angles.png")
    assert score("orientation", drawn, Oracle())
    assert "true angles by answers" in capsys.readouterr().out
    assert load(tmp_path / "angles.png").std() > 10
    with pytest.raises(DataError, match="--plot"):
        score("pages", drawn, Oracle())
    with pytest.raises(DataError, match="--calibrate"):
        score("pages", EvalOptions((folder,), calibrate=True), Oracle())


def test_scores_are_counted_and_drawn(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    what = EvalOptions((folder,), plot=tmp_path / "scores.png")
    assert score("recognition", what, Oracle(("你好。世界", "冉见")))
    told = capsys.readouterr().out
    assert "100: 50.0" in told
    assert load(tmp_path / "scores.png").std() > 10


def test_what_is_fitted_is_noted_on_the_card_of_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("crnn.onnx", "crnn.json", "charset.txt"):
        shutil.copy(weights.FOLDER / name, tmp_path)
    lines = [(0.9, True), (0.9, False), (0.6, False), (0.99, True)]
    result = Result("set", {}, judged=lines)
    monkeypatch.setattr(eval_command, "score", lambda *_: [result])
    before = weights.card("crnn", tmp_path)
    assert before.certainty == weights.card("crnn").certainty
    what = EvalOptions((tmp_path,), calibrate=True)
    eval_command.recognition(what=what, reading=ReaderOptions(weights=tmp_path, threads=1))
    after = weights.card("crnn", tmp_path)
    assert after.certainty == calibrate([lines], before.certainty)
    assert after.certainty != before.certainty
    assert after == replace(before, certainty=after.certainty)
    assert f"surprise {after.certainty.surprise:.3f}" in capsys.readouterr().out
    assert Reader(ReaderOptions(weights=tmp_path, threads=1)).recognizer.fit == after.certainty
    with pytest.raises(WeightsError, match=r"crnn\.json is missing"):
        weights.note(tmp_path / "elsewhere", Fit(1, 1))


def test_wrong_sets_are_named(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"labels\.jsonl"):
        run_eval("detection", EvalOptions((tmp_path / "empty",)), Oracle())
    (folder / "labels.jsonl").unlink()
    (folder / "labels.tsv").write_text("page.png\tx\n", encoding="utf-8")
    with pytest.raises(DataError, match="detection"):
        run_eval("detection", EvalOptions((folder,)), Oracle())
    (folder / "labels.tsv").unlink()
    (folder / "chats.jsonl").write_text('{"image": "page.png"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"chats\.jsonl:1"):
        load_set(folder, EvalOptions(()))


def test_a_worker_answers_measures_and_reports_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "open_system", lambda name, threads, peers: Oracle())
    ours, theirs = multiprocessing.Pipe()
    thread = threading.Thread(target=systems._serve, args=(theirs, "shizi", 1, systems.Peers()))
    thread.start()
    worker = systems.Worker.__new__(systems.Worker)
    worker.name, worker._pipe = "shizi", ours
    assert worker.read_lines([np.zeros((14, 90, 3), np.uint8)]) == [(TEXTS[0], 0.9)]
    assert worker.seconds > 0
    assert worker.cpu >= 0
    now, most = worker.memory()
    assert 0 < now <= most * 1.05
    with pytest.raises(ShiziError, match="shizi failed: AssertionError"):
        worker.detect(np.zeros((1, 1, 3), np.uint8))
    assert len(worker.detect(np.zeros((HEIGHT, WIDTH, 3), np.uint8))) == 2
    ours.close()
    thread.join(timeout=5)
    assert not thread.is_alive()


def test_memory_pages_differ_and_repeat(folder: Path) -> None:
    first = list(varied([folder / "page.png"], 6, seed=1))
    again = list(varied([folder / "page.png"], 6, seed=1))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert len({image.shape for image in first}) == 6
    with pytest.raises(DataError, match="no pictures"):
        run_memory(MemoryOptions(()))


def test_tables_show_what_strangers_wrote_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=60).print(table(["set", "lines"], [["[/] [b] :cat: \x1b[2J", "1"]], ["set"]))
    assert "[/] [b] :cat: \\x1b[2J" in capsys.readouterr().out


def test_counts_of_several_sets_add_up(folder: Path) -> None:
    (result,) = run_eval("orientation", EvalOptions((folder,)), Oracle())
    assert result.figures["accuracy"] == 1
    assert together([result, result]).trace() == 2 * result.figures["pictures"]


@pytest.mark.parametrize(
    ("task", "told", "said"),
    [
        ("detection", {"plot": Path("a.png")}, "--plot"),
        ("pages", {"calibrate": True}, "--calibrate"),
        ("detection", {"ignore_case": False}, "--ignore-case"),
        ("orientation", {"drop": "。"}, "--drop"),
    ],
)
def test_what_a_task_cannot_use_is_refused(task: str, told: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=f"{said} .*{task} .*drop it"):
        score(task, EvalOptions(data=(), **told), None)  # type: ignore[arg-type]
