"""Files that appear whole or not at all."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a path to write to, which takes the place of ``path`` at the end.

    Where that is not reached, ``path`` stays what it was and nothing is left beside it. A file
    that is replaced keeps its permissions, a link stays a link.
    """
    target = path.resolve()
    part = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    _sweep(target)
    try:
        if target.exists():  # nobody may read meanwhile who may not read the file that it becomes
            part.touch(0o600)
        yield part
        with suppress(FileNotFoundError):
            part.chmod(target.stat().st_mode & 0o7777)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _sweep(target: Path) -> None:
    """Remove what processes that were killed have left beside a file."""
    if os.name != "posix":  # elsewhere asking for a process may end it
        return
    pattern = f".{glob.escape(target.stem)}.*.part{glob.escape(target.suffix)}"
    for left in target.parent.glob(pattern):
        process = left.name.removesuffix(f".part{target.suffix}").rpartition(".")[2]
        if process.isdecimal() and not _runs(int(process)):
            left.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it runs, but is another's
        return True
    return True


def write_text(path: Path, text: str) -> None:
    """Write text in UTF-8, whole or not at all."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")
