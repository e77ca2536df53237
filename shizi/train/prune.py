"""A cheaper backbone without training: blocks lose the hidden channels that say least.

Of a block's hidden channels H the ``project`` convolution makes its output, linearly. Which of
them can go, and what the rest must then weigh, is a question of least squares: channels are
dropped one by one, each time the one whose loss the others make good best (the saliency of
Optimal Brain Surgeon, Hassibi & Stork 1993, for a quadratic error), and ``project`` is fitted
anew to what the whole net's block gave. Block by block, each on what the pruned ones before it
make, so that later blocks mend what earlier ones spoil.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shizi.nets.spec import LCNetSpec
from shizi.nets.torch.backbone import LCBlock, LCNet

RIDGE = 1e-4
"""Of the mean diagonal of the channels' second moments: keeps dead channels printable."""

MULTIPLE = 8
"""Channels come in groups that vector units like."""


def pruned_spec(spec: LCNetSpec, share: float) -> LCNetSpec:
    """Return a backbone whose blocks have a share of the hidden channels they had."""
    widths = [spec.blocks[0].width, *(b.width for b in spec.blocks)]
    blocks = tuple(
        replace(b, hidden=max(MULTIPLE, round(share * b.between(w) / MULTIPLE) * MULTIPLE))
        for w, b in zip(widths, spec.blocks, strict=False)
    )
    return replace(spec, blocks=blocks)


@torch.no_grad()
def prune(whole: LCNet, slim: LCNet, inputs: Sequence[Tensor]) -> None:
    """Fill a slimmer net from a whole one.

    Args:
        whole: the net that is copied.
        slim: of the same widths, with fewer hidden channels.
        inputs: batches of normalised pictures, (N, 3, H, W) each.
    """
    slim.stem.load_state_dict(whole.stem.state_dict())
    wanted = [whole.stem(x) for x in inputs]
    given = wanted
    for old, new in zip(whole.blocks, slim.blocks, strict=True):
        assert isinstance(old, LCBlock) and isinstance(new, LCBlock)
        wanted = [old(x) for x in wanted]
        _prune_block(old, new, given, wanted)
        given = [new(x) for x in given]


def _prune_block(
    old: LCBlock, new: LCBlock, given: Sequence[Tensor], wanted: Sequence[Tensor]
) -> None:
    """Choose the hidden channels of one block that stay, and fit ``project`` to what is wanted."""
    new.depthwise.load_state_dict(old.depthwise.state_dict())
    new.excite.load_state_dict(old.excite.state_dict())
    count = len(old.expand.weight)
    gram = torch.zeros(count + 1, count + 1, dtype=torch.float64)  # the last: a constant
    cross = torch.zeros(count + 1, len(old.project.weight), dtype=torch.float64)
    for x, y in zip(given, wanted, strict=True):
        x = old.excite(old.depthwise(x))
        hidden = _rows(F.gelu(old.expand(x)))  # (P, H)
        hidden = F.pad(hidden, (0, 1), value=1.0)
        target = _rows(y - x if old.residual else y)  # (P, O)
        gram += (hidden.T @ hidden).double()
        cross += (hidden.T @ target).double()
    gram += RIDGE * gram.diagonal()[:-1].mean() * torch.eye(count + 1, dtype=torch.float64)
    kept = eliminate(gram, cross, len(new.expand.weight))
    new.expand.weight.copy_(old.expand.weight[kept])
    _bias(new.expand).copy_(_bias(old.expand)[kept])
    rows = torch.cat([kept, torch.tensor([count])])
    fitted = torch.linalg.solve(gram[rows][:, rows], cross[rows])  # (k + 1, O)
    new.project.weight.copy_(fitted[:-1].T[..., None, None])
    _bias(new.project).copy_(fitted[-1])


def eliminate(gram: Tensor, cross: Tensor, keep: int) -> Tensor:
    """Drop channels one by one from a least-squares problem.

    Args:
        gram: second moments of channels and, last, a constant that stays, (H + 1, H + 1).
        cross: of these and the targets, (H + 1, O).
        keep: how many channels stay.

    Returns:
        Their indices, rising, (keep,).
    """
    inverse = torch.linalg.inv(gram)
    weights = inverse @ cross
    left = torch.ones(len(gram), dtype=torch.bool)
    for _ in range(len(gram) - 1 - keep):
        costs = weights.square().sum(1) / inverse.diagonal()
        costs[~left] = torch.inf
        costs[-1] = torch.inf
        worst = int(costs.argmin())
        left[worst] = False
        column = inverse[:, worst] / inverse[worst, worst]  # (H + 1,)
        weights = weights - column[:, None] * weights[worst]
        inverse = inverse - column[:, None] * inverse[worst]
        inverse[worst, worst] = 1.0  # gone: no longer read, and never divides by nothing
    return left[:-1].nonzero()[:, 0]


def _rows(x: Tensor) -> Tensor:
    """Every place of a map (N, C, H, W) a row, (N H W, C)."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias
