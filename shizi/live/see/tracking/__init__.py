"""Lines of text and where they are, frame by frame: what rolled, what is new, what stands."""
