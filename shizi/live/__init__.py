"""Live rooms: from the picture of a stream to events, viewers and their value."""
