"""How well quads fit each other."""

from __future__ import annotations

from shizi.geometry import Array, area, intersection


def quad_iou(a: Array, b: Array) -> float:
    """IoU of two convex quads (4, 2)."""
    inter = intersection(a, b)
    union = float(area(a)) + float(area(b)) - inter
    return float(inter / union) if union > 1e-9 else 0.0
