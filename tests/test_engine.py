"""Sessions: which pictures run together, in which order their arrays come back, and where."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from shizi import weights
from shizi.crop import WIDTHS
from shizi.engine import MANY, Session, open_session
from shizi.errors import OptionError, WeightsError
from shizi.nets.spec import OrientationSpec

ORIENTATION = weights.file("orientation")


class Sums:
    """A runtime that adds up what it is shown, into the same memory every time."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self._local = threading.local()

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        self.shapes.append(batch.shape)
        if not hasattr(self._local, "memory"):
            self._local.memory = np.zeros((32, 1), np.float32)
        self._local.memory[: len(batch), 0] = batch.reshape(len(batch), -1).sum(1)
        return self._local.memory[: len(batch)]


def pictures(*shapes: tuple[int, int], seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 99, (*shape, 3), dtype=np.uint8) for shape in shapes]


@pytest.mark.parametrize("streams", [1, 3])
def test_arrays_come_back_in_the_order_of_their_pictures(streams: int) -> None:
    given = pictures(*[(8, 8), (8, 16), (8, 8), (4, 4), (8, 16)] * 5)
    session = Session(Sums(), streams=streams)
    expected = [float(p.sum()) for p in given]
    assert [a.tolist() for a in session(given)] == [[e] for e in expected]
    assert session.each(given, lambda a: float(a[0])) == expected
    assert session([]) == []


def test_few_pictures_of_one_shape_run_together() -> None:
    runtime = Sums()
    Session(runtime)(pictures(*[(48, 320)] * 6, *[(48, 700)] * 3, (48, 1500), (48, 1500)))
    long, middle, short = (1, 48, 1500, 3), (48, 700, 3), (48, 320, 3)
    expected = [long, long, (2, *middle), (1, *middle), (4, *short), (1, *short), (1, *short)]
    assert runtime.shapes == expected


def test_a_width_has_kernels_of_two_sizes_at_most() -> None:
    runtime = Sums()
    session = Session(runtime)
    for count in range(1, 12):
        session(pictures(*[(48, width) for width in WIDTHS] * count))
    for width in WIDTHS:
        assert len({shape[0] for shape in runtime.shapes if shape[2] == width}) <= 2
    assert len(set(runtime.shapes)) <= 35


def test_a_batch_that_lacks_one_is_filled_up_and_nobody_hears_of_it() -> None:
    runtime, given, heard = Sums(), pictures(*[(48, 80)] * 7), []
    found = Session(runtime).each(given, lambda a: heard.append(a) or float(a[0]))
    assert [shape[0] for shape in runtime.shapes] == [4, 4]
    assert found == [float(p.sum()) for p in given]
    assert len(heard) == 7


def test_a_gpu_is_given_many_pictures_at_once() -> None:
    runtime = Sums()
    Session(runtime, MANY)(pictures(*[(48, 320)] * 43))
    assert [shape[0] for shape in runtime.shapes] == [32, 8, 2, 1]


def test_streams_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=30)

    def runtime(batch: np.ndarray) -> np.ndarray:
        meeting.wait()  # none passes alone
        return batch[:, 0, 0].astype(np.float32)

    assert len(Session(runtime, streams=2)(pictures((8, 8), (8, 16)))) == 2


@pytest.mark.parametrize("streams", [1, 2])
def test_what_a_runtime_raises_comes_out_and_breaks_nothing(streams: int) -> None:
    class Once(Sums):
        def __call__(self, batch: np.ndarray) -> np.ndarray:
            if not self.shapes:
                self.shapes.append(batch.shape)
                raise MemoryError("once")
            return super().__call__(batch)

    session, given = Session(Once(), streams=streams), pictures((8, 8), (8, 16))
    with pytest.raises(MemoryError, match="once"):
        session(given)
    assert len(session(given)) == 2


def test_parallel_streams_say_to_the_bit_what_one_says() -> None:
    lines = pictures(*[(48, 192)] * 7)
    one, four = (open_session(ORIENTATION, OrientationSpec(), threads=n)(lines) for n in (1, 4))
    assert np.array_equal(one, four)


def test_a_session_forgets_kernels_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shizi.engine.KEPT_LARGE", 4)
    session = open_session(weights.file("ctpn"), weights.spec("ctpn"), threads=1)
    first = pictures((64, 64))
    before = session(first)
    session(pictures(*((64, 64 + 32 * i) for i in range(1, 9))))
    assert np.array_equal(session(first), before)


def test_a_huge_picture_leaves_no_memory_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = pytest.importorskip("shizi.engine.openvino")
    monkeypatch.setattr(runtime, "ROOMY", 320 * 320)
    session = open_session(weights.file("ctpn"), weights.spec("ctpn"), "openvino", threads=1)
    released = []

    class Watched:
        def __init__(self, compiled: object) -> None:
            self._compiled = compiled

        def __getattr__(self, name: str) -> object:
            if name == "release_memory":
                released.append(name)
            return getattr(self._compiled, name)

    net = session._runtime
    net._compiled = Watched(net._compiled)
    small, large = pictures((64, 64), (320, 320))
    before = session([small, large])
    assert released == ["release_memory"]
    assert np.array_equal(session([small])[0], before[0])
    assert np.array_equal(session([large])[0], before[1])


def test_a_large_output_goes_when_small_batches_come(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = pytest.importorskip("shizi.engine.openvino")
    monkeypatch.setattr(runtime, "HEAVY", 100)
    net = runtime.OpenVINO(weights.file("crnn"), threads=1)
    large, small = np.zeros((1, 48, 320, 3), np.uint8), np.zeros((1, 48, 64, 3), np.uint8)
    held = []
    for batch in (large, large, small, small):
        net(batch)
        held.append(net._own.request)
    assert held[0] is held[1]
    assert held[2] is held[3]
    assert held[1] is not held[2]


def test_what_preparing_kernels_took_for_a_while_goes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = pytest.importorskip("shizi.engine.openvino")
    trimmed: list[int] = []
    monkeypatch.setattr(runtime, "_trim", lambda: trimmed.append(1))
    net = runtime.OpenVINO(ORIENTATION, threads=1)
    small, large = np.zeros((1, 48, 192, 3), np.uint8), np.zeros((2, 48, 192, 3), np.uint8)
    counts = []
    for batch in (small, small, large, small, large):
        net(batch)
        counts.append(len(trimmed))
    assert counts == [1, 1, 2, 2, 2]
    monkeypatch.setattr(runtime, "ROOMY", 2 * 48 * 192)  # after much there is much to give back
    net(large)
    net(small)
    assert len(trimmed) == 3


def test_what_onednn_keeps_is_told_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = pytest.importorskip("shizi.engine.openvino")
    monkeypatch.setenv("SHIZI_OWN", "1")
    monkeypatch.delenv("SHIZI_OTHER", raising=False)
    with runtime._told(SHIZI_OWN="2", SHIZI_OTHER="3"):
        assert (os.environ["SHIZI_OWN"], os.environ["SHIZI_OTHER"]) == ("1", "3")
    assert "SHIZI_OTHER" not in os.environ


def test_a_device_that_is_not_there_is_told_at_once() -> None:
    for engine in ("openvino", "onnxruntime", "torch", "keras"):
        with pytest.raises(OptionError, match="device cuda"):
            open_session(ORIENTATION, OrientationSpec(), engine, "cuda")  # type: ignore[arg-type]


def test_onnx_runtime_uses_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class InferenceSession:
        def __init__(self, path: str, options: object, providers: list[str]) -> None:
            self._providers = providers

        def get_providers(self) -> list[str]:
            return self._providers

        def get_inputs(self) -> list[object]:
            return [SimpleNamespace(name="images")]

        def run(self, _: None, given: dict[str, np.ndarray]) -> list[np.ndarray]:
            sizes.append(len(given["images"]))
            return [np.zeros((len(given["images"]), 4), np.float32)]

    fake = SimpleNamespace(
        InferenceSession=InferenceSession,
        SessionOptions=SimpleNamespace,
        disable_telemetry_events=lambda: None,
        get_available_providers=lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    lines = pictures(*[(48, 192)] * 8)
    for device, expected in (("cuda", [8]), ("auto", [8]), ("cpu", [4] * 2)):
        sizes: list[int] = []
        session = open_session(ORIENTATION, OrientationSpec(), "onnxruntime", device, 1)  # type: ignore[arg-type]
        assert len(session(lines)) == 8
        assert sizes == expected


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, engine: str) -> None:
    path = tmp_path / "net.onnx"
    with pytest.raises(WeightsError, match="missing"):
        open_session(path, OrientationSpec(), engine)  # type: ignore[arg-type]
    path.write_bytes(b"not a network")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        open_session(path, OrientationSpec(), engine)  # type: ignore[arg-type]


GUARD = """
import os, socket, subprocess, sys

def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen",
                 "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"):
        os.write(2, f"tried: {event} {args}\\n".encode())
        os._exit(9)

sys.addaudithook(refuse)
"""

READ = "from shizi.cli import main; sys.exit(main(['read', sys.argv[1]]))"
TRAIN = "from shizi.train.tasks import features; from shizi.train import export; "
TRAIN += "from shizi.engine.openvino import openvino; openvino()"


@pytest.mark.parametrize("code", [READ, TRAIN])
def test_nothing_is_told_and_only_the_cache_is_left_at_home(code: str, tmp_path: Path) -> None:
    """A package that posts how OpenVINO is used stands in the way, as a wheel brings it."""
    home, spy = tmp_path / "home", tmp_path / "spy"
    home.mkdir()
    (spy / "openvino_telemetry").mkdir(parents=True)
    (spy / "openvino_telemetry" / "__init__.py").write_text("import os; os._exit(8)")
    root = Path(__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", GUARD + code, str(root / "samples" / "sign.jpg")],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": f"{spy}:{root}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    left = {path.parent for path in home.rglob("*") if path.is_file()}
    assert left <= {home / ".cache" / "shizi"}  # see test_compiled.py


def test_openvino_is_imported_in_one_place() -> None:
    for path in (Path(weights.__file__).parents[1]).rglob("*.py"):
        if path.name != "openvino.py":
            assert "import openvino" not in path.read_text(encoding="utf-8").replace(
                "from shizi.engine.openvino import openvino", ""
            ), path


def test_threads_that_run_first_at_once_do_not_wait_for_each_other() -> None:
    pytest.importorskip("openvino")
    code = """
import sys, threading
from shizi.engine import openvino
openvino.core()
sys.setswitchinterval(1e-6)
begin = threading.Barrier(8)
def ask():
    begin.wait()
    openvino.openvino().Type.u8.to_dtype()
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
