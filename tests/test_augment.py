"""What chance does to training pictures leaves their labels true."""

from __future__ import annotations

import numpy as np

from shizi.train.tasks.augment import bend


def test_a_bent_line_keeps_its_place() -> None:
    """A quarter of the lines are bent, by no more than a fifth of their height."""
    crop = np.full((40, 200, 3), 255, np.uint8)
    crop[10:30, 60:140] = 0
    bent = [bend(crop, np.random.default_rng(seed)) for seed in range(400)]
    changed = [image for image in bent if not np.array_equal(image, crop)]
    assert 70 < len(changed) < 130
    for image in changed:
        assert image.shape == crop.shape
        assert image.dtype == np.uint8
        assert not image[15:25, 70:130].any()  # ink stays ink
        assert (image[:2, :48] == 255).all()  # and paper paper
    spread = np.std([image.astype(float) for image in changed], axis=0)
    assert spread[:, 52:68].max() > 20  # ends move


def test_bending_is_the_same_for_the_same_chance() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (30, 90, 3), np.uint8)
    first, again = (bend(crop, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first, again)
