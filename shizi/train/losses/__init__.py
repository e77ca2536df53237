"""Losses, the same in both frameworks: each of torch.py has its twin in keras.py."""

SIDE = 2.0
"""An anchor this near to an end of its line learns to refine it, slices: the paper's 32 px."""

BETA = 1 / 9
"""Where the published detector's smooth L1 turns from quadratic to linear.

The paper names the loss of Girshick 2015, whose region proposals it was trained with in practice:
there sigma is 3 (Ren et al. 2015, released code), which is 1 / 9. At 1 the errors of slices, always
small beside an anchor, weigh next to nothing against the scores, and lines are found, but
not where they are.
"""
