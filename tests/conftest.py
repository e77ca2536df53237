"""What several tests share: a few fonts, a few texts, a service, a store of live rooms."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings

from shizi.errors import DataError

# What a fixture imports, only its tests need: those of reading run where nothing else is installed.
if TYPE_CHECKING:
    from serving import Served

    from shizi.live.keep.store import Store
    from shizi.synth import SynthLineOptions, SynthPageOptions, World
    from shizi.synth.paint.fonts import Face

settings.register_profile("unhurried", deadline=None)  # a busy processor proves nothing
settings.load_profile("unhurried")

TEXTS = (
    "今天天气很好",
    "识字软件可以读中文",
    "电话：400-8877-383",
    "送出小心心",
    "春眠不觉晓，处处闻啼鸟。",
)


@pytest.fixture(scope="session", autouse=True)
def networks_kept_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What OpenVINO compiled is kept as long as the tests run, and not at home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHIZI_CACHE", str(tmp_path_factory.mktemp("networks")))
        yield


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """A folder with two small Chinese fonts and a Latin one, and a text file."""
    from shizi.synth.paint.fonts import system_fonts

    folder = tmp_path_factory.mktemp("synth")
    (folder / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    (folder / "fonts").mkdir()
    sized = sorted((p.stat().st_size, p) for p in system_fonts())
    wanted = (p for size, p in sized if 3e6 < size < 2.5e7 and _writes(p, "识"))
    chinese = list(islice(wanted, 2))
    latin = list(islice((p for size, p in sized if size < 1e6 and _writes(p, "Aê")), 1))
    if not chinese:
        pytest.skip("no Chinese font on this system")
    for path in chinese + latin:
        (folder / "fonts" / path.name).symlink_to(path)
    return {
        "texts": (folder / "texts.txt",),
        "fonts": (folder / "fonts",),
        "system_fonts": False,
        "drawn": 3,
    }


def _writes(path: Path, text: str) -> bool:
    from shizi.synth.paint.fonts import load_faces

    try:
        return any(face.covers(text) for face in load_faces([path], need_han=False))
    except DataError:
        return False


@pytest.fixture(scope="session", autouse=True)
def rooms_in_one_face() -> Iterator[None]:
    """Simulated rooms look alike wherever the tests run, however many fonts are installed there."""
    with pytest.MonkeyPatch.context() as patch:
        if find_spec("av"):
            from shizi.synth.paint.fonts import system_fonts

            faces = [path for path in system_fonts() if path.name == "NotoSansCJK-Bold.ttc"]
            if faces:
                patch.setattr("shizi.live.simulate.system_fonts", lambda: faces)
        yield


@pytest.fixture(scope="session")
def options(sources: dict[str, object]) -> SynthLineOptions:
    from shizi.synth import SynthLineOptions

    return SynthLineOptions(**sources)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def page_options(sources: dict[str, object]) -> SynthPageOptions:
    from shizi.synth import SynthPageOptions

    return SynthPageOptions(**sources, longest=600)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def world(options: SynthLineOptions) -> World:
    from shizi.synth import build_world

    return build_world(options)


@pytest.fixture(scope="session")
def face(world: World) -> Face:
    return world.any_face(np.random.default_rng(0))


@pytest.fixture(scope="module")
def api() -> Iterator[Served]:
    """A service that is being asked."""
    from serving import served

    with served() as asked:
        yield asked


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store of live rooms."""
    from shizi.live.keep.store import Store

    with Store(str(tmp_path / "store.db")) as opened:
        yield opened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sinks that went away are tried again soon."""
    monkeypatch.setattr("shizi.live.keep.sinks.base._FIRST_WAIT", 0.01)
    monkeypatch.setattr("shizi.live.keep.sinks.base._LONGEST_WAIT", 0.05)
