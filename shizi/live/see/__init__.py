"""From frames to rows of text: where the comment area is, what rolls, what is read."""
