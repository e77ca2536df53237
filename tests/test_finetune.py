"""Fine-tuning: a charset that grows, and a net that goes on reading what it read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from safetensors.torch import load_file
from tiny import line_set

from shizi import weights
from shizi.charset import Charset
from shizi.engine import open_session
from shizi.errors import DataError, WeightsError
from shizi.nets.spec import CRNNSpec, VGGCRNNSpec
from shizi.nets.torch.crnn import CRNN, VGGCRNN
from shizi.reader import Reader, ReaderOptions
from shizi.synth import SynthLineOptions
from shizi.synth.paint.fonts import load_faces, system_fonts
from shizi.train.card import read_card
from shizi.train.export import export
from shizi.train.grow import choose_charset, extended
from shizi.train.init import initial, initialise
from shizi.train.loop.schedule import LoopOptions
from shizi.train.loop.stream import batches
from shizi.train.loop.torch import Trainer, fit
from shizi.train.options import CRNNInitOptions, CRNNOptions, ExportOptions
from shizi.train.start import train_crnn
from shizi.train.tasks.crnn import Crop
from shizi.train.tasks.tune import GUARD, DrawnLines, KnownCrop, TuneTask, known_lines

LCNET = replace(tiny.CRNN, classes=4)
CPU = torch.device("cpu")


def loop(out: Path, **more: object) -> LoopOptions:
    given = {"out": out, "steps": 2, "warmup": 1, "device": "cpu", "threads": 1, "precision": "f32"}
    return LoopOptions(**{**given, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module", autouse=True)
def no_curves() -> Iterator[None]:
    """Drawing the curves takes longer than these runs, and other tests look at them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shizi.train.loop.torch.plot_curves", lambda out: None)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a narrow net that spells a, b and 识."""
    folder = tmp_path_factory.mktemp("first")
    data = line_set(folder / "lines", [("a.png", "ab"), ("b.png", "识")])
    (folder / "charset.txt").write_text("b识a\n", encoding="utf-8")
    init = CRNNInitOptions(net="vgg", width=0.05, charset=str(folder / "charset.txt"))
    train_crnn(CRNNOptions(data=(data,), batch_width=64), loop(folder / "run"), init)
    return folder / "run"


# A charset that grows


def test_known_characters_keep_their_numbers(run: Path, tmp_path: Path) -> None:
    data = line_set(tmp_path / "lines", [("a.png", "字a∿"), ("b.png", "b⚡")])
    options = CRNNOptions(data=(data,))
    known = initial(str(run), "crnn", "vgg").charset
    assert choose_charset(None, options, known=known).chars == "b识a"
    assert choose_charset("data", options, known=known).chars == "b识a∿⚡字"
    shipped = initial("shipped", "crnn", "lcnet").charset
    assert choose_charset("data", options, known=shipped).chars == weights.charset().chars + "∿⚡"
    own = tmp_path / "own.txt"
    own.write_text("xab\n", encoding="utf-8")
    for path in (run, run / "best.safetensors"):
        known = initial(str(path), "crnn", "vgg").charset
        assert choose_charset(str(own), options, known=known).chars == "b识ax"
    assert choose_charset(str(own), options).chars == "xab"
    assert initial("pp-ocrv6", "crnn", "lcnet").charset is None
    assert initial(str(tmp_path / "alone.safetensors"), "crnn", "vgg").charset is None


@pytest.mark.parametrize("spec", [LCNET, replace(tiny.VGG_CRNN, classes=4)])
def test_a_grown_net_says_the_same_of_what_it_knew(spec: CRNNSpec | VGGCRNNSpec) -> None:
    torch.manual_seed(1)
    build = CRNN if isinstance(spec, CRNNSpec) else VGGCRNN
    old = build(spec).eval()  # type: ignore[arg-type]
    new = build(replace(spec, classes=6)).eval()  # type: ignore[arg-type]
    state = extended(old.state_dict(), 6)
    new.load_state_dict(state)
    assert torch.equal(state["classify.weight"][:4], old.classify.weight)
    assert torch.equal(state["classify.bias"][:4], old.classify.bias)
    images = torch.randint(0, 256, (2, spec.height, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        before, after = old(images), new(images)
    assert torch.equal(after[..., :4], before)
    with pytest.raises(WeightsError, match="know 3 characters, more than the 1"):
        extended(old.state_dict(), 2)


def test_the_shipped_net_grows() -> None:
    charset = Charset(weights.charset().chars + "∿⚡")
    spec = weights.spec("crnn")
    assert isinstance(spec, CRNNSpec)
    spec = replace(spec, classes=len(charset))
    nets = [CRNN(replace(spec, classes=len(charset) - 2)), CRNN(spec)]
    for net, chars in zip(nets, (weights.charset(), charset), strict=True):
        initialise(net, initial("shipped", "crnn", "lcnet"), chars)
        net.eval()
    images = torch.full((1, 48, 64, 3), 200, dtype=torch.uint8)
    with torch.no_grad():
        before, after = (net(images) for net in nets)
    assert torch.allclose(after[..., :-2], before, atol=1e-5)


def test_a_charset_in_another_order_is_refused(run: Path) -> None:
    card = read_card(run)
    net = VGGCRNN(card.spec)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="does not begin with"):
        initialise(net, initial(str(run), "crnn", "vgg"), Charset("ab识"))
    small = VGGCRNN(replace(card.spec, classes=2))  # type: ignore[arg-type]
    bare = run.parent / "bare.safetensors"
    bare.write_bytes((run / "best.safetensors").read_bytes())
    (run.parent / "charset.txt").unlink(missing_ok=True)
    with pytest.raises(WeightsError, match="name their run folder"):
        initialise(small, initial(str(bare), "crnn", "vgg"), Charset("a"))


def test_a_grown_run_is_resumed_exported_and_grown_again(run: Path, tmp_path: Path) -> None:
    data = line_set(tmp_path / "lines", [("a.png", "字a"), ("b.png", "b⚡")])
    options = CRNNOptions(data=(data,), val=(data,), batch_width=64)
    init = CRNNInitOptions(net="vgg", width=0.05, init=str(run), charset="data")
    grown = tmp_path / "grown"
    train_crnn(options, loop(grown), init)
    more = line_set(tmp_path / "more", [("a.png", "∿")])
    train_crnn(
        replace(options, data=(data, more)), loop(grown, steps=4, resume=True), init
    )  # the charset stays
    assert (grown / "charset.txt").read_text(encoding="utf-8") == "b识a⚡字\n"
    state = load_file(grown / "best.safetensors")
    assert len(state["classify.weight"]) == 6

    with pytest.raises(DataError, match="--val-squeeze"):  # figures would not compare
        train_crnn(replace(options, val_squeeze=0.9), loop(grown, resume=True), init)

    path = export(grown, ExportOptions(out=tmp_path / "out"))
    assert weights.charset(tmp_path / "out").chars == "b识a⚡字"
    batch = np.zeros((1, 32, 64, 3), np.uint8)
    (logits,) = open_session(path, read_card(grown).spec, "onnxruntime")(list(batch))
    assert logits.shape[-1] == 6
    net = VGGCRNN(read_card(grown).spec).eval()  # type: ignore[arg-type]
    net.load_state_dict(state)
    with torch.no_grad():
        wanted = net(torch.from_numpy(batch)).numpy()[0]
    assert np.allclose(logits, wanted, atol=2e-3)  # an exported file holds halves
    init = initial(str(path), "crnn", "vgg")
    assert init.spec == read_card(grown).spec
    assert (
        choose_charset("data", replace(options, data=(more,)), known=init.charset).chars[-1] == "∿"
    )


def test_weights_are_read_at_the_width_that_they_were_validated_at(
    run: Path, tmp_path: Path
) -> None:
    told = [(None, "lcnet"), ("scratch", "lcnet"), ("shipped", "lcnet"), (str(run), "vgg")]
    assert [initial(name, "crnn", form).squeeze for name, form in told] == [1, 1, 0.8, 1]
    data = line_set(tmp_path / "lines", [("a.png", "ab"), ("b.png", "识")])
    options = CRNNOptions(data=(data,), val=(data,), val_squeeze=1.05, batch_width=64)
    init = CRNNInitOptions(net="vgg", init=str(run))
    train_crnn(options, loop(tmp_path / "wide"), init)
    path = export(tmp_path / "wide", ExportOptions(out=tmp_path / "out"))
    assert weights.card("crnn", path.parent).squeeze == 1.05
    reader = Reader(ReaderOptions(weights=path.parent))
    assert reader.recognizer.squeeze == 1.05
    for source in (tmp_path / "wide", tmp_path / "wide" / "best.safetensors", path):
        assert initial(str(source), "crnn", "vgg").squeeze == 1.05
    later = replace(init, init=str(tmp_path / "wide"))
    train_crnn(replace(options, val_squeeze=None), loop(tmp_path / "later"), later)
    assert read_card(tmp_path / "later").squeeze == 1.05


def test_an_export_says_that_nothing_was_validated(
    run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export(run, ExportOptions(out=tmp_path))
    assert "validated on nothing: these are its last weights" in caplog.text
    assert "score" not in weights.card("crnn", tmp_path).metrics


# Fine-tuning


def tuned(tmp_path: Path, **more: object) -> tuple[TuneTask, CRNN]:
    """A task of three own lines and six known ones; two characters are new."""
    own = line_set(tmp_path / "own", [("a.png", "a"), ("b.png", "xy"), ("c.png", "b")])
    known = line_set(tmp_path / "known", [(f"{i}.png", "cab"[: i % 3 + 1]) for i in range(6)], 1)
    torch.manual_seed(2)
    net = CRNN(replace(LCNET, classes=6))
    given = {"data": (own,), "val": (own,), "replay": (known,), "batch_width": 400, "anchor": 1.0}
    options = CRNNOptions(stage="tune", **{**given, **more})  # type: ignore[arg-type]
    return TuneTask(net, Charset("abcxy"), options, known=4), net


def test_every_other_sample_is_a_known_line(tmp_path: Path) -> None:
    task, _ = tuned(tmp_path)
    samples = [task.sample(1, position) for position in range(6)]
    assert [isinstance(s, KnownCrop) for s in samples] == [False, True] * 3
    again = task.sample(1, 3)
    assert np.array_equal(again.image, samples[3].image)
    own = [s.label for s in samples if isinstance(s, Crop)]
    assert sorted(own) == [[1], [2], [4, 5]]  # an epoch shows every line
    batch = next(batches(task, 1))[0]
    assert 0 < len(batch.labels) < len(batch.images)


def test_at_first_nothing_pulls_away_from_the_known_lines(tmp_path: Path) -> None:
    task, net = tuned(tmp_path)
    net.eval()
    batch = next(batches(task, 1))[0]
    assert task.loss(batch, CPU)["anchor"].item() < 1e-9
    with torch.no_grad():
        net.embed.bias += 1.0
    assert task.loss(batch, CPU)["anchor"].item() == pytest.approx(1.0, rel=1e-4)
    only_own = batch._replace(images=batch.images[: len(batch.labels)])
    assert task.loss(only_own, CPU)["anchor"].item() == 0
    only_known = batch._replace(images=batch.images[len(batch.labels) :], labels=[])
    assert task.loss(only_known, CPU)["ctc"].item() == 0


def test_known_rows_stay_and_new_ones_learn(tmp_path: Path) -> None:
    task, net = tuned(tmp_path)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    trainer = Trainer(task, loop(tmp_path / "run", steps=5, lr=1e-2, decay=0.1))
    stream = batches(task, 1)
    for _ in range(5):
        trainer.step(stream)
    after = net.state_dict()
    for key in ("classify.weight", "classify.bias"):
        assert torch.equal(after[key][:4], before[key][:4]), key
        assert (after[key][4:] != before[key][4:]).any(), key
    assert not torch.equal(after["gru.weight_hh_l0"], before["gru.weight_hh_l0"])


def test_new_characters_keep_quiet_on_known_lines(tmp_path: Path) -> None:
    task, net = tuned(tmp_path)
    batch = next(batches(task, 1))[0]
    quiet = []
    for bias in (-30.0, 0.0, 30.0):
        with torch.no_grad():
            net.classify.bias[4:] = bias
        quiet.append(task.loss(batch, CPU)["quiet"])
    assert quiet[0].item() < 1e-3 < quiet[1].item() < quiet[2].item()
    quiet[1].backward()
    moved = net.classify.bias.grad
    assert moved is not None
    assert (moved[4:] > 0).all()  # they are pushed down
    assert not moved[:4].any()
    assert net.gru.weight_hh_l0.grad is None  # and nothing else moves


def test_a_new_row_is_one_among_the_known() -> None:
    """As long as they are, with a bias of theirs, and like no other."""
    torch.manual_seed(1)
    old = {"classify.weight": torch.randn(300, 12) + 1, "classify.bias": torch.randn(300)}
    new = extended(old, 304)
    norms = old["classify.weight"].norm(dim=1)
    for row, bias in zip(new["classify.weight"][300:], new["classify.bias"][300:], strict=True):
        assert norms.quantile(0.01) < row.norm() < norms.quantile(0.99)
        assert bias == old["classify.bias"].median()
    assert len({tuple(row.tolist()) for row in new["classify.weight"][300:]}) == 4
    assert torch.equal(extended(old, 304)["classify.weight"], new["classify.weight"])


def test_replayed_lines_that_hold_a_new_character_are_left_out(tmp_path: Path) -> None:
    rows = [(f"{i}.png", "x" if i % 2 else "a") for i in range(8)]
    known = line_set(tmp_path / "known", rows)
    lines, guard = known_lines(CRNNOptions(replay=(known,)), new="xy")
    assert {item.text for item in [*lines, *guard]} == {"a"}


def test_known_lines_hold_the_net(tmp_path: Path) -> None:
    """The same steps move what is read of known lines less with the anchor than without."""
    moved = {}
    for anchor in (0.0, 30.0):
        (tmp_path / str(anchor)).mkdir()
        task, net = tuned(tmp_path / str(anchor), anchor=anchor)
        net.eval()
        known = torch.from_numpy(np.stack([task.sample(1, p).image[:, :64] for p in (1, 3, 5)]))
        with torch.no_grad():
            before = net.encode(known)
        fit(task, loop(tmp_path / str(anchor) / "run", steps=25, lr=1e-2))
        with torch.no_grad():
            moved[anchor] = (net.eval().encode(known) - before).pow(2).mean().item()
    assert moved[30.0] < moved[0.0] / 3


def test_what_is_kept_lies_between_and_new_rows_go_all_the_way(tmp_path: Path) -> None:
    data = line_set(tmp_path / "lines", [("a.png", "ab"), ("b.png", "a")])
    net = CRNN(LCNET)
    options = CRNNOptions(data=(data,), val=(data,), replay=(data,), way=0.25)
    task = TuneTask(net, Charset("ab识"), options, known=3)
    first = {k: v.clone() for k, v in net.state_dict().items()}
    tuned = {k: v + 1 if v.is_floating_point() else v for k, v in first.items()}
    kept = task.between(tuned)
    assert kept.keys() == first.keys()
    torch.testing.assert_close(kept["classify.weight"][:3], first["classify.weight"][:3] + 0.25)
    torch.testing.assert_close(kept["classify.weight"][3:], first["classify.weight"][3:] + 1)
    others = [k for k, v in first.items() if v.is_floating_point() and "classify" not in k]
    for key in others:
        torch.testing.assert_close(kept[key], first[key] + 0.25)


def test_the_best_is_no_worse_than_the_first(tmp_path: Path) -> None:
    task, net = tuned(tmp_path)
    first = {k: v.clone() for k, v in net.state_dict().items()}
    fit(task, loop(tmp_path / "run", lr=0.0), judge_first=True)
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert '"step": 0' in rows[0]
    assert "cer_known" in rows[0]
    best = load_file(tmp_path / "run" / "best.safetensors")
    assert all(torch.equal(best[k], v) for k, v in first.items())


def test_fine_tuning_from_a_run_by_one_command(run: Path, tmp_path: Path) -> None:
    own = line_set(tmp_path / "own", [("a.png", "a"), ("b.png", "bx")])
    known = line_set(tmp_path / "known", [("a.png", "b"), ("b.png", "识"), ("c.png", "aa")])
    options = CRNNOptions(data=(own,), val=(own,), replay=(known,), stage="tune", batch_width=200)
    init = CRNNInitOptions(net="vgg", width=0.05, init=str(run), charset="data")
    figures = train_crnn(options, loop(tmp_path / "run"), init)
    assert {"cer_own", "cer_known", "score"} <= figures.keys()
    first, last = (load_file(f / "best.safetensors") for f in (run, tmp_path / "run"))
    assert torch.equal(last["classify.weight"][:4], first["classify.weight"])
    assert read_card(tmp_path / "run").initial.startswith("an earlier run")


def test_what_fine_tuning_cannot_do_is_refused(run: Path, tmp_path: Path) -> None:
    own = line_set(tmp_path / "own", [("a.png", "a")])
    options = CRNNOptions(data=(own,), val=(own,), replay=(own,), stage="tune")
    vgg = CRNNInitOptions(net="vgg", width=0.05)
    with pytest.raises(DataError, match="shipped ones or a run"):
        train_crnn(options, loop(tmp_path / "a"), vgg)
    from_run = replace(vgg, init=str(run))
    with pytest.raises(DataError, match="add --val"):
        train_crnn(replace(options, val=()), loop(tmp_path / "b"), from_run)
    with pytest.raises(DataError, match="--replay holds no lines"):
        train_crnn(options, loop(tmp_path / "c"), from_run)
    assert not (tmp_path / "a" / "card.json").exists()


def test_lines_are_drawn_where_none_are_given(tmp_path: Path) -> None:
    sized = sorted((p.stat().st_size, p) for p in system_fonts())
    chinese = next(
        p for size, p in sized if size > 3e6 and any(f.han for f in load_faces([p], False))
    )
    (tmp_path / chinese.name).symlink_to(chinese)
    lines = DrawnLines(7, SynthLineOptions(fonts=(tmp_path,), system_fonts=False, drawn=2))
    assert len(lines) > 1000 * GUARD
    first, again, other = lines[3], lines[3], lines[4]
    assert np.array_equal(first.load(), again.load())
    assert first.text == again.text != other.text
    assert first.load().dtype == np.uint8
