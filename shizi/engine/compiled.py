"""What OpenVINO made of a network is kept for the next process, which starts 0.4 s sooner.

It is kept in ``~/.cache/shizi`` (``$XDG_CACHE_HOME/shizi`` where that is set), or in the folder
that :data:`PLACE` names; where nothing can be written, every process compiles for itself.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from shizi.files import whole

PLACE = "SHIZI_CACHE"
"""Environment variable that names the folder; empty: nothing is kept."""

KEPT = 12
"""Networks that are kept, the latest used: three for each processor, version and number of threads.
The shipped three take 20 MB."""

_DIGEST = 32
"""Bytes of the digest that a file begins with."""

_WRITES = threading.Lock()


def compiled(core: Any, path: Path, config: Mapping[str, Any], made_of: object, make: Model) -> Any:
    """Return a compiled network, the kept one where a process has compiled the same before.

    Args:
        core: OpenVINO's.
        path: of the ONNX file.
        config: for the compiler.
        made_of: what ``make`` depends on besides the file; told apart by its ``repr``.
        make: reads the model.

    Raises:
        RuntimeError: the file is damaged.
    """
    kept = _kept(core, path, config, made_of)
    if kept and (blob := _read(kept)):
        with suppress(RuntimeError):  # of a version that calls itself the same
            return core.import_model(blob, "CPU", dict(config))
    found = core.compile_model(make(), "CPU", dict(config))
    if kept:
        with suppress(OSError, RuntimeError):  # a full disk, or a folder that others own
            _write(kept, found.export_model().getvalue())
    return found


Model = Callable[[], Any]


def _kept(core: Any, path: Path, config: Mapping[str, Any], made_of: object) -> Path | None:
    """Where a network is kept: a name for all that goes into it, and for who compiles it."""
    if (folder := _folder()) is None:
        return None
    about = ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
    compiler = [core.get_versions("CPU")["CPU"].build_number]
    compiler += [core.get_property("CPU", name) for name in about]
    mark = hashlib.sha256(path.read_bytes())
    mark.update(repr((sorted(config.items()), made_of, compiler)).encode())
    return folder / f"{mark.hexdigest()[:32]}.network"


def _folder() -> Path | None:
    named = os.environ.get(PLACE)
    if named is not None:
        return Path(named) if named else None
    with suppress(RuntimeError):  # whoever runs this has no home
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shizi"
    return None


def _read(kept: Path) -> bytes | None:
    """Return what was kept, None where there is none or it is damaged."""
    with suppress(OSError):
        found = kept.read_bytes()
        blob = found[_DIGEST:]
        if found[:_DIGEST] == hashlib.sha256(blob).digest():
            os.utime(kept)
            return blob
    return None


def _write(kept: Path, blob: bytes) -> None:
    """Keep a network, and let go of those that were not used for longest."""
    with _WRITES:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole(kept) as part:
            part.write_bytes(hashlib.sha256(blob).digest() + blob)
        found = sorted(kept.parent.glob("*.network"), key=lambda p: -p.stat().st_mtime)
        for old in found[KEPT:]:
            old.unlink(missing_ok=True)
