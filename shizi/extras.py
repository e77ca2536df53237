"""Optional packages: which extra brings each, and how it is installed here.

The table of extras is the installed package's own metadata, so it cannot drift.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from urllib.parse import unquote, urlsplit

from shizi.errors import MissingExtraError, OptionError

_DISTRIBUTIONS = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "fontTools": "fonttools",
    "google": "onnx",  # protobuf, which onnx brings
    "h5py": "keras",  # which brings it
    "kafka": "kafka-python",
    "yaml": "pyyaml",
}
"""Modules that are not called like the package that holds them."""

_ANY = {"dev"}
"""Extras that bring what others bring too."""


@contextmanager
def needed(purpose: str) -> Iterator[None]:
    """Say what to install where an import within fails for want of an optional package.

    Args:
        purpose: what needs it, as the subject of a sentence.

    Raises:
        MissingExtraError: a package is missing that an extra brings.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        found = missing(error, purpose)
        if found is None:
            raise
        raise found from error


BACKENDS = ("tensorflow", "jax", "torch")
"""What Keras computes with."""


@contextmanager
def keras_needed(purpose: str) -> Iterator[None]:
    """Do the same as :func:`needed` where Keras is imported, and look at its backend.

    Args:
        purpose: as there.

    Raises:
        MissingExtraError: Keras is not installed.
        OptionError: KERAS_BACKEND names no backend, or one that is not installed.
    """
    try:
        with needed(purpose):
            yield
    except ModuleNotFoundError as error:
        if error.name not in BACKENDS:
            raise
        raise OptionError(
            f"KERAS_BACKEND: {error.name} is not installed; install it, or choose another of "
            f"{', '.join(BACKENDS)}"
        ) from error
    except ValueError as error:
        if "backend" not in str(error):
            raise
        raise OptionError(f"KERAS_BACKEND must be one of {', '.join(BACKENDS)}: {error}") from error


def missing(error: ModuleNotFoundError, purpose: str) -> MissingExtraError | None:
    """Return the error that says what to install; None for a module that no extra brings."""
    module = (error.name or "").partition(".")[0]
    package = _DISTRIBUTIONS.get(module, module.replace("_", "-"))
    extra = extra_of(package)
    return MissingExtraError(package, purpose, _install(extra)) if extra else None


def extra_of(package: str) -> str | None:
    """Return the extra that brings a package; of several, the one that brings least else."""
    found = [(len(packages), extra) for extra, packages in _extras().items() if package in packages]
    return min(found)[1] if found else None


@cache
def _extras() -> dict[str, set[str]]:
    """Packages of each extra, by its name."""
    out: dict[str, set[str]] = {}
    try:
        requirements = metadata.requires("shizi") or []
    except metadata.PackageNotFoundError:  # run from a folder, never installed
        return out
    for requirement in requirements:
        name = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"""extra\s*==\s*["']([\w-]+)["']""", requirement)
        if name and extra and extra[1] not in _ANY:
            out.setdefault(extra[1], set()).add(name[0].lower())
    return out


def _install(extra: str) -> str:
    """Return the command that adds an extra to this installation, whence it came."""
    where = metadata.distribution("shizi").read_text("direct_url.json")
    if where is None:
        return f"pip install 'shizi[{extra}]'"
    origin = json.loads(where)
    editable = "-e " if origin.get("dir_info", {}).get("editable") else ""
    url = urlsplit(origin["url"])
    path = unquote(url.path) if url.scheme == "file" else origin["url"]
    return f"pip install {editable}'{path}[{extra}]'"
