"""What ink looks like: faces, letters, emoji, the ground beneath, and what wears them down."""
