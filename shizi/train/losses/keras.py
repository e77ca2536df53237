"""The losses of PyTorch training, in backend-neutral Keras: the same numbers."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from shizi.charset import BLANK
from shizi.train.losses import BETA, SIDE
from shizi.train.targets import NEAR

Tensor = Any
"""A tensor of the backend in use."""

LEAST = -1e30
"""Logarithm of a probability that is nothing; finite, so that gradients are."""


def ctc_loss(labels: Tensor, logits: Tensor) -> Tensor:
    """CTC loss a character of each row (Graves et al. 2006, section 4.1).

    The forward recursion in the log semiring, over the label's own states only.

    Args:
        labels: shape (N, L), class ids, filled up with BLANK.
        logits: shape (N, T, K).

    Returns:
        Shape (N,); zero for a label that does not fit into T.
    """
    labels = ops.cast(labels, "int32")
    lengths = ops.sum(ops.cast(labels != BLANK, "int32"), 1)  # (N,)
    blanks = ops.full_like(labels, BLANK)
    pairs = ops.reshape(ops.stack([blanks, labels], 2), (-1, 2 * ops.shape(labels)[1]))
    states = ops.concatenate([pairs, blanks[:, :1]], 1)  # (N, S): blank c1 blank c2 … blank
    before = ops.pad(states, ((0, 0), (2, 0)), constant_values=BLANK)[:, :-2]
    skips = ops.logical_and(states != BLANK, states != before)
    n, steps, _ = ops.shape(logits)
    chosen = ops.broadcast_to(states[:, None], (n, steps, ops.shape(states)[1]))
    log_probs = ops.take_along_axis(logits, chosen, 2) - ops.logsumexp(logits, 2, keepdims=True)

    def advance(alpha: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        one = ops.pad(alpha, ((0, 0), (1, 0)), constant_values=LEAST)[:, :-1]
        two = ops.pad(alpha, ((0, 0), (2, 0)), constant_values=LEAST)[:, :-2]
        two = ops.where(skips, two, LEAST)
        alpha = ops.logsumexp(ops.stack([alpha, one, two]), 0) + now
        return alpha, alpha

    first = ops.where(ops.arange(ops.shape(states)[1]) == 0, 0.0, LEAST)  # before the first step
    start = ops.zeros_like(log_probs[:, 0]) + first  # (N, S)
    alpha, _ = ops.scan(advance, start, ops.transpose(log_probs, (1, 0, 2)))
    ends = ops.stack([2 * lengths, ops.maximum(2 * lengths - 1, 0)], 1)  # (N, 2)
    final = ops.logsumexp(ops.take_along_axis(alpha, ends, 1), 1)
    final = ops.where(lengths == 0, final - math.log(2), final)  # its only state, counted twice
    loss = ops.where(final <= LEAST / 2, 0.0, -final)  # NaN stays what it is
    return loss / ops.cast(ops.maximum(lengths, 1), loss.dtype)


def line_loss(targets: Tensor, output: Tensor) -> Tensor:
    """Sum of the parts of :func:`shizi.train.losses.torch.line_loss`.

    Args:
        targets: shape (N, R, C, K, 7): label, centre, log height, left and right end, left
            and right offset.
        output: of the default detector, the same shape.
    """
    label = targets[..., 0]
    text = ops.cast(label == 1, output.dtype)  # (N, R, C, K)
    background = label == 0
    texts = ops.sum(text)
    count = ops.maximum(texts, 1.0)
    score = cross_entropy(text, output[..., 0])
    ranked = -ops.sort(-ops.reshape(ops.where(background, score, -1.0), (-1,)))
    backgrounds = ops.sum(ops.cast(background, output.dtype))
    hardest = ops.minimum(backgrounds, 3 * texts + 200)
    kept = ops.cumsum(ops.ones_like(ranked)) <= hardest
    negative = ops.sum(ops.where(kept, ranked, 0.0)) / (ops.maximum(hardest, 1.0) / 3)
    vertical = ops.sum(smooth_l1(targets[..., 1:3] - output[..., 1:3], 0.1) * text[..., None])
    ends = targets[..., 3:5]  # (N, R, C, K, 2)
    near = ends * text[..., None]
    end = cross_entropy(ends, output[..., 3:5]) * (1 + 2 * ends) * text[..., None]
    offset = ops.sum(smooth_l1(targets[..., 5:7] - output[..., 5:7], 0.1) * near)
    return (
        ops.sum(score * text) / count
        + negative
        + 2 * vertical / count
        + ops.sum(end) / (2 * count)
        + offset / ops.maximum(ops.sum(near), 1.0)
    )


def paper_loss(targets: Tensor, output: Tensor) -> Tensor:
    """Sum of the parts of :func:`shizi.train.losses.torch.paper_loss` (Tian et al. 2016, eq. 5).

    Args:
        targets: as in :func:`line_loss`, negative where the anchor was not sampled.
        output: of the published detector, the same shape; its text logit is the difference
            of the paper's two, its offsets are equal.
    """
    label = targets[..., 0]
    kept = ops.cast(label >= 0, output.dtype)
    text = ops.cast(label == 1, output.dtype)  # (N, R, C, K)
    valid = text + ops.cast(label == NEAR, output.dtype)
    left, right = targets[..., 5], targets[..., 6]
    nearer = ops.where(ops.abs(left) <= ops.abs(right), left, right)
    near = valid * ops.cast(ops.abs(nearer) <= SIDE, output.dtype)
    score = ops.sum(cross_entropy(text, output[..., 0]) * kept) / ops.maximum(ops.sum(kept), 1.0)
    vertical = ops.sum(smooth_l1(targets[..., 1:3] - output[..., 1:3], BETA) * valid[..., None])
    side = ops.sum(smooth_l1(nearer - output[..., 5], BETA) * near)
    return (
        score
        + vertical / ops.maximum(ops.sum(valid), 1.0)
        + 2 * side / ops.maximum(ops.sum(near), 1.0)
    )


def cross_entropy(truth: Tensor, logit: Tensor) -> Tensor:
    """Binary cross entropy of each logit."""
    return ops.softplus(logit) - truth * logit


def smooth_l1(difference: Tensor, beta: float) -> Tensor:
    """Smooth L1 (Girshick 2015, eq. 3), quadratic within ``beta``."""
    size = ops.abs(difference)
    return ops.where(size < beta, size * size / (2 * beta), size - beta / 2)
