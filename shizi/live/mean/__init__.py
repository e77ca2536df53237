"""From rows to events, from events to viewers and what they are worth."""
