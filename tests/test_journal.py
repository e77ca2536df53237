"""What was read is kept line by line, and nothing that is not shizi's is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pictures import SAMPLE

from shizi.errors import DataError
from shizi.images.load import Picture
from shizi.journal import Journal
from shizi.page import Line, Page, Quad

QUAD = Quad(((0.0, 0.0), (9.0, 0.0), (9.0, 5.0), (0.0, 5.0)))


def picture(name: str, shade: int = 0) -> Picture:
    return Picture(name, np.ascontiguousarray(SAMPLE + np.uint8(shade)))


def page(name: str) -> Page:
    return Page(name, 40, 24, lines=(Line(QUAD, "识字", 0.9),), number=3, dpi=200.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A journal of two pages, not done."""
    journal = Journal(tmp_path / "x.pages", "as usual", resume=False)
    for name in ("a", "b\udcff"):
        journal.add(picture(name), page(name))
    journal.close(done=False)
    return journal.path


def test_pages_are_found_by_name_and_pixels(file: Path) -> None:
    journal = Journal(file, "as usual", resume=True)
    assert len(journal) == 2
    assert journal.find(picture("a")) == page("a") == journal.page("a")
    assert journal.find(picture("b\udcff")) == page("b\udcff")
    assert journal.find(picture("a", shade=1)) is None
    assert journal.find(picture("c")) is None
    journal.add(picture("a", shade=1), page("a"))
    assert journal.find(picture("a", shade=1)) == page("a")
    journal.close(done=True)
    assert not file.exists()


def test_a_line_that_was_cut_off_is_read_again(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])
    journal = Journal(file, "as usual", resume=True)
    assert len(journal) == 1
    journal.add(picture("c"), page("c"))
    journal.close(done=False)
    journal = Journal(file, "as usual", resume=True)
    assert journal.find(picture("a")) == page("a")
    assert journal.find(picture("c")) == page("c")
    journal.close(done=True)


def test_a_cut_header_is_an_empty_journal(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:8])
    journal = Journal(file, "as usual", resume=True)
    assert len(journal) == 0
    journal.close(done=False)
    assert not file.exists()


def test_starting_anew_forgets(file: Path) -> None:
    journal = Journal(file, "as usual", resume=False)
    assert journal.find(picture("a")) is None
    journal.close(done=True)


def test_other_settings_and_other_files_are_left_alone(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(DataError, match="with other options"):
        Journal(file, "otherwise", resume=True)
    assert file.read_bytes() == before
    file.write_text("my diary")
    for resume in (True, False):
        with pytest.raises(DataError, match="not written by shizi"):
            Journal(file, "as usual", resume=resume)
    assert file.read_text() == "my diary"


def test_only_its_owner_may_read_it(file: Path) -> None:
    assert file.stat().st_mode & 0o777 == 0o600
