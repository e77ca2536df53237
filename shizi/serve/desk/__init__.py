"""The desk: who is let in, how much is done at once, and what is counted of it."""
