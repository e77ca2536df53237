"""Training: synthetic text, datasets, targets, loops, metrics, export."""
