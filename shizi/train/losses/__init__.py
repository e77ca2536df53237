"""Losses, the same in both frameworks."""
