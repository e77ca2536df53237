"""The kinds of pages, and the drawing that each is written on."""
