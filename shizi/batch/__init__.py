"""Reads very many inputs into a folder: side by side, with an account of every one of them."""
