"""Where pictures come from, and how anything becomes RGB."""
