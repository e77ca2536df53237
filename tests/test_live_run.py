"""A room from its source to its events, as a process of its own."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time as clock
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from rapidfuzz import fuzz

from shizi.cli import main
from shizi.errors import ShiziError
from shizi.live.event import Event, Gift, Row, Run
from shizi.live.frame import Frame
from shizi.live.keep.crops import LIST, Crops
from shizi.live.mean.value import load_rules
from shizi.live.options import (
    CropOptions,
    LiveOptions,
    Plan,
    RegionOptions,
    RoomOptions,
    SeeOptions,
    SimulateOptions,
    WriterOptions,
)
from shizi.live.run import follow
from shizi.live.show.picture import marked
from shizi.live.show.totals import MINUTES, Totals
from shizi.live.simulate import make_room, simulate
from shizi.page import Quad

SEEN = SimulateOptions(seed=7, seconds=10.0, shape="portrait", fps=10)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("room")
    simulate(SEEN, folder / "clip.mp4", folder / "truth.jsonl")
    return folder / "clip.mp4"


def live(clip: Path, folder: Path, *more: str) -> list[str]:
    region = ",".join(f"{v:.4f}" for v in make_room(SEEN).region)
    return [sys.executable, "-m", "shizi", "live", str(clip), "--region", region, "--threads", "1",
            "--events", str(folder / "events.jsonl"), "--store", str(folder / "room.db"),
            *more]  # fmt: skip


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def told(folder: Path) -> list[Event]:
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [Event.from_dict(json.loads(line)) for line in lines]
    assert len({e.id for e in events}) == len(events)
    return sorted(events, key=lambda e: e.time)


def reached(store: Path, time: float, limit: float = 300.0) -> None:
    """Wait until the stream has come so far."""
    deadline = clock.monotonic() + limit
    while clock.monotonic() < deadline:
        clock.sleep(0.02)
        try:
            with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as direct:
                if (direct.execute("SELECT max(time) FROM events").fetchone()[0] or 0.0) >= time:
                    return
        except sqlite3.OperationalError:
            continue  # not made yet
    raise AssertionError(f"the run did not come to {time} s")


@pytest.fixture(scope="module")
def unbroken(clip: Path) -> list[Event]:
    run(*live(clip, clip.parent))
    return told(clip.parent)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_stopped_and_resumed_gives_what_an_unbroken_run_gives(
    clip: Path, tmp_path: Path, unbroken: list[Event], how: signal.Signals
) -> None:
    with subprocess.Popen(live(clip, tmp_path), stderr=subprocess.DEVNULL) as process:
        reached(tmp_path / "room.db", 1.5)
        process.send_signal(how)
    assert process.returncode == (-9 if how == signal.SIGKILL else 130)
    run(*live(clip, tmp_path, "--resume"))
    resumed = told(tmp_path)
    # A row that was only half read when it was closed by a signal may be told again, whole.
    assert 0 <= len(resumed) - len(unbroken) <= (how != signal.SIGKILL) and len(unbroken) > 5
    for event in unbroken:
        # Looked at in other frames, a text may be read a little better or worse; while lines slide
        # one looks for new ones every 0.4 s, from wherever the run was stopped.
        assert any(
            one.kind == event.kind
            and one.time == pytest.approx(event.time, abs=0.45)
            and fuzz.ratio(one.user + one.text, event.user + event.text) > 70
            for one in resumed
        ), event


def test_crops_are_named_by_their_events(clip: Path, tmp_path: Path) -> None:
    see = SeeOptions(region=RegionOptions(",".join(map(str, make_room(SEEN).region))))
    crops, events = tmp_path / "crops", tmp_path / "events.jsonl"
    done = follow(Plan(str(clip), LiveOptions(events=events, threads=1), see, RoomOptions(),
                       WriterOptions(), CropOptions(crops)))  # fmt: skip
    ids = {json.loads(line)["id"] for line in events.read_text(encoding="utf-8").splitlines()}
    files = {path.stem: cv2.imread(str(path)) for path in crops.glob("*.png")}
    assert done.events == len(ids) and ids == set(files)
    assert all(picture.std() > 10 for picture in files.values())  # there is something on each


def folder_of(pictures: Path, count: int) -> Path:
    """Pictures on which nothing moves."""
    pictures.mkdir()
    for i in range(count):
        cv2.imwrite(str(pictures / f"{i}.png"), np.full((120, 160, 3), 90, np.uint8))
    return pictures


def test_an_area_that_is_not_found_is_said_in_words_and_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = folder_of(tmp_path / "pictures", 3)
    assert main(["live", str(pictures), "--threads", "1"]) == 1
    assert "no comment area was found" in capsys.readouterr().err
    assert main(["live", str(pictures), "--threads", "1", "--region", "whole"]) == 0


def test_the_area_is_drawn_whether_given_or_found(clip: Path, tmp_path: Path) -> None:
    for region in ("auto", "portrait"):
        out = tmp_path / f"{region}.png"
        assert main(["live", str(clip), "--region", region, "--show-region", str(out)]) == 0
        assert cv2.imread(str(out)).shape == (1280, 720, 3)
    assert main(["live", str(clip), "--region", "whole", "--show-region", "area.pdf"]) == 2


def seen(number: int) -> tuple[str, Row]:
    quad = Quad(((10.0, 20.0), (60.0, 20.0), (60.0, 40.0), (10.0, 40.0)))
    row = Row(number, 0, 0.0, 0.0, (Run("好", (0, 0, 0)),), 1.0, quad)
    return f"a/b-{number}", row


def test_crops_are_bounded_in_number_and_age(tmp_path: Path) -> None:
    options = CropOptions(tmp_path / "crops", most_crops=50)
    crops = Crops(options, days=1.0)
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[20:41, 10:61] = 200
    crops.see(Frame(0.0, 0, 100, 100, picture))
    for number in range(200):
        crops.keep(*seen(number))
    left = sorted((tmp_path / "crops").glob("*.png"))
    assert len(left) == 50 and left[0].name.startswith("a%2Fb-")
    crop = cv2.imread(str(tmp_path / "crops" / "a%2Fb-199.png"))
    assert crop.shape == (29, 59, 3) and (crop[4:-4, 4:-4] == 200).all()
    os.utime(left[0], (0, 0))
    Crops(options, days=1.0)
    assert len(list((tmp_path / "crops").glob("*.png"))) == 49
    listed = (tmp_path / "crops" / LIST).read_text(encoding="utf-8").splitlines()
    assert set(listed) == {path.name for path in (tmp_path / "crops").glob("*.png")}


def test_crops_that_a_full_disk_does_not_take_are_missed_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as out:
            out.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    crops = Crops(CropOptions(tmp_path / "crops"))
    crops.see(Frame(0.0, 0, 100, 100, np.zeros((100, 100, 3), np.uint8)))
    crops.keep(*seen(1))
    assert crops.troubles == ()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        crops.keep(*seen(2))
        crops.keep(*seen(3))
    crops.keep(*seen(4))
    (trouble,) = crops.troubles
    assert trouble.startswith("2 crops are missing") and "No space left" in trouble
    assert len(list((tmp_path / "crops").glob("*.png"))) == 2


def test_crops_neither_delete_nor_replace_what_is_not_theirs(tmp_path: Path) -> None:
    own = {name: tmp_path / name for name in ("holiday.png", "a%2Fb-3.png", "notes.txt")}
    for path in own.values():
        path.write_bytes(b"mine")
        os.utime(path, (0, 0))
    for _ in range(2):
        crops = Crops(CropOptions(tmp_path, most_crops=3), days=1.0)
        crops.see(Frame(0.0, 0, 100, 100, np.zeros((100, 100, 3), np.uint8)))
        for number in range(5):
            crops.keep(*seen(number))
        crops._sweep()
    assert all(path.read_bytes() == b"mine" for path in own.values())
    crops = sorted(path.name for path in tmp_path.glob("*.png") if path.name not in own)
    assert crops == ["a%2Fb-2.png", "a%2Fb-3.2.png", "a%2Fb-4.png"]


def test_hidden_names_are_not_shown_on_crops(tmp_path: Path) -> None:
    plan = Plan("none.mp4", LiveOptions(), SeeOptions(), RoomOptions(hash_users="salt"),
                WriterOptions(), CropOptions(tmp_path))  # fmt: skip
    with pytest.raises(ShiziError, match="nicknames"):
        follow(plan)


def test_a_correction_takes_back_what_was_counted() -> None:
    totals = Totals(load_rules().worth, load_rules().states)
    totals.take(Event("r-1", 0, 5.0, "gift", "小明", "", 1.0, gift=Gift("玫瑰", 3)))
    totals.take(Event("r-1", 1, 5.0, "gift", "小明", "", 1.0, gift=Gift("玫瑰", 9), closed=True))
    totals.take(Event("r-2", 0, 65.0, "gift", "小明", "", 1.0, gift=Gift("没瑰", 1)))
    totals.take(Event("r-2", 1, 65.0, "comment", "小明", "没闺", 1.0, closed=True))
    assert totals.gifts == {"玫瑰": (9, 9.0)}
    assert +totals.minutes[0] == {"gift": 1} and +totals.minutes[1] == {"comment": 1}
    assert totals.total == 2
    for minute in range(MINUTES + 10):
        totals.take(Event(f"m-{minute}", 0, minute * 60.0, "like", "小明", "", 1.0, closed=True))
    assert len(totals.minutes) == MINUTES and max(totals.minutes) == MINUTES + 9


def test_the_picture_is_marked_with_area_and_rows() -> None:
    blank = np.zeros((100, 200, 3), np.uint8)
    out = marked(blank, (10, 10, 150, 90), [np.array([20, 30, 60, 40], np.float32)])
    assert (
        out[10, 80].any()
        and out[35, 17].any()
        and not out[35, 20:60].any()
        and not out[60, 100].any()
    )
    assert not blank.any()
