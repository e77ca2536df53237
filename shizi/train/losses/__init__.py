"""Losses, the same in both frameworks: each of torch.py has its twin in keras.py."""

SIDE = 2.0
"""An anchor this near to an end of its line learns to refine it, slices: the paper's 32 px."""
