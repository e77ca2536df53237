"""Fine-tuning of the recogniser: learn few lines of one's own, read all others as before."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from shizi.charset import Charset
from shizi.data import BadRows, LineItem, Lines, open_lines
from shizi.engine import Session
from shizi.errors import DataError
from shizi.nets.torch.crnn import CRNN, VGGCRNN
from shizi.page import Image
from shizi.synth import LineSample, SynthLineOptions, build_world, render_line
from shizi.train.loop.stream import index_at, rng_at
from shizi.train.losses.torch import ctc_loss
from shizi.train.options import CRNNOptions
from shizi.train.tasks.crnn import CRNNTask, Crop

DRAWN_SEED = 2_000_001
"""Of the lines that are drawn on the fly."""

LINES = SynthLineOptions()
"""What they look like."""

GUARD = 200
"""Lines that are not learnt but tell whether the net still reads them."""


class KnownCrop(NamedTuple):
    """A fitted line that is to be read as before."""

    image: Image  # (height, W, 3)

    @property
    def width(self) -> int:
        """Width of the picture, pixels."""
        return int(self.image.shape[1])


class TuneBatch(NamedTuple):
    """Crops of one width: first those to learn, then those to read as before."""

    images: NDArray[np.uint8]  # (N, height, W, 3)
    labels: list[list[int]]  # of the first of them


@dataclass(frozen=True)
class DrawnLine(LineSample):
    """A synthetic line, as an item of a set."""

    def load(self) -> Image:
        """Return the picture, RGB (H, W, 3)."""
        return self.image


@dataclass(frozen=True)
class DrawnLines:
    """An endless-looking set of synthetic lines.

    Attributes:
        seed: of the set.
        options: what they look like; by default in the fonts of this system.
    """

    seed: int
    options: SynthLineOptions = LINES

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: int) -> DrawnLine:
        made = render_line(build_world(self.options), self.options, self.seed, index)
        return DrawnLine(made.image, made.text)


class TuneTask:
    """CTC on one's own lines; on known ones, regression onto what the first net made of them.

    Every other sample is a known line: learning without forgetting (Li & Hoiem 2016), with
    known lines at hand, and measured where the classifier looks, for its known rows stay as
    they are.

    Args:
        net: with its first weights.
        charset: what it spells with.
        options: of the data.
        known: rows of the classifier that stay; the others are new.

    Raises:
        DataError: there is nothing to learn or to validate on.
    """

    metric = CRNNTask.metric

    def __init__(
        self, net: CRNN | VGGCRNN, charset: Charset, options: CRNNOptions, known: int
    ) -> None:
        if not options.val:
            raise DataError("stage tune keeps what validates best: add --val with lines of yours")
        self.net = net
        self._anchor, self._way, self._rows = options.anchor, options.way, known
        self._own = CRNNTask(net, charset, options)
        self._known, guard = known_lines(options, charset.chars[known - 1 :])
        labelled = [(item.load(), item.text) for item in guard if item.text]
        if labelled:
            self._own.validate_on("known", labelled)
        self._first = copy.deepcopy(net).eval().requires_grad_(False)
        hold(net.classify, torch.arange(len(net.classify.weight)) < known)

    def __len__(self) -> int:
        return 2 * len(self._own)

    def sample(self, seed: int, position: int) -> Crop | KnownCrop:
        """See :class:`shizi.train.loop.stream.Sampler`."""
        place, known = divmod(position, 2)
        if not known:
            return self._own.crop(seed, place)
        image = self._known[index_at(len(self._known), seed, place)].load()
        return KnownCrop(self._own.fitted(image, rng_at(seed, position)))

    def group(self, sample: Crop | KnownCrop) -> tuple[int, int]:
        """Batch by width."""
        return self._own.batched(sample.width)

    def collate(self, samples: list[Crop | KnownCrop]) -> TuneBatch:
        """Stack samples of one width."""
        own = [s for s in samples if isinstance(s, Crop)]
        known = [s for s in samples if isinstance(s, KnownCrop)]
        images = [s.image for s in own] + [s.image for s in known]
        return TuneBatch(np.stack(images), [s.label for s in own])

    def refuse(self, error: DataError) -> None:
        """See :class:`shizi.train.loop.stream.Sampler`."""
        self._own.refuse(error)

    def loss(self, batch: TuneBatch, device: torch.device) -> dict[str, Tensor]:
        """CTC; on known lines squared distance to what the classifier saw at first, and quiet.

        Quiet: the negative log likelihood that a line shows none of the new characters, without
        which their rows, that see few lines, would speak on any other.
        """
        images = torch.from_numpy(batch.images).to(device)
        count = len(batch.labels)
        seen = self.net.encode(images)  # (N, T, E)
        ctc = anchor = quiet = seen.new_zeros(())
        if count:
            ctc = ctc_loss(self.net.classify(seen[:count]), batch.labels)
        if count < len(seen):
            with torch.no_grad():
                first = self._first.to(device).encode(images[count:])
            anchor = F.mse_loss(seen[count:].float(), first.float())
            said = self.net.classify(seen[count:].detach()).float()  # (N, T, K)
            old = torch.logsumexp(said[..., : self._rows], 2)
            quiet = (torch.logsumexp(said, 2) - old).sum(1).mean()
        return {"ctc": ctc, "anchor": self._anchor * anchor, "quiet": quiet}

    def between(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """The way from the first weights to these, as far as is asked for.

        Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", section 3. New rows of the
        classifier have no first weights that say anything, and go all the way.
        """
        first = {k: v.to(state[k].device) for k, v in self._first.state_dict().items()}
        mixed = {
            k: torch.lerp(first[k], v, self._way) if v.is_floating_point() else v
            for k, v in state.items()
        }
        for key in ("classify.weight", "classify.bias"):
            mixed[key] = torch.cat([mixed[key][: self._rows], state[key][self._rows :]])
        return mixed

    def figures(self, session: Session) -> dict[str, float]:
        """Those of :class:`CRNNTask`, with the known lines as one more set."""
        return self._own.figures(session)

    def picture(self, session: Session) -> Image | None:
        """Validation lines, what they say and what the net reads."""
        return self._own.picture(session)


def known_lines(
    options: CRNNOptions, new: str = ""
) -> tuple[Lines | DrawnLines, Sequence[LineItem | DrawnLine]]:
    """Return lines to be read as before, and others to see whether they are.

    A line whose label has one of the ``new`` characters is none that was read before.
    """
    if not options.replay:
        guard = DrawnLines(DRAWN_SEED + 1)
        return DrawnLines(DRAWN_SEED), [guard[i] for i in range(GUARD)]
    bad = BadRows(options.strict)
    lines = Lines.joined(open_lines(path, bad) for path in options.replay)
    lines = lines.take(i for i, text in enumerate(lines.texts()) if not set(new) & set(text))
    count = min(GUARD, len(lines) // 2)
    if not count:
        raise DataError("--replay holds no lines to be read as before; name a line set")
    return lines[count:], lines[:count]


def hold(layer: nn.Linear, rows: Tensor) -> None:
    """Give some rows of a classifier, bool (K,), no gradient."""

    def kept(gradient: Tensor) -> Tensor:
        held = rows.to(gradient.device)
        return gradient.masked_fill(held if gradient.ndim == 1 else held[:, None], 0.0)

    layer.weight.register_hook(kept)
    layer.bias.register_hook(kept)
