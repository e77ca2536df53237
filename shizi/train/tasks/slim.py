"""Training of a slimmer recogniser: it learns to see what a whole one sees."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from shizi.charset import Charset
from shizi.engine import Session
from shizi.errors import DataError
from shizi.nets.torch.backbone import normalise
from shizi.nets.torch.crnn import CRNN
from shizi.page import Image
from shizi.train.options import CRNNOptions
from shizi.train.prune import prune
from shizi.train.tasks.crnn import CRNNTask, Crop

FITTED = 320
"""Lines on which channels are chosen."""


class Pictures(NamedTuple):
    """Crops of one width."""

    images: NDArray[np.uint8]  # (N, height, W, 3)


class SlimTask:
    """Regression of a pruned net onto the whole one: backbone features and what is classified.

    Labels are not used: any lines do, the more of them the better (Romero et al. 2015,
    "FitNets"). The classifier is the whole net's and stays.

    Args:
        net: the slimmer net, with random weights; it is filled here.
        whole: the net to learn from.
        charset: what both spell with.
        options: of the data.
    """

    metric = CRNNTask.metric

    def __init__(self, net: CRNN, whole: CRNN, charset: Charset, options: CRNNOptions) -> None:
        if options.synth:
            raise DataError("stage slim learns from lines; name some with --data")
        self.net = net
        self._whole = whole.eval().requires_grad_(False)
        self._lines = CRNNTask(net, charset, options)
        for part in ("squeeze", "gru", "embed", "classify"):
            getattr(net, part).load_state_dict(getattr(whole, part).state_dict())
        net.classify.requires_grad_(False)
        crops = [self._lines.crop(0, p).image for p in range(min(FITTED, len(self._lines)))]
        inputs = [normalise(torch.from_numpy(c[None])) for c in crops]
        prune(whole.backbone, net.backbone, inputs)
        features = torch.cat([self._whole.features(torch.from_numpy(c[None]))[0] for c in crops])
        self._scale = features.var(0).mean()

    def __len__(self) -> int:
        return len(self._lines)

    def sample(self, seed: int, position: int) -> Crop:
        """See :class:`shizi.train.loop.stream.Sampler`."""
        return self._lines.crop(seed, position)

    def group(self, sample: Crop) -> tuple[int, int]:
        """Batch by width."""
        return self._lines.batched(sample.width)

    def collate(self, samples: list[Crop]) -> Pictures:
        """Stack samples of one width."""
        return Pictures(np.stack([s.image for s in samples]))

    def refuse(self, error: DataError) -> None:
        """See :class:`shizi.train.loop.stream.Sampler`."""
        self._lines.refuse(error)

    def loss(self, batch: Pictures, device: torch.device) -> dict[str, Tensor]:
        """Squared distances to what the whole net sees, by its own variance, and to its neck."""
        images = torch.from_numpy(batch.images).to(device)
        whole = self._whole.to(device)
        with torch.no_grad():
            wanted = whole.features(images)  # (N, T, C)
            neck = whole.neck(wanted)  # (N, T, E)
        seen = self.net.features(images)
        features = F.mse_loss(seen.float(), wanted.float()) / self._scale.to(device)
        return {
            "features": features,
            "neck": F.mse_loss(self.net.neck(seen).float(), neck.float()),
        }

    def figures(self, session: Session) -> dict[str, float]:
        """Those of :class:`CRNNTask`."""
        return self._lines.figures(session)

    def picture(self, session: Session) -> Image | None:
        """Validation lines, what they say and what the net reads."""
        return self._lines.picture(session)
