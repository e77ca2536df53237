"""Pictures of validation samples: what is written on them can be read."""

from __future__ import annotations

import numpy as np

from shizi.train import show


def test_texts_beside_a_line_are_whole() -> None:
    """Nothing is cut off: no ink touches the edges of the two halves."""
    crop = np.zeros((48, 400, 3), np.uint8)
    for truth, read in (("gjpqy_字", ""), ("", "gjpqy_字")):
        sheet = show.read_line(crop, truth, read)
        ink = (sheet[:, sheet.shape[1] // 2 :] < 255).any((1, 2))  # (H,)
        half = len(ink) // 2
        assert ink.any()
        assert not ink[[0, half - 1, half, -1]].any()


def test_pictures_of_many_sizes_lie_on_one_sheet() -> None:
    sheet = show.grid([np.zeros((h, w, 3), np.uint8) for h, w in ((4, 9), (6, 2), (3, 3))], 2, 1)
    assert sheet.shape == (11, 13, 3)
    assert int((sheet == 0).all(-1).sum()) == 4 * 9 + 6 * 2 + 3 * 3
