"""Training: the loop resumes, the losses are right, the data is shaped as the nets need."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tiny
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from tiny import Line, line_set
from torch import Tensor, nn

from shizi.charset import Charset
from shizi.ctc import steps_needed
from shizi.data import PageItem, join_words, read_lines, read_pages
from shizi.engine import Session
from shizi.errors import DataError, OptionError, WeightsError
from shizi.nets.spec import CRNNSpec, CTPNSpec
from shizi.nets.torch.crnn import CRNN
from shizi.nets.torch.ctpn import CTPN
from shizi.nets.torch.runtime import ModuleRuntime
from shizi.train.export import best_figures
from shizi.train.init import initial, initialise
from shizi.train.loop.run import RunFolder, board, plot_curves
from shizi.train.loop.schedule import LoopOptions, seconds
from shizi.train.loop.stream import batches
from shizi.train.loop.torch import fit
from shizi.train.losses.torch import ctc_loss
from shizi.train.measure import Seen, rounded
from shizi.train.options import CRNNOptions, CTPNOptions, InitOptions
from shizi.train.start import train_ctpn
from shizi.train.tasks.crnn import CRNNTask
from shizi.train.tasks.ctpn import CTPNTask, random_crop, upright_pieces
from shizi.train.transfer import check_backbone, transfer


def options(out: Path, **more: object) -> LoopOptions:
    given = {"out": out, "steps": 300, "lr": 0.05, "warmup": 5, "ema": 0.9, "validate_every": 100}
    return LoopOptions(**{**given, "device": "cpu", "threads": 1, **more})  # type: ignore[arg-type]


def test_the_loop_learns_and_leaves_its_files(tmp_path: Path) -> None:
    figures = fit(Line(), options(tmp_path / "run"))
    assert figures["score"] > -0.05
    names = {p.name for p in (tmp_path / "run").iterdir()}
    assert {"options.json", "metrics.jsonl", "last.pt", "best.safetensors"} <= names
    assert {"last.safetensors", "curves.png", "samples"} <= names
    assert best_figures(tmp_path / "run" / "metrics.jsonl")["score"] == pytest.approx(
        figures["score"], abs=1e-5
    )


def test_a_run_resumes_and_is_not_overwritten(tmp_path: Path) -> None:
    fit(Line(), options(tmp_path, steps=100))
    before = (tmp_path / "metrics.jsonl").read_text()
    with pytest.raises(DataError, match="--resume"):
        fit(Line(), options(tmp_path))
    fit(Line(), options(tmp_path, resume=True))
    after = (tmp_path / "metrics.jsonl").read_text()
    assert after.startswith(before)


@pytest.mark.parametrize(("workers", "saves"), [(0, False), (1, False), (0, True)])
def test_a_killed_run_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, saves: bool
) -> None:
    class Killed(Line):
        """Dies after the validation at step 70, in the middle of the way to the next."""

        steps = 0

        def loss(self, batch: Tensor, device: torch.device) -> dict[str, Tensor]:
            self.steps += 1
            if self.steps == 130:
                raise KeyboardInterrupt
            return super().loss(batch, device)

    monkeypatch.setattr("shizi.train.loop.torch.saving", lambda *_: saves)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    told = {"workers": workers, "validate_every": 70}
    fit(Line(), options(whole, **told))
    with pytest.raises(KeyboardInterrupt):
        fit(Killed(), options(broken, **told))
    kept = torch.load(broken / "last.pt", weights_only=True)
    assert kept["step"] == (129 if saves else 70)
    fit(Line(), options(broken, resume=True, validate_every=70))
    a, b = (torch.load(out / "last.pt", weights_only=True) for out in (whole, broken))
    assert torch.equal(a["net"]["weight"], b["net"]["weight"])
    assert torch.equal(a["average"]["weight"], b["average"]["weight"])
    assert a["positions"] == b["positions"]
    left, right = (logged(out) for out in (whole, broken))
    assert left == right or saves  # a row is the mean since the last one, which the kill forgets


def logged(out: Path) -> list[dict[str, float]]:
    """The rows of metrics.jsonl without what the clock says."""
    rows = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return [{k: v for k, v in row.items() if k not in ("time", "wait")} for row in rows]


def test_accumulated_batches_make_one_step(tmp_path: Path) -> None:
    class Counted(Line):
        batches = 0

        def loss(self, batch: Tensor, device: torch.device) -> dict[str, Tensor]:
            self.batches += 1
            return super().loss(batch, device)

    task = Counted()
    fit(task, options(tmp_path, steps=10, accumulate=3))
    assert task.batches == 30


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_run_has_as_many_threads_as_it_may_use_cores(tmp_path: Path) -> None:
    allowed, threads = os.sched_getaffinity(0), torch.get_num_threads()
    os.sched_setaffinity(0, {min(allowed)})
    try:
        fit(Line(), options(tmp_path, steps=1, threads=0))
        assert torch.get_num_threads() == 1
    finally:
        os.sched_setaffinity(0, allowed)
        torch.set_num_threads(threads)


def test_no_patience_for_a_run_that_gets_no_better(tmp_path: Path) -> None:
    fit(Line(), options(tmp_path, lr=0.0, patience=2, steps=5000, validate_every=10))
    assert json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 30


def test_without_validation_the_last_weights_count(tmp_path: Path) -> None:
    class Blind(Line):
        def figures(self, session: Session) -> dict[str, float]:
            return {"left_out": 0.0}

    fit(Blind(), options(tmp_path, steps=200, validate_every=50))
    best, last = (load_file(tmp_path / f"{name}.safetensors") for name in ("best", "last"))
    assert torch.equal(best["weight"], last["weight"])
    assert best["weight"].item() > 1.9
    assert "score" not in best_figures(tmp_path / "metrics.jsonl")


def test_a_frozen_part_stays(tmp_path: Path) -> None:
    class Two(Line):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(OrderedDict(a=nn.Linear(1, 1), b=nn.Linear(1, 1)))

        def figures(self, session: Session) -> dict[str, float]:
            return {"score": 0.0}

    task = Two()
    before = {k: v.clone() for k, v in task.net.state_dict().items()}
    fit(task, options(tmp_path / "a", steps=5, freeze=("a",)))
    moved = {k for k, v in task.net.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {"b.weight", "b.bias"}
    with pytest.raises(DataError, match="cannot freeze neck; this net has a, b"):
        fit(Two(), options(tmp_path / "b", freeze=("neck",)))
    with pytest.raises(DataError, match=r"cannot freeze a\.wei"):
        fit(Two(), options(tmp_path / "b", freeze=("a.wei",)))
    fit(task, options(tmp_path / "c", steps=5, freeze=("a", "b.weight")))
    later = task.net.state_dict()
    assert later["b.weight"].item() != before["b.weight"].item()  # from the run before


@pytest.mark.parametrize(
    ("budget", "wanted"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("", math.inf)]
)
def test_time_budgets(budget: str, wanted: float) -> None:
    assert seconds(budget) == wanted


def test_events_are_written_without_tensorflow(tmp_path: Path) -> None:
    board(tmp_path).close()
    from tensorboard.compat import tf

    assert tf.__version__ == "stub"


def test_what_cannot_be_is_refused_before_data_are_read(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="'half an hour'"):
        LoopOptions(time_budget="half an hour")
    for name, value in (("steps", 0), ("accumulate", 0), ("lr", -1.0), ("ema", 1.5)):
        with pytest.raises(OptionError, match=name):
            LoopOptions(**{name: value})  # type: ignore[arg-type]
    missing = CTPNOptions(data=(tmp_path / "missing",))
    if not torch.cuda.is_available():
        with pytest.raises(OptionError, match="device cuda: PyTorch finds none here"):
            train_ctpn(missing, LoopOptions(out=tmp_path, device="cuda"), InitOptions())


@pytest.mark.parametrize("backend", ["nosuch", "jax"])
def test_a_backend_of_keras_that_is_not_there_is_one_line(tmp_path: Path, backend: str) -> None:
    if importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is installed")
    command = ["train", "ctpn", "--framework", "keras", "--data", str(tmp_path)]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    run = subprocess.run(
        [sys.executable, "-m", "shizi", *command],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert run.returncode == 1
    (told,) = run.stderr.splitlines()
    assert "KERAS_BACKEND" in told
    assert "tensorflow, jax, torch" in told


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
def test_a_full_disk_is_one_line_and_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk on which nothing more fits."""
    code = (
        "import sys, resource; sys.path.insert(0, sys.argv[1]); from pathlib import Path; "
        "from test_train import fit, options; from tiny import Line; out = Path(sys.argv[2]); "
        "fit(Line(), options(out, steps=20)); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1500, resource.RLIM_INFINITY)); "
        "fit(Line(), options(out, steps=40, resume=True))"
    )
    folders = [str(Path(__file__).parent), str(tmp_path / "run")]
    run = subprocess.run(
        [sys.executable, "-c", code, *folders], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "DataError: cannot write" in run.stderr.splitlines()[-1]
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["step"] == 20


def test_the_bar_follows_the_time_budget(tmp_path: Path) -> None:
    shares: list[float] = []

    class Watched(RunFolder):
        def step(self, *told: Any) -> None:
            shares.append(told[-1])
            super().step(*told)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shizi.train.loop.torch.RunFolder", Watched)
        fit(Line(), options(tmp_path, steps=10**9, time_budget="1s", validate_every=10**6))
    assert shares == sorted(shares)
    assert shares[-1] == 1  # though hardly a step of all was taken


def test_curves_show_the_learning_rate(tmp_path: Path) -> None:
    fit(Line(), options(tmp_path, steps=100))
    told: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.axes.Axes.set", lambda axes, **given: told.extend(given.values()))
        plot_curves(tmp_path)
    assert "learning rate (dotted)" in told


def test_two_processes_train_one_net(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; "
        "from test_train import fit, options; from tiny import Line; "
        "fit(Line(), options(Path(sys.argv[2]), steps=60))"
    )
    script = tmp_path / "run.py"
    script.write_text(code)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    folders = [str(Path(__file__).parent), str(tmp_path / "run")]
    command = [sys.executable, *launcher, str(script), *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert state["step"] == 60
    assert len(state["positions"]) == 2
    assert state["positions"][0] != state["positions"][1]


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.integers(1, 6), max_size=7), min_size=1, max_size=4), st.integers(0, 99)
)
def test_ctc_loss_equals_torchs(labels: list[list[int]], seed: int) -> None:
    """Repeats, empty labels and labels that do not fit included."""
    torch.manual_seed(seed)
    logits = torch.randn(len(labels), 8, 7, requires_grad=True)
    ours = ctc_loss(logits, labels)
    (grad,) = torch.autograd.grad(ours, logits)
    flat = torch.tensor([i for label in labels for i in label], dtype=torch.long)
    lengths = torch.tensor([len(label) for label in labels])
    theirs = F.ctc_loss(
        logits.log_softmax(-1).transpose(0, 1),
        flat,
        torch.full((len(labels),), 8),
        lengths,
        0,
        "mean",
        zero_infinity=True,
    )
    (expected,) = torch.autograd.grad(theirs, logits)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-4, abs=1e-5)
    fits = torch.tensor([steps_needed(label) <= 8 for label in labels])
    assert torch.allclose(grad[fits], expected[fits], atol=1e-5)
    assert torch.isfinite(grad).all()


def test_a_tiny_crnn_learns_eight_lines_by_heart() -> None:
    torch.manual_seed(0)
    net = CRNN(replace(tiny.CRNN, classes=6))
    labels = [[1 + (i + j) % 5 for j in range(1 + i % 3)] for i in range(8)]
    images = torch.zeros((8, 48, 96, 3), dtype=torch.uint8)
    for image, label in zip(images, labels, strict=True):
        for place, char in enumerate(label):  # a bar a character, as high as the class
            image[48 - 9 * char :, 8 + 32 * place : 24 + 32 * place] = 255
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(250):
        loss = ctc_loss(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_the_crnn_task_skips_what_the_charset_cannot_spell(tmp_path: Path) -> None:
    data = line_set(tmp_path / "lines", [("a.png", "ab"), ("b.png", "xyz"), ("c.png", "ba")])
    charset = Charset("ab")
    net = CRNN(replace(tiny.CRNN, classes=3))
    task = CRNNTask(net, charset, CRNNOptions(data=(data,), val=(data,), batch_width=200))
    batch = next(batches(task, 1))[0]
    assert batch.images.shape[1] == 48
    assert set(map(tuple, batch.labels)) <= {(1, 2), (2, 1)}
    losses = task.loss(batch, torch.device("cpu"))
    assert torch.isfinite(losses["ctc"])
    figures = task.figures(Session(ModuleRuntime(net, torch.device("cpu"))))
    assert 0 <= figures["cer_lines"] <= 9
    assert figures["left_out"] == 1
    with pytest.raises(DataError, match="charset"):
        CRNNTask(net, Charset("q"), CRNNOptions(data=(data,)))


def test_bad_rows_are_named_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text("a.png\tx\nno tab here\n")
    with pytest.raises(DataError, match=r"labels\.tsv:2"):
        read_lines(tmp_path)
    (tmp_path / "labels.jsonl").write_text('{"image": "a.png", "lines": []}\n{"lines": 3}\n')
    with pytest.raises(DataError, match=r"labels\.jsonl:2"):
        read_pages(tmp_path)
    with pytest.raises(DataError, match="cannot read"):
        read_pages(tmp_path / "missing")


def page(quads: list[list[list[float]]], texts: list[str]) -> PageItem:
    array = np.array(quads, np.float32).reshape(-1, 4, 2)
    return PageItem(Path("x.png"), array, tuple(texts), np.zeros(len(texts), bool))


def box(x0: float, y0: float, x1: float, y1: float) -> list[list[float]]:
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


def test_words_on_a_baseline_join_and_others_do_not() -> None:
    item = page(
        [box(60, 0, 100, 20), box(0, 0, 50, 20), box(300, 0, 350, 20), box(0, 60, 50, 80)],
        ["world", "hello", "far", "below"],
    )
    lines = join_words(item)
    assert sorted(lines.texts) == ["below", "far", "hello world"]
    joined = lines.quads[lines.texts.index("hello world")]
    assert np.array_equal(joined, np.array(box(0, 0, 100, 20), np.float32))


def test_lines_that_run_downwards_are_cut_into_characters() -> None:
    pieces = upright_pieces(page([box(0, 0, 20, 80), box(50, 0, 200, 20)], ["一二三四", "横"]))
    assert len(pieces.quads) == 5
    assert np.allclose(pieces.quads[1], box(0, 20, 20, 40))
    assert pieces.texts[:4] == ("一", "二", "三", "四")


def test_ctpn_batches_carry_targets_where_the_text_is(tmp_path: Path) -> None:
    image = np.full((300, 400, 3), 255, np.uint8)
    cv2.putText(image, "HELLO", (60, 150), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    row = {"image": "a.png", "lines": [{"quad": box(55, 100, 260, 156), "text": "HELLO"}]}
    (tmp_path / "labels.jsonl").write_text(json.dumps(row) + "\n")
    task = CTPNTask(CTPN(CTPNSpec()), CTPNOptions(data=(tmp_path,), size=128, batch=2))
    batch = next(batches(task, 3))[0]
    assert batch.images.shape == (2, 128, 128, 3)
    assert batch.targets.label.shape == (2, 16, 8, 10)
    assert (batch.targets.label == 1).any()
    losses = task.loss(batch, torch.device("cpu"))
    assert all(torch.isfinite(v) for v in losses.values())
    rng = np.random.default_rng(0)
    item = read_pages(tmp_path)[0]
    for _ in range(10):
        crop, quads, ignore = random_crop(item, item.load(), CTPNOptions(data=()), rng)
        assert crop.shape == (512, 512, 3)
        assert len(quads) == len(ignore)


@pytest.mark.parametrize("seed", range(12))
def test_a_crop_shows_the_line_where_its_quad_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height = int(rng.integers(12, 60))
    image = np.full((int(rng.integers(200, 900)), int(rng.integers(300, 900)), 3), 255, np.uint8)
    x, y = int(rng.integers(0, 150)), int(rng.integers(0, 130))
    image[y : y + height, x : x + 140] = 0
    told = page([box(x, y, x + 140, y + height)], ["a"])
    for _ in range(8):
        crop, quads, _ = random_crop(told, image, CTPNOptions(size=256, text=(9, 60)), rng)
        if not len(quads):
            continue
        (x0, y0), (x1, y1) = quads[0].min(0).clip(0, 256), quads[0].max(0).clip(0, 256)
        seen = np.zeros((256, 256), bool)
        seen[round(y0 + 2) : round(y1 - 2), round(x0 + 2) : round(x1 - 2)] = True
        assert (crop[seen] < 128).all()
        around = np.ones((256, 256), bool)
        around[max(0, round(y0 - 3)) : round(y1 + 3), max(0, round(x0 - 3)) : round(x1 + 3)] = False
        paper = crop[around].reshape(-1, 3)
        filled = (paper == paper.min(0)).all(1)  # beside a small page
        assert (filled | (paper > 128).all(1)).all()


def test_initial_weights_must_fit(tmp_path: Path) -> None:
    net = CTPN(CTPNSpec())
    with pytest.raises(WeightsError, match="cannot start"):
        initialise(net, initial(str(tmp_path / "missing.safetensors"), "ctpn", "lcnet"))
    with pytest.raises(WeightsError, match="cannot start"):
        initialise(net, initial("shipped", "orientation", "lcnet"))
    initialise(net, initial("shipped", "ctpn", "lcnet"))


def test_kept_features_need_the_backbone_that_made_them() -> None:
    pytest.importorskip("rapidocr")
    net = CRNN(CRNNSpec(classes=4))
    transfer(net, Charset("abc"))
    check_backbone(net)
    state = {k: v.numpy() for k, v in net.state_dict().items()}
    layer = "backbone.blocks.3.expand"
    mean = np.ones(state[f"{layer}.weight"].shape[1], np.float32)
    state = rounded(state, {layer: Seen((0.0, 1.0), mean)})
    net.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    check_backbone(net)
    with torch.no_grad():
        net.backbone.blocks[3].expand.weight.mul_(1.2)
    with pytest.raises(DataError, match="--stage whole"):
        check_backbone(net)
