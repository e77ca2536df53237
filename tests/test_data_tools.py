"""``shizi data``: sets are converted without loss, checked, counted and drawn."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from pictures import SAMPLE, encode

from shizi.charset import Charset
from shizi.cli import main
from shizi.data import BadRows, open_lines, open_pages
from shizi.data.tools import convert as converting
from shizi.data.tools.check import CheckOptions, check, report
from shizi.data.tools.convert import ConvertOptions, convert
from shizi.data.tools.stats import StatsOptions, stats, together, write_plots
from shizi.errors import DataError

STRICT = BadRows(strict=True)
PNG = encode(SAMPLE, "PNG")
BOX = [[0, 0], [30, 0], [30, 12], [0, 12]]


def wide(shade: int) -> bytes:
    """A picture 120 wide and 24 high: 31 time steps in its bucket."""
    return encode(np.full((24, 120, 3), shade, np.uint8), "PNG")


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A line set of one PNG and one JPEG."""
    folder = tmp_path / "lines"
    folder.mkdir()
    (folder / "a.png").write_bytes(wide(200))
    (folder / "b.dat").write_bytes(encode(SAMPLE, "JPEG"))
    (folder / "labels.tsv").write_text("a.png\t你好 a\nb.dat\tx\n", encoding="utf-8")
    return folder


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A page set of one picture with a legible line, an ignored one and a word after the first."""
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.png").write_bytes(PNG)
    quads = [BOX, [[0, 14], [9, 14], [9, 20], [0, 20]], [[32, 0], [40, 0], [40, 12], [32, 12]]]
    rows = zip(quads, ("ab", "", "c"), (False, True, False), strict=True)
    labels = [{"quad": quad, "text": text, "ignore": skip} for quad, text, skip in rows]
    row = json.dumps({"image": "a.png", "lines": labels, "complete": False})
    (folder / "labels.jsonl").write_text(row, encoding="utf-8")
    return folder


def test_lines_to_lmdb_and_back(lines: Path, tmp_path: Path) -> None:
    assert convert(lines, tmp_path / "lmdb", ConvertOptions("lmdb")) == (2, 0)
    assert convert(tmp_path / "lmdb", tmp_path / "back", ConvertOptions("lines")) == (2, 0)
    before, after = open_lines(lines, STRICT), open_lines(tmp_path / "back", STRICT)
    assert [item.text for item in after] == [item.text for item in before]
    assert [item.encoded() for item in after] == [item.encoded() for item in before]
    assert [item.path.suffix for item in after] == [".png", ".jpeg"]


def test_an_lmdb_grows(lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converting, "FIRST_SIZE", 1 << 15)
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    (lines / "a.png").write_bytes(encode(noise, "PNG"))
    assert convert(lines, tmp_path / "lmdb", ConvertOptions("lmdb")) == (2, 0)
    assert np.array_equal(open_lines(tmp_path / "lmdb", STRICT)[0].load(), noise)


def test_pages_stay_what_they_are(pages: Path, tmp_path: Path) -> None:
    assert convert(pages, tmp_path / "out", ConvertOptions("pages")) == (1, 0)
    (before,), (after,) = open_pages(pages, STRICT), open_pages(tmp_path / "out", STRICT)
    assert np.array_equal(before.quads, after.quads)
    assert (before.texts, before.complete) == (after.texts, after.complete)
    assert np.array_equal(before.ignore, after.ignore)
    assert after.encoded() == PNG


def test_pages_become_voc(pages: Path, tmp_path: Path) -> None:
    tilted = (pages / "labels.jsonl").read_text().replace("[30, 0]", "[30, 2]")
    (pages / "labels.jsonl").write_text(tilted)
    assert convert(pages, tmp_path / "out", ConvertOptions("voc")) == (1, 0)
    (before,), (after,) = open_pages(pages, STRICT), open_pages(tmp_path / "out", STRICT)
    assert np.array_equal(after.quads.min(1), before.quads.min(1))
    assert np.array_equal(after.quads.max(1), before.quads.max(1))
    assert np.array_equal(after.quads[0], BOX)  # upright
    assert np.array_equal(after.ignore, before.ignore)
    assert after.encoded() == PNG


def test_lines_are_cut_out_of_pages(pages: Path, tmp_path: Path) -> None:
    assert convert(pages, tmp_path / "out", ConvertOptions("lines")) == (2, 0)
    first, second = open_lines(tmp_path / "out", STRICT)
    assert (first.text, second.text) == ("ab", "c")
    assert first.load().shape == (48, 120, 3)  # as high as the recogniser sees it
    joined = ConvertOptions("lmdb", join_words=True)
    assert convert(pages, tmp_path / "joined", joined) == (1, 0)
    assert open_lines(tmp_path / "joined", STRICT)[0].text == "ab c"


def test_a_share_is_held_out(lines: Path, tmp_path: Path) -> None:
    rows = "".join(f"a.png\t{i}\n" for i in range(20))
    (lines / "labels.tsv").write_text(rows, encoding="utf-8")
    assert convert(lines, tmp_path / "a", ConvertOptions("lines", val=0.25)) == (20, 0)
    parts = [[i.text for i in open_lines(tmp_path / "a" / n, STRICT)] for n in ("train", "val")]
    assert [len(part) for part in parts] == [15, 5]
    assert sorted(map(int, parts[0] + parts[1])) == list(range(20))
    convert(lines, tmp_path / "b", ConvertOptions("lines", val=0.25))
    again = [item.text for item in open_lines(tmp_path / "b" / "val", STRICT)]
    assert again == parts[1]
    with pytest.raises(ValueError, match="--val"):
        ConvertOptions("lines", val=1.0)


def test_what_fails_leaves_nothing_behind(lines: Path, pages: Path, tmp_path: Path) -> None:
    (lines / "b.dat").write_bytes(b"broken")
    out = tmp_path / "deep" / "out"
    with pytest.raises(DataError, match=r"labels\.tsv:2"):
        convert(lines, out, ConvertOptions("lines", strict=True))
    assert list((tmp_path / "deep").iterdir()) == []
    assert convert(lines, out, ConvertOptions("lines")) == (1, 1)
    with pytest.raises(DataError, match="exists already"):
        convert(lines, out, ConvertOptions("lines"))
    with pytest.raises(DataError, match="no pages"):
        convert(lines, tmp_path / "x", ConvertOptions("pages"))
    (lines / "a.png").unlink()
    with pytest.raises(DataError, match="nothing that can be converted"):
        convert(lines, tmp_path / "x", ConvertOptions("lines"))


def test_texts_of_two_lines_are_left_out(pages: Path, tmp_path: Path) -> None:
    labels = (pages / "labels.jsonl").read_text(encoding="utf-8").replace('"ab"', '"a\\nb"')
    (pages / "labels.jsonl").write_text(labels, encoding="utf-8")
    assert convert(pages, tmp_path / "out", ConvertOptions("lines")) == (1, 1)


def test_a_good_set_passes(lines: Path, pages: Path) -> None:
    for folder in (lines, pages):
        found = check(folder, CheckOptions())
        assert not found.counts
        assert "nothing is wrong" in report(found)


def test_every_fault_of_lines_is_found(
    lines: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    charset = tmp_path / "charset.txt"
    charset.write_text("0123456789abx你好 ", encoding="utf-8")
    for name, shade in (("c", 0), ("d", 1), ("e", 2), ("f", 200), ("g", 2)):
        (lines / f"{name}.png").write_bytes(wide(shade))
    (lines / "cut.png").write_bytes(wide(3)[:60])
    with (lines / "labels.tsv").open("a", encoding="utf-8") as rows:
        rows.write(f"no tab\ncut.png\tx\nmissing.png\tx\nc.png\t{'01' * 32}\nd.png\t{'0' * 33}\n")
        rows.write("e.png\t鑫a鑫\nf.png\tother\ng.png\t鑫a鑫\n")
    found = check(lines, CheckOptions(charset, workers=2))
    assert found.counts == {
        "rows that cannot be used": 1,
        "unreadable pictures": 2,
        "texts too long for their width": 2,  # 64 characters, or 33 equal ones, in 62 steps
        "texts beyond the charset": 3,
        "pictures that come twice": 1,
        "same pictures with different texts": 1,
    }
    assert found.missing == {"鑫": 4, "o": 1, "t": 1, "h": 1, "e": 1, "r": 1}
    assert found.checked == 9
    assert "labels.tsv:7: " in caplog.text
    assert "needs 65 time steps, its width gives 62" in caplog.text
    assert "the charset lacks 6 characters: 鑫" in report(found)
    with pytest.raises(DataError, match=r"labels\.tsv:3"):
        check(lines, CheckOptions(charset, strict=True))


def test_every_fault_of_pages_is_found(pages: Path) -> None:
    outside = [[90, 0], [99, 0], [99, 9], [90, 9]]
    quads = {"ab": BOX[::-1], "cd": outside, "e" * 40: BOX, "ef": BOX}
    labels = [{"quad": quad, "text": text} for text, quad in quads.items()]
    rows = [
        json.dumps({"image": name, "lines": labels[:n]}) for name, n in (("a.png", 4), ("b.png", 0))
    ]
    (pages / "b.png").write_bytes(PNG)
    (pages / "labels.jsonl").write_text("\n".join(rows), encoding="utf-8")
    assert check(pages, CheckOptions()).counts == {
        "quads outside": 1,
        "rows that cannot be used": 1,
        "texts too long for their width": 1,
        "pictures that come twice": 1,
    }


def test_an_empty_set_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "labels.tsv").write_text("\n", encoding="utf-8")
    assert main(["data", "check", str(tmp_path)]) == 1
    assert "1 sets without a row that can be used" in capsys.readouterr().out


def test_stats_count_each_set(lines: Path, pages: Path, tmp_path: Path) -> None:
    found = {part.name: part for part in stats(tmp_path, StatsOptions())}
    assert set(found) == {"lines", "pages"}
    assert found["lines"].characters == {"你": 1, "好": 1, " ": 1, "a": 1, "x": 1}
    assert found["lines"].lengths.tolist() == [4, 1]
    assert found["lines"].sizes.tolist() == [[120, 24], [40, 24]]
    assert found["pages"].sizes.tolist() == [[30, 12], [8, 12]]
    assert found["lines"].covered(Charset("你好a ")) == 0.8
    total = together(list(found.values()))
    assert (total.pictures, total.lines, total.lengths.tolist()) == (3, 4, [4, 1, 2, 1])
    assert len(stats(lines, StatsOptions(measured=1))[0].sizes) == 1


def test_plots_show_something(lines: Path, tmp_path: Path) -> None:
    total = together(stats(lines, StatsOptions()))
    files = write_plots(total, Charset("你好a"), tmp_path / "out")
    assert [file.name for file in files] == [
        "widths.png",
        "lengths.png",
        "characters.png",
        "characters.tsv",
    ]
    for file in files[:3]:
        drawn = np.asarray(PIL.Image.open(file).convert("RGB")).reshape(-1, 3)
        blue = (np.abs(drawn - np.array([0x33, 0x63, 0x8D])).max(1) < 8).sum()
        assert blue > 20
    rows = files[3].read_text(encoding="utf-8").splitlines()
    assert rows[1:] == ["a\t1\t", "x\t1\tmissing", "你\t1\t", "好\t1\t"]


def test_the_command(
    lines: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    assert main(["data", "convert", str(lines), str(out), "--to", "lmdb"]) == 0
    assert "2 written, 0 rows left out" in capsys.readouterr().err
    assert main(["data", "check", str(out)]) == 0
    assert main(["data", "stats", str(tmp_path)]) == 0
    assert "lines" in capsys.readouterr().out
    (lines / "a.png").unlink()
    assert main(["data", "check", str(lines)]) == 1
    assert "1 unreadable pictures" in capsys.readouterr().out
    assert main(["data", "convert", str(lines), str(tmp_path / "b"), "--to", "lines"]) == 1
    assert main(["data", "check", str(lines / "none")]) == 1
    assert main(["data", "convert", str(lines), str(tmp_path / "c"), "--to", "tfrecord"]) == 2
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["data", "stats", str(lines), "--out", str(tmp_path / "plots")]) == 1
    assert "[train]'" in capsys.readouterr().err
