"""Who is who: one identity for a nickname however it was read.

Two readings are one nickname when they fold to the same text, or when what is left to
differ between them is little enough for a reader's error and too much for a coincidence.
Digits never make up for digits: user 1234 is not user 1235.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from rapidfuzz.distance import Levenshtein

from shizi.live.lookalikes import blur, fold

_ALIKE_FROM = 2.5
"""Weight of a name from which alike shapes (王 玉) pass for one another; 小王 is not 小玉."""
_EDIT_FROM = 4.5
"""Weight of a name from which one character may be wrong, missing or too many."""
_FAR_LEVELS = 1
"""Levels further apart than this speak against an edit; levels rise slowly."""


class Names:
    """The nicknames seen so far and whose they are.

    An index of each name with one character left out (SymSpell, Garbe 2012) finds every name
    within one edit without a look at the others, so a hundred thousand viewers cost no more
    per name than ten.

    Args:
        salt: key of the identities; without it nobody can tell a nickname from an identity.
    """

    def __init__(self, salt: str = "") -> None:
        self._salt = salt.encode()
        self._alias: dict[str, str] = {}  # folded name -> viewer
        self._aliases: dict[str, list[str]] = {}  # viewer -> folded names
        self._folded: dict[str, str] = {}  # viewer -> the folded name it was first seen by
        self._level: dict[str, int] = {}
        # Keys are hashes of what is left of a name; collisions fall out in `_distance`.
        self._index: dict[int, tuple[str, ...]] = {}

    def __len__(self) -> int:
        """Number of viewers known."""
        return len(self._folded)

    def resolve(self, name: str, level: int | None) -> str:
        """Return the viewer whose nickname this is, a new one where nobody fits.

        Args:
            name: as read, not empty.
            level: on the badge, if seen.

        Returns:
            A stable identity: the same name gives the same one in every room and run.
        """
        key = _key(name, level)
        viewer = self._alias.get(key) or self._nearest(key, level) or self._keyed(key)
        self._note(viewer, key, level)
        return viewer

    def identity(self, name: str) -> str:
        """Return the identity that a name has by itself, without a look at its neighbours."""
        return self._keyed(_key(name, None))

    def learn(self, viewer: str, name: str, level: int | None) -> None:
        """Take over a decision made earlier."""
        self._note(viewer, _key(name, level), level)

    def forget(self, viewer: str) -> None:
        """Drop a viewer and all its names."""
        for key in self._aliases.pop(viewer, ()):
            del self._alias[key]
        self._level.pop(viewer, None)
        for part in _parts(self._folded.pop(viewer, "")):
            left = tuple(v for v in self._index.get(part, ()) if v != viewer)
            if left:
                self._index[part] = left
            else:
                self._index.pop(part, None)

    def _note(self, viewer: str, key: str, level: int | None) -> None:
        if viewer not in self._folded:
            self._folded[viewer] = key
            for part in _parts(key):
                self._index[part] = (*self._index.get(part, ()), viewer)
        if key not in self._alias:
            self._alias[key] = viewer
            self._aliases.setdefault(viewer, []).append(key)
        if level is not None:
            self._level[viewer] = level

    def _nearest(self, key: str, level: int | None) -> str | None:
        """The one viewer whose name is nearest and near enough; None when two are as near."""
        found: dict[str, float] = {}
        for part in _parts(key):
            for viewer in self._index.get(part, ()):
                if viewer not in found:
                    found[viewer] = self._distance(key, level, viewer)
        near = sorted((d, v) for v, d in found.items() if d <= 1.0)
        if not near or (len(near) > 1 and near[1][0] == near[0][0]):
            return None
        return near[0][1]

    def _distance(self, key: str, level: int | None, viewer: str) -> float:
        """0.25 for signs, 0.5 for alike shapes, 1 for an edit; infinite when that is no error."""
        other = self._folded[viewer]
        one, two = blur(key), blur(other)
        weight = min(_weight(one), _weight(two))
        if one == two:
            if _letters(key) == _letters(other):
                return 0.25
            return 0.5 if weight >= _ALIKE_FROM else float("inf")
        known = self._level.get(viewer)
        apart = level is not None and known is not None and abs(level - known) > _FAR_LEVELS
        if apart or weight < _EDIT_FROM or _digits(one) != _digits(two):
            return float("inf")
        return 1.0 if Levenshtein.distance(one, two, score_cutoff=1) == 1 else float("inf")

    def _keyed(self, key: str) -> str:
        return "v" + hmac.new(self._salt, key.encode(), sha256).hexdigest()[:15]


def masked(name: str) -> bool:
    """Whether the platform hides part of a name: 张***, 小仙女…"""
    return "*" in name or "＊" in name or name.endswith(("…", "...", ".."))


def _key(name: str, level: int | None) -> str:
    """What names are compared by. Many share a mask, so the level goes with it."""
    if masked(name):
        return f"*{fold(name)}*{'' if level is None else level}"
    return fold(name)


def _letters(folded: str) -> str:
    return "".join(char for char in folded if char.isalnum()) or folded


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _weight(text: str) -> float:
    """Length, a Latin letter counted half: it tells as much less."""
    return sum(1.0 if char > "\u2e80" else 0.5 for char in text)


def _parts(key: str) -> set[int]:
    """Hashes of the blurred name, and of it with each one character left out."""
    if not key or key[0] == "*":
        return set()  # masked names are compared whole
    name = blur(key)
    parts = {hash(name)}
    if _weight(name) >= _EDIT_FROM - 1.0:  # the other one may be a character longer
        parts |= {hash(name[:i] + name[i + 1 :]) for i in range(len(name))}
    return parts
