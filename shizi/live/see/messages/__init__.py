"""Lines become messages: which belong together, what was told before, what was lost from sight."""
