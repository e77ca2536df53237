"""What people try with files of their own: each mistake is one line, none is a wrong result."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from tiny import Line

from shizi.charset import Charset
from shizi.data import BadRows, open_lines, open_pages
from shizi.errors import DataError, OptionError, WeightsError
from shizi.train.init import initial
from shizi.train.loop.schedule import ASTRAY, LoopOptions
from shizi.train.loop.torch import fit
from shizi.train.losses.torch import ctc_loss
from shizi.train.options import (
    CRNNInitOptions,
    CRNNOptions,
    CTPNOptions,
    OrientationTrainOptions,
)
from shizi.train.start import train_crnn

TOLD = CRNNInitOptions("vgg", rnn="gru", width=0.05, charset="data")


def line_set(folder: Path, texts: list[str], width: int = 60) -> Path:
    """A line set with a picture of so many pixels for each text."""
    folder.mkdir()
    for i, _ in enumerate(texts):
        cv2.imwrite(str(folder / f"{i}.png"), np.full((32, width, 3), 200, np.uint8))
    rows = "".join(f"{i}.png\t{text}\n" for i, text in enumerate(texts))
    (folder / "labels.tsv").write_text(rows, encoding="utf-8")
    return folder


@pytest.fixture
def ab(tmp_path: Path) -> CRNNOptions:
    """Lines of a and b."""
    return CRNNOptions(data=(line_set(tmp_path / "ab", ["ab", "ba", "a", "b"]),), batch_width=128)


@pytest.fixture
def loop(tmp_path: Path) -> LoopOptions:
    return LoopOptions(tmp_path / "run", steps=1, warmup=1, device="cpu", threads=1)


# Charsets


def test_a_charset_may_have_a_character_a_row(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("识\n字\n \n", encoding="utf-8-sig")
    assert Charset.load(tmp_path / "keys.txt").chars == "识字 "


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("识字\nab\n".encode(), "several rows"),
        ("识字".encode("gbk"), "is not UTF-8"),
        ("识识".encode(), "character twice"),
    ],
)
def test_what_is_no_charset_is_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "keys.txt").write_bytes(content)
    with pytest.raises(WeightsError, match=told):
        Charset.load(tmp_path / "keys.txt")


def test_validation_lines_that_cannot_be_spelt_are_told_of(
    ab: CRNNOptions, loop: LoopOptions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    val = line_set(tmp_path / "val", ["ab", "cd"])
    train_crnn(replace(ab, val=(val,)), loop, TOLD)
    assert "1 of 2 lines of val hold characters that the charset lacks (cd)" in caplog.text


# Labels


def test_a_text_that_its_picture_has_no_room_for_is_named_and_left_out(
    loop: LoopOptions, tmp_path: Path
) -> None:
    """CTC counts it as nothing, and a run on such lines alone would end with a loss of 0."""
    data = line_set(tmp_path / "long", ["abcdefghijklmnopqrstuvwxyz"])
    with pytest.raises(DataError, match=r"labels\.tsv:1: 26 characters in a line 60 px wide"):
        train_crnn(CRNNOptions((data,)), loop, TOLD)


def test_a_line_that_chance_would_make_too_narrow_stays_as_it_is(
    loop: LoopOptions, tmp_path: Path
) -> None:
    data = line_set(tmp_path / "tight", ["abcdefghijklmnopqr"], width=80)
    options = CRNNOptions((data,), squeeze=(0.5, 1.0), batch_width=64, strict=True)
    train_crnn(options, replace(loop, steps=4), TOLD)


def test_pages_are_not_taken_for_lines_nor_lines_for_pages(ab: CRNNOptions, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "labels.jsonl").write_text('{"image": "a.png", "lines": []}\n')
    with pytest.raises(DataError, match="is a page set; cut its lines out"):
        open_lines(tmp_path / "pages", BadRows())
    with pytest.raises(DataError, match="is a line set"):
        open_pages(ab.data[0], BadRows())


# Runs that go on


def frameworks(out: Path) -> list[Callable[..., Any]]:
    """What trains in PyTorch and, where it is installed, in Keras."""
    if importlib.util.find_spec("keras"):
        from shizi.train.loop.keras import train_keras

        return [fit, train_keras]
    return [fit]


def test_a_run_does_not_go_on_in_the_other_framework(tmp_path: Path) -> None:
    for train, other in zip(frameworks(tmp_path), ("keras.safetensors", "last.pt"), strict=False):
        out = tmp_path / other
        out.mkdir()
        (out / other).write_bytes(b"all state of a run")
        for resume in (True, False):
            with pytest.raises(DataError, match="a run of the other framework"):
                train(Line(), LoopOptions(out, steps=2, resume=resume, device="cpu"))
        assert [file.name for file in out.iterdir()] == [other]


def test_a_run_that_has_nothing_to_go_on_with_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fit(Line(), LoopOptions(tmp_path / "mistyped", steps=2, resume=True, device="cpu", threads=1))
    assert "mistyped holds no run to go on with: one begins" in caplog.text


def test_a_damaged_checkpoint_is_one_line(tmp_path: Path) -> None:
    told = LoopOptions(tmp_path, steps=2, device="cpu", threads=1)
    fit(Line(), told)
    whole = (tmp_path / "last.pt").read_bytes()
    (tmp_path / "last.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"last\.pt is damaged; begin another run from"):
        fit(Line(), replace(told, steps=4, resume=True))


def test_a_run_into_a_file_is_one_line(ab: CRNNOptions, loop: LoopOptions, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(DataError, match="run is no folder"):
        train_crnn(ab, loop, TOLD)


# Runs that have gone astray


def test_the_loss_of_a_net_that_says_no_numbers_is_none() -> None:
    assert ctc_loss(torch.full((1, 4, 3), float("nan")), [[1]]).isnan()


def test_a_loss_that_is_no_number_for_long_ends_the_run(tmp_path: Path) -> None:
    class Astray(Line):
        def loss(self, batch: torch.Tensor, device: torch.device) -> dict[str, torch.Tensor]:
            return {"squares": self.net(batch).square().mean() * float("nan")}

    with pytest.raises(DataError, match=r"no number since step 1: .* lower learning rate"):
        fit(Astray(), LoopOptions(tmp_path, steps=2 * ASTRAY, device="cpu", threads=1))


# Weights of others


def test_weights_of_an_unknown_net_are_told_in_words(tmp_path: Path) -> None:
    torch.save({"model": {"a.weight": torch.zeros(3)}}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"other\.pth is of no net that is known"):
        initial(str(tmp_path / "other.pth"), "crnn", "vgg")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(WeightsError, match="more than numbers; save the state_dict"):
        initial(str(tmp_path / "module.pth"), "crnn", "vgg")
    torch.save([torch.zeros(3)], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="no state_dict"):
        initial(str(tmp_path / "list.pth"), "crnn", "vgg")


# Options


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: CRNNOptions(squeeze=(2.0, 1.0)), "squeeze"),
        (lambda: CRNNOptions(val_lines=0), "val_lines"),
        (lambda: CRNNOptions(batch_width=0), "batch_width"),
        (lambda: CRNNOptions(val_squeeze=-1.0), "val_squeeze"),
        (lambda: CRNNOptions(way=3.0), "way"),
        (lambda: CRNNInitOptions(width=0.0), "width"),
        (lambda: CTPNOptions(size=300), "size"),
        (lambda: CTPNOptions(size=0), "size"),
        (lambda: CTPNOptions(text=(110.0, 9.0)), "text"),
        (lambda: CTPNOptions(batch=0), "batch"),
        (lambda: CTPNOptions(val_pages=0), "val_pages"),
        (lambda: OrientationTrainOptions((), batch=0), "batch"),
    ],
)
def test_options_that_cannot_be_are_refused(make: Callable[[], object], name: str) -> None:
    with pytest.raises(OptionError, match=f"^{name}: must be"):
        make()


def test_what_a_stage_has_no_use_for_is_refused(
    ab: CRNNOptions, loop: LoopOptions, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="hidden says what stage slim keeps"):
        train_crnn(ab, loop, CRNNInitOptions(hidden=0.5))
    with pytest.raises(DataError, match="replay is what stage tune goes on reading"):
        train_crnn(replace(ab, replay=ab.data), loop, TOLD)
