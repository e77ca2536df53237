"""``python -m shizi`` is the command ``shizi``."""

from __future__ import annotations

import sys

from shizi.cli import main

if __name__ == "__main__":
    sys.exit(main())
