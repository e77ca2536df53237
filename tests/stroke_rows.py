"""Pictures of rows that are strokes and no text, for what follows rows without reading them."""

from __future__ import annotations

import numpy as np

from shizi.page import Image, Quads

HEIGHT, WIDTH, TALL, PITCH = 300, 320, 24, 44


class Drawn:
    """Rows of random strokes, told apart by their seed; finds them as a detector would."""

    def __init__(self, rows: dict[int, int]) -> None:
        self.rows = rows  # number of a row -> its top, pixels
        self.looks = 0

    def image(self, offset: int = 0) -> Image:
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for seed, at in self.rows.items():
            top = at - offset
            strokes = np.random.default_rng(seed % 100).random((TALL // 3, 60)) < 0.4
            row = np.kron(strokes, np.ones((3, 3)))[..., None] * 230  # (TALL, 180, 1)
            first, last = max(0, top), min(HEIGHT, top + TALL)
            if first < last:
                image[first:last, 8:188] = row[first - top : last - top]
        return image

    def detect(self, image: Image) -> Quads:
        self.looks += 1
        inked = np.concatenate([[0], (image[:, 8:188].max((1, 2)) > 150).astype(int), [0]])
        edges = np.flatnonzero(np.diff(inked))
        merged: list[list[int]] = []
        for top, low in zip(edges[::2], edges[1::2], strict=True):
            if merged and top - merged[-1][1] < 6:
                merged[-1][1] = int(low)
            else:
                merged.append([int(top), int(low)])
        scale = image.shape[1] / WIDTH
        boxes = [(8 * scale, t, 188 * scale, b) for t, b in merged if b - t > 8 * scale]
        quads = [[(a, t), (c, t), (c, b), (a, b)] for a, t, c, b in boxes]
        return np.array(quads, np.float32).reshape(-1, 4, 2)
