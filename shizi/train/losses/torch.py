"""The losses of PyTorch training, and what makes CTC cheap where classes are many.

``keras.py`` beside this holds the same numbers in Keras.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shizi.charset import BLANK
from shizi.train.losses import BETA, SIDE
from shizi.train.targets import NEAR

MANY = 2048
"""More classes than these are not all looked at in every step."""

ALIKE = 6
"""Classes like a labelled one that it has to win against."""

OTHERS = 768
"""Classes drawn at random that stand for all the rest."""


def ctc_loss(logits: Tensor, labels: list[list[int]]) -> Tensor:
    """Mean CTC loss a character (Graves et al. 2006, section 4.1), blank 0.

    The forward recursion runs over the label's own classes only, so with thousands of
    characters it costs a fraction of ``torch.nn.functional.ctc_loss``, which it equals.

    Args:
        logits: shape (N, T, K).
        labels: N lists of class ids; a label that does not fit into T counts as zero.
    """
    n, steps, _ = logits.shape
    device = logits.device
    longest = max(1, *(len(label) for label in labels))
    states = torch.full((n, 2 * longest + 1), BLANK, device=device)  # blank c1 blank c2 … blank
    for row, label in zip(states, labels, strict=True):
        row[1 : 2 * len(label) : 2] = torch.tensor(label, dtype=torch.long, device=device)
    skips = torch.zeros_like(states, dtype=torch.bool)
    skips[:, 2:] = (states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])
    chosen = logits.gather(2, states[:, None].expand(-1, steps, -1)).float()  # (N, T, S)
    log_probs = chosen - torch.logsumexp(logits.float(), 2, keepdim=True)
    least = torch.full((n, 1), -1e30, device=device)
    alpha = torch.full(states.shape, -1e30, device=device)
    alpha = torch.cat([log_probs[:, 0, :2], alpha[:, 2:]], 1)  # (N, S)
    for t in range(1, steps):
        one = torch.cat([least, alpha[:, :-1]], 1)
        two = torch.cat([least, least, alpha[:, :-2]], 1).masked_fill(~skips, -1e30)
        alpha = torch.logsumexp(torch.stack([alpha, one, two]), 0) + log_probs[:, t]
    lengths = torch.tensor([len(label) for label in labels], device=device)
    ends = torch.stack([2 * lengths, (2 * lengths - 1).clamp(min=0)], 1)
    final = alpha.gather(1, ends)  # (N, 2)
    final = torch.where((lengths == 0)[:, None] & (ends == 0), final - math.log(2), final)
    loss = -torch.logsumexp(final, 1)  # an empty label would count its only state twice
    loss = torch.where(loss > 1e20, torch.zeros_like(loss), loss)  # NaN stays what it is
    return (loss / lengths.clamp(min=1)).mean()


def line_loss(
    output: Tensor, label: Tensor, vertical: Tensor, ends: Tensor, offsets: Tensor
) -> dict[str, Tensor]:
    """Score, vertical coordinates, ends and their offsets (after eq. 5 of the paper).

    Args:
        output: of :class:`CTPN`, shape (N, R, C, K, 7).
        label: and the following, see :class:`Targets`, each with a leading N.
        vertical: centre and log height.
        ends: whether a slice holds the left and the right end of its line.
        offsets: of the line's ends.
    """
    text = label == 1
    count = text.sum().clamp(min=1)
    score = F.binary_cross_entropy_with_logits(output[..., 0], text.float(), reduction="none")
    background = score[label == 0]
    hardest = min(len(background), 3 * int(text.sum()) + 200)
    negative = background.topk(hardest).values.sum() / (max(hardest, 1) / 3)
    at_text = output[text]  # (P, 7)
    end = ends[text]  # (P, 2)
    near = end.bool()
    end_loss = F.binary_cross_entropy_with_logits(
        at_text[:, 3:5], end, pos_weight=torch.full((2,), 3.0, device=output.device)
    )
    offset = F.smooth_l1_loss(at_text[:, 5:7][near], offsets[text][near], beta=0.1, reduction="sum")
    vertical_loss = F.smooth_l1_loss(at_text[:, 1:3], vertical[text], beta=0.1, reduction="sum")
    return {
        "text": score[text].sum() / count + negative,
        "vertical": 2 * vertical_loss / count,
        "ends": end_loss if text.any() else output.sum() * 0,
        "offsets": offset / near.sum().clamp(min=1),
    }


def paper_loss(
    heads: Tensor, label: Tensor, vertical: Tensor, offsets: Tensor
) -> dict[str, Tensor]:
    """Loss as published (eq. 5, lambda 1 and 2) over the anchors that :func:`sample` kept.

    Softmax cross entropy over them; smooth L1 of the vertical coordinates of all that are
    text or NEAR, and of the side refinement of those within SIDE of an end.

    Args:
        heads: of :class:`VGGCTPN`, shape (N, R, C, K, 5).
        label: and the following as in :func:`line_loss`.
        vertical: centre and log height.
        offsets: of the line's ends.
    """
    kept, valid = label >= 0, (label == 1) | (label == NEAR)
    at_text = heads[valid]  # (P, 5)
    both = offsets[valid]  # (P, 2)
    nearer = both.gather(1, both.abs().argmin(1, keepdim=True))[:, 0]  # (P,)
    near = nearer.abs() <= SIDE
    height = F.smooth_l1_loss(at_text[:, 2:4], vertical[valid], beta=BETA, reduction="sum")
    side = F.smooth_l1_loss(at_text[near, 4], nearer[near], beta=BETA, reduction="sum")
    text = F.cross_entropy(heads[kept][:, :2], label[kept].long(), reduction="sum")
    return {
        "text": text / kept.sum().clamp(min=1),
        "vertical": height / valid.sum().clamp(min=1),
        "side": 2 * side / near.sum().clamp(min=1),
    }


class Rivals:
    """The classes that matter to a batch: with thousands, the rest only costs time.

    A label's classes and the blank compete with the classes whose rows are most like theirs, and
    with some drawn at random, weighted so that they stand for all others: importance sampling of
    the normaliser (Bengio & Senecal 2008, section 3).

    Args:
        rows: of the classifier as it begins, (K, E).
    """

    def __init__(self, rows: Tensor) -> None:
        unit = F.normalize(rows.detach().float(), dim=1)
        count = min(ALIKE + 1, len(unit))
        nearest = [(part @ unit.T).topk(count).indices for part in unit.split(1024)]
        self._alike = torch.cat(nearest)  # (K, count), a class itself among them
        self._classes = len(unit)

    def logits(
        self, classify: nn.Linear, seen: Tensor, labels: list[list[int]]
    ) -> tuple[Tensor, list[list[int]]]:
        """Score a batch among the classes that matter.

        Args:
            classify: the classifier, of K classes.
            seen: what it sees, (N, T, E).
            labels: N lists of class ids.

        Returns:
            Logits (N, T, S), class 0 still the blank, and the labels by the S classes' numbers.
        """
        said = torch.tensor(sorted({BLANK, *(c for label in labels for c in label)}))
        near = torch.unique(torch.cat([said, self._alike[said].flatten()]))  # BLANK is the first
        free = torch.ones(self._classes, dtype=torch.bool)
        free[near] = False
        far = torch.randint(self._classes, (OTHERS,))
        far = torch.unique(far[free[far]])
        ids = torch.cat([near, far]).to(seen.device)  # (S,)
        logits = F.linear(seen, classify.weight[ids], classify.bias[ids]).float()
        if len(far):
            rest = math.log((self._classes - len(near)) / len(far))
            logits = logits + F.pad(torch.full((len(far),), rest), (len(near), 0)).to(logits.device)
        place = {int(c): i for i, c in enumerate(near)}
        return logits, [[place[c] for c in label] for label in labels]
