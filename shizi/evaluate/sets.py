"""Labelled sets on disk, and what a comparison of their texts overlooks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

from shizi.crop import cut
from shizi.data import (
    LineItem,
    PageItem,
    find_sets,
    is_pages,
    join_words,
    read_lines,
    read_pages,
)
from shizi.errors import DataError
from shizi.images.load import load
from shizi.options import check_range
from shizi.page import Image
from shizi.scores import TextRules

T = TypeVar("T")

CHATS = "chats.jsonl"
"""File of the labels of screenshots, in their folder."""

DRAWN = "drawn:"
"""What the name of a set begins with that is not on disk."""


@dataclass(frozen=True)
class EvalOptions:
    """What to evaluate on, and what a comparison of texts overlooks.

    Where a rule is not given it follows the references of each set: case is ignored if they
    have no lower-case letter; spaces and widths if a tenth of their characters is Chinese,
    for then they tell of typesetting; 。 is dropped if none of them has it. The table names
    the rules used.

    Attributes:
        data: sets of lines or pages in any form that training reads, folders with chats.jsonl,
            or sets to draw: drawn:doubled, drawn:prices, drawn:code, drawn:pages.
        fonts: folders of Latin fonts for drawn sets, in place of this system's: such as training
            did not see.
        texts: text files for drawn sets, one string a line.
        rows: take all rows of each set, or those with an even or odd number, counted from 0.
        limit: take at most so many pictures of each set; 0: all.
        join_words: join word boxes that continue each other into lines first.
        ignore_case: upper and lower case are equal.
        ignore_spaces: white space is dropped.
        drop: characters dropped.
        fold_width: full-width and half-width forms are equal.
        json: file for the figures, beside the table.
        plot: picture of the true angles by answers, for eval orientation, or of the lines that
            are right by their scores, for eval recognition.
        calibrate: fit what makes scores of probabilities, for eval recognition, and note it on the
            card of the weights that were named.
    """

    data: tuple[Path, ...]
    fonts: tuple[Path, ...] = ()
    texts: tuple[Path, ...] = ()
    rows: Literal["all", "even", "odd"] = "all"
    limit: int = 0
    join_words: bool = False
    ignore_case: bool | None = None
    ignore_spaces: bool | None = None
    drop: str | None = None
    fold_width: bool | None = None
    json: Path | None = None
    plot: Path | None = None
    calibrate: bool = False


@dataclass(frozen=True)
class LiveEvalOptions:
    """What is scored.

    Attributes:
        data: clips whose events are beside them (room.mp4, room.jsonl), folders of such clips, and
            folders of screenshots with chats.jsonl.
        platform: whose wording is expected, as for ``shizi live``.
        threads: CPU threads that read, as for ``shizi live``. 0: all.
        repeat: how often each clip is followed; the fastest time counts, as other programs and
            guests of a machine only ever make it slower.
        mistakes: name every event that was missed, made up or misread.
        json: file for the figures, beside the table.
    """

    data: tuple[Path, ...]
    platform: str = "generic"
    threads: int = 1
    repeat: int = 1
    mistakes: bool = False
    json: Path | None = None

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            ValueError: one is.
        """
        check_range(
            self,
            threads=(0, 1024),
            repeat=(1, 1000),
        )


@dataclass(frozen=True)
class Chat:
    """A screenshot with a chat area.

    Attributes:
        name: of the picture, as its label gives it.
        path: where it is.
        area: left, top, right, bottom, pixels.
        said: user and text of each message, from top to bottom.
    """

    name: str
    path: Path
    area: tuple[float, float, float, float]
    said: tuple[tuple[str, str], ...]

    @property
    def messages(self) -> tuple[str, ...]:
        """Each message as it is read, the user before the text."""
        return tuple(user + text for user, text in self.said)


@dataclass(frozen=True)
class DataSet:
    """One folder's labels. Pages in ``partial`` have text that is not labelled."""

    name: str
    pages: tuple[PageItem, ...] = ()
    lines: tuple[LineItem, ...] = ()
    chats: tuple[Chat, ...] = ()
    partial: tuple[PageItem, ...] = ()

    def screens(self) -> list[PageItem | Chat]:
        """Every picture that can be read from end to end and scored."""
        return [*self.pages, *self.chats]

    def texts(self) -> list[str]:
        """Every reference that counts."""
        pages = (*self.pages, *self.partial)
        found = [t for p in pages for t, skip in zip(p.texts, p.ignore, strict=True) if not skip]
        found += [line.text for line in self.lines]
        return found + [message for chat in self.chats for message in chat.messages]


def load_set(folder: Path, options: EvalOptions) -> DataSet:
    """Read a folder's labels, or draw a set.

    Raises:
        DataError: there are none, or a row is wrong.
        MissingExtraError: a set is to be drawn, and what draws is not installed.
    """
    if str(folder).startswith(DRAWN):
        return _drawn(str(folder), options)
    if (folder / CHATS).exists():
        return DataSet(folder.name, chats=_rows(list(read_chats(folder / CHATS)), options))
    if not all(map(is_pages, find_sets(folder))):
        return DataSet(folder.name, lines=_rows(read_lines(folder), options))
    pages = read_pages(folder)
    if options.join_words:
        pages = [join_words(page) for page in pages]
    kept = _rows(pages, options)
    return DataSet(
        folder.name,
        pages=tuple(page for page in kept if page.complete),
        partial=tuple(page for page in kept if not page.complete),
    )


def _drawn(name: str, options: EvalOptions) -> DataSet:
    from shizi.evaluate.drawn import draw  # needs the synth extra

    found = draw(name.removeprefix(DRAWN), options.fonts, options.texts)
    step = 1 if options.rows == "all" else 2
    items = _rows(list(islice(found, step * options.limit or None)), options)
    return DataSet(
        name,
        pages=tuple(item for item in items if isinstance(item, PageItem)),
        lines=tuple(item for item in items if isinstance(item, LineItem)),
    )


def shown(item: PageItem | Chat) -> Image:
    """Load a page or a screenshot as it is stored, RGB (H, W, 3)."""
    if isinstance(item, PageItem):
        return load(item.encoded(), name=item.name)
    return load(item.path)


def _rows(items: Sequence[T], options: EvalOptions) -> tuple[T, ...]:
    step = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}[options.rows]
    return tuple(items[step][: options.limit or None])


def read_chats(path: Path) -> Iterator[Chat]:
    """Read the labels of screenshots.

    Raises:
        DataError: one is none.
    """
    for number, row in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not row.strip():
            continue
        try:
            data = json.loads(row)
            left, top, right, bottom = map(float, data["chat_rect"])
            said = tuple((str(m["user"]), str(m["text"])) for m in data["messages"])
            name = str(data["image"])
            yield Chat(name, path.parent / name, (left, top, right, bottom), said)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}:{number}: not a chat label ({error})") from error


def rules_for(data: DataSet, options: EvalOptions) -> TextRules:
    """Decide what is overlooked on a set; see :class:`EvalOptions`."""
    text = "".join(data.texts())
    han = sum("\u3400" <= c <= "\u9fff" for c in text)
    chinese = han > 0.1 * len(text)
    found = TextRules(
        ignore_case=any(c.isupper() for c in text) and not any(c.islower() for c in text),
        ignore_spaces=chinese,
        drop="" if "。" in text else "。",
        fold_width=chinese,
    )
    given = {
        name: getattr(options, name)
        for name in ("ignore_case", "ignore_spaces", "drop", "fold_width")
        if getattr(options, name) is not None
    }
    return TextRules(**{**asdict(found), **given})


def crops_of(data: DataSet) -> Iterator[tuple[Image, str]]:
    """Yield line crops and what they say; the lines of pages are cut out by their quads."""
    for line in data.lines:
        yield load(line.encoded(), name=line.name), line.text
    for page in (*data.pages, *data.partial):
        image = shown(page)
        for quad, text, skip in zip(page.quads, page.texts, page.ignore, strict=True):
            if text and not skip:
                yield cut(image, quad), text
