"""Files that appear whole or not at all."""

from __future__ import annotations

import glob
import os
import platform
import sys
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
    part = target.with_name(f".{target.stem}.{os.getpid()}{_machine()}.part{target.suffix}")
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
    end = f"{_machine()}.part{target.suffix}"
    for left in target.parent.glob(f".{glob.escape(target.stem)}.*{glob.escape(end)}"):
        process = left.name.removesuffix(end).rpartition(".")[2]
        if process.isdecimal() and not _runs(int(process)):
            left.unlink(missing_ok=True)


def _machine() -> str:
    """A mark of this machine: others may write to the same folder, and number processes alike."""
    return f"@{platform.node()}"


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


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a file that one process at a time can hold; it lets go however it ends.

    Raises:
        BlockingIOError: another holds it.
    """
    with path.open("ab") as file:
        if sys.platform == "win32":
            import msvcrt

            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            except OSError as error:
                raise BlockingIOError(str(error)) from error
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
