"""Synthetic lines and pages: deterministic, readable, and labelled where the ink is."""

from __future__ import annotations

import unicodedata
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("fontTools")

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from shizi.data import read_lines, read_pages
from shizi.errors import DataError
from shizi.synth import (
    PageLine,
    SynthLineOptions,
    SynthPageOptions,
    World,
    build_world,
    line_samples,
    page_samples,
    render_line,
    render_page,
    write,
    write_lines,
    write_pages,
)
from shizi.synth import pages as pages_module
from shizi.synth.chance import weighted
from shizi.synth.looks import LOOKS
from shizi.synth.paint import backgrounds as bg
from shizi.synth.paint.fonts import Face, load_faces
from shizi.synth.paint.ink import Ink, draw_text
from shizi.synth.wording.text import KINDS, stackable

KINDS_OF_PAGE = ("document", "screen", "overlay", "scene", "subtitle", "blank")


def test_line_depends_on_seed_and_index_only(options: SynthLineOptions, world: World) -> None:
    stream = line_samples(options, 5)
    first = [next(stream) for _ in range(6)]
    again = [render_line(world, options, 5, i) for i in reversed(range(6))][::-1]
    for a, b in zip(first, again, strict=True):
        assert a.text == b.text
        np.testing.assert_array_equal(a.image, b.image)
    assert len({s.text for s in first}) > 1
    other = render_line(world, options, 6, 0)
    assert other.image.shape != first[0].image.shape or (other.image != first[0].image).any()


def test_page_depends_on_seed_and_index_only(page_options: SynthPageOptions, world: World) -> None:
    stream = page_samples(page_options, 3)
    first = [next(stream) for _ in range(2)]
    for i in (1, 0):
        again = render_page(world, page_options, 3, i)
        np.testing.assert_array_equal(first[i].image, again.image)
        assert [x.text for x in first[i].lines] == [x.text for x in again.lines]


@pytest.mark.parametrize("look", list(LOOKS))
def test_line_crops_are_well_formed(sources: dict[str, object], world: World, look: str) -> None:
    chosen = SynthLineOptions(**sources, **{name: float(name == look) for name in LOOKS})  # type: ignore[arg-type]
    for i in range(12):
        sample = render_line(world, chosen, 1, i)
        height, width, channels = sample.image.shape
        assert sample.image.dtype == np.uint8
        assert channels == 3
        assert 10 <= height <= 64
        assert 8 <= width <= 1400
        assert sample.text == unicodedata.normalize("NFC", " ".join(sample.text.split()))
        assert sample.text
        assert set(sample.text) <= set(world.texts.chars) | {" "}
        assert sample.image.std() > 5, "an empty crop"


@pytest.mark.parametrize("kind", [*KINDS, "uniform"])
def test_texts_hold_only_characters_of_the_charset(world: World, kind: str) -> None:
    rng = np.random.default_rng(1)
    texts = [world.texts.make(rng, kind, "甲乙丙丁") for _ in range(40)]
    assert set("".join(texts)) <= world.texts.allowed | {" "}
    assert all(t == t.strip() and "  " not in t for t in texts)
    assert len(set(texts)) > 4


def test_a_phrase_can_be_written_by_its_face(world: World) -> None:
    rng = np.random.default_rng(2)
    for kind in ("uniform", "sentence", "diacritics", "punctuation") * 10:
        text, used = world.phrase(rng, kind, ("song", "hei", "kai"))
        assert text
        assert used.covers(text)


def test_no_glyph_is_blank_or_a_box(world: World) -> None:
    for families in world.book.han.values():
        for family in families:
            used = family[0]
            box = draw_text("\U000f1234", used, 24).mask  # private use: what a missing glyph shows
            chars = used.keep(world.texts.chars.replace(" ", ""))[::97]
            assert len(chars) > 30
            for char in chars:
                mask = draw_text(char, used, 24).mask
                assert mask.max() > 60, f"{used.name}: blank {char!r}"
                same = mask.shape == box.shape and bool((mask == box).all())
                assert not same, f"{used.name}: box for {char!r}"


def test_a_blank_or_shared_glyph_is_not_covered(tmp_path: Path) -> None:
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((900, 0))
    pen.lineTo((900, 900))
    pen.closePath()
    outline, empty = pen.glyph(), TTGlyphPen(None).glyph()
    letters = {ord("A") + i: f"l{i}" for i in range(26)} | {
        ord("a") + i: f"s{i}" for i in range(60)
    }
    han = {0x4E00 + i: "tofu" for i in range(600)} | {0x6000 + i: f"h{i}" for i in range(600)}
    cmap = {**letters, **han, 0x5FFF: "blank"}
    names = [".notdef", "blank", *sorted(set(cmap.values()) - {"blank"})]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(cmap)
    builder.setupGlyf({n: empty if n in (".notdef", "blank") else outline for n in names})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Test", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "test.ttf")
    (made,) = load_faces([tmp_path / "test.ttf"], need_han=False)
    assert made.covers(chr(0x6000))
    assert not made.covers(chr(0x5FFF))
    assert not made.covers(chr(0x4E00))
    assert made.keep(chr(0x4E01) + "A" + chr(0x5FFF) + chr(0x6001)) == "A" + chr(0x6001)


@pytest.mark.parametrize("kind", KINDS_OF_PAGE)
def test_pages_show_text_where_they_say(
    sources: dict[str, object], world: World, kind: str
) -> None:
    weights = {name: float(name == kind) for name in KINDS_OF_PAGE}
    chosen = SynthPageOptions(**sources, **weights, shortest=320, longest=600)  # type: ignore[arg-type]
    seen = faint = 0
    for i in range(5):
        page = render_page(world, chosen, 2, i)
        height, width = page.image.shape[:2]
        grey = cv2.cvtColor(page.image, cv2.COLOR_RGB2GRAY)
        for line in page.lines:
            assert line.quad.shape == (4, 2)
            assert line.quad.min() >= -0.01
            assert (line.quad.max(0) <= (width + 0.01, height + 0.01)).all()
            a, b, c = line.quad[:3]
            assert np.cross(np.append(b - a, 0), np.append(c - b, 0))[2] > 0, "not clockwise"
            if not line.ignore:
                seen += 1
                faint += _contrast(grey, line.quad) < 10
    assert (seen == 0) == (kind == "blank")
    assert faint <= 0.1 * seen


def _contrast(grey: NDArray[np.uint8], quad: NDArray[np.float32]) -> float:
    """Difference between bright and dark pixels inside a quad."""
    mask = np.zeros(grey.shape, np.uint8)
    cv2.fillPoly(mask, [quad.round().astype(np.int32)], 1)
    inside = grey[mask > 0]
    return float(np.percentile(inside, 95) - np.percentile(inside, 5)) if len(inside) else 0.0


@given(st.integers(-200, 400), st.integers(-200, 400), st.integers(4, 200), st.integers(2, 60))
@settings(max_examples=60)
def test_clipped_lines_lie_inside(x: int, y: int, width: int, height: int) -> None:
    corners = [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]
    line = pages_module.clipped(PageLine(np.array(corners, np.float32), "字"), 240, 320)
    across = max(0, min(x + width, 320) - max(x, 0)) * max(0, min(y + height, 240) - max(y, 0))
    seen = across / (width * height)
    if line is None:
        assert seen < 0.31
    else:
        assert line.quad.min() >= 0
        assert (line.quad <= (320, 240)).all()
        assert line.ignore == (min(width, height) < 8 or seen < 0.75 or _cut_small(line.quad))


def _cut_small(quad: NDArray[np.float32]) -> bool:
    return bool(np.ptp(quad, axis=0).min() < 8)


def test_lines_are_written_and_resumed(
    options: SynthLineOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "SHARD", 4)
    write_lines(options, tmp_path, 10, seed=1)
    items = read_lines(tmp_path)
    assert len(items) == 10
    assert all(cv2.imread(str(item.path)) is not None for item in items)
    before = (tmp_path / "labels.tsv").read_bytes()
    kept, lost = sorted((tmp_path / "parts").iterdir())[:2]
    stamp = kept.stat().st_mtime_ns
    lost.unlink()
    (tmp_path / "labels.tsv").unlink()
    write_lines(options, tmp_path, 10, seed=1)
    assert (tmp_path / "labels.tsv").read_bytes() == before
    assert kept.stat().st_mtime_ns == stamp
    with pytest.raises(DataError, match="another folder"):
        write_lines(options, tmp_path, 10, seed=2)


def test_workers_write_what_one_process_writes(
    options: SynthLineOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "SHARD", 3)
    write_lines(options, tmp_path / "one", 6, seed=4)
    write_lines(options, tmp_path / "two", 6, seed=4, workers=2)
    for name in ("labels.tsv", "images/000/000005.jpg"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_pages_are_read_back(page_options: SynthPageOptions, world: World, tmp_path: Path) -> None:
    write_pages(page_options, tmp_path, 2, seed=1)
    items = read_pages(tmp_path)
    assert len(items) == 2
    for i, item in enumerate(items):
        sample = render_page(world, page_options, 1, i)
        assert item.texts == tuple(line.text for line in sample.lines)
        quads = np.array([line.quad for line in sample.lines], np.float32).reshape(-1, 4, 2)
        np.testing.assert_allclose(item.quads, quads, atol=0.06)
        assert list(item.ignore) == [line.ignore for line in sample.lines]


def test_wrong_sources_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fonts-noto-cjk"):
        build_world(SynthLineOptions(system_fonts=False, fonts=(tmp_path,)))
    with pytest.raises(DataError, match="background folder"):
        bg.load_folder(tmp_path)


def test_weights_decide() -> None:
    rng = np.random.default_rng(0)
    drawn = [weighted(rng, {"a": 3.0, "b": 0.0, "c": 1.0}) for _ in range(400)]
    assert "b" not in drawn
    assert 240 < drawn.count("a") < 360


@pytest.mark.parametrize("kind", [SynthLineOptions, SynthPageOptions])
def test_every_option_is_explained(kind: type[SynthLineOptions] | type[SynthPageOptions]) -> None:
    assert all(f.metadata.get("help") for f in fields(kind))


def test_chat_colours_change_after_the_name(face: Face) -> None:
    from shizi.synth.looks import chat_colours

    ink: Ink = draw_text("小明：你好", face, 20)
    rows = [chat_colours(np.random.default_rng(i), ink) for i in range(30)]
    cut = int(ink.edges[3])
    changed = [bool((row[0, cut] != row[0, cut - 1]).any()) for row in rows]
    assert any(changed)
    assert all((row[0, 0] == row[0, cut - 1]).all() for row in rows)


def test_a_string_may_be_drawn_as_it_stands(sources: dict[str, object], world: World) -> None:
    whole = SynthLineOptions(**sources, latin=0, whole=1, emoji=0, column=0)  # type: ignore[arg-type]
    said = ("3 + 5 = 8 - 0", "净重500㎎")
    told = replace(world, texts=replace(world.texts, strings=(said,)))
    assert {render_line(told, whole, 2, i).text for i in range(20)} == set(said)


def test_columns_are_laid_out_as_they_are_read(sources: dict[str, object], world: World) -> None:
    only = SynthLineOptions(**sources, column=1, emoji=0, latin=0)  # type: ignore[arg-type]
    samples = [render_line(world, only, 8, i) for i in range(30)]
    columns = [s for s in samples if s.text == stackable(s.text)]
    assert len(columns) > 20
    cells = [s.image.shape[1] / s.image.shape[0] / len(s.text) for s in columns]
    assert np.median(cells) == pytest.approx(1, abs=0.02), "a square for each character"
