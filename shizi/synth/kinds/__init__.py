"""The kinds of pages, and the sheet that they are written on."""
