"""Inputs and results at addresses such as ``s3://bucket/dir``, by way of fsspec.

What speaks with a store (s3fs, gcsfs, adlfs …) is chosen and installed by whoever has one, and
finds keys and servers by its own means.
"""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shizi.errors import ImageError, OptionError, WriteError
from shizi.extras import needed
from shizi.images.source import SUFFIXES, reason

_VERSIONS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")
"""What stores call that by which a change shows; the first that one has is taken."""

_OBJECTS = {"s3", "gs", "az", "oss", "obs", "oci"}
"""Schemes of stores of objects, which appear whole or not at all."""


def opened(address: str) -> tuple[Any, str]:
    """Return the store of an address, and the path within.

    Raises:
        OptionError: no store goes by that scheme, or what speaks with it is not installed.
        MissingExtraError: ``pip install 'shizi[cloud]'`` was not done.
    """
    with needed(f"an address such as {address}"):
        from fsspec.core import url_to_fs
    if "::" in address:
        raise OptionError(f"{address}: a store within another is not looked into; unpack it")
    try:
        store, path = url_to_fs(address, use_listings_cache=False)
    except ImportError as error:  # such as: Install s3fs to access S3
        raise OptionError(f"{address}: {reason(error)}, with pip") from error
    except ValueError as error:
        raise OptionError(f"{address}: {reason(error)}; check its beginning") from error
    return store, str(path)


def plain(address: str) -> str:
    """Return an address as the store itself writes it.

    Raises:
        ShiziError: the store is not known.
    """
    store, path = opened(address)
    return str(store.unstrip_protocol(path)).rstrip("/")


def find(address: str) -> Iterator[tuple[str, str, str | None]]:
    """List what an address, or a pattern of addresses, stands for.

    Yields:
        The address of each input, its path below that of a folder and the folder's own name,
        and how it looks; None where there is no such thing. As on a disk, hidden files and, in
        folders, what is called neither picture nor PDF are passed over.

    Raises:
        OptionError: the store is not known, or does not answer.
    """
    store, path = opened(address)
    try:
        if any(sign in path for sign in "*?["):
            whole, base = store.glob(path, detail=True), _fixed(path)
            found = {name: info for name, info in whole.items() if info["type"] == "file"}
        elif store.isdir(path):
            base = path.rstrip("/")
            listed = store.find(path, detail=True).items()
            found = {name: info for name, info in listed if _wanted(name[len(base) :])}
        else:
            info = store.info(path) if store.exists(path) else None
            shown = store.unstrip_protocol(path)
            yield shown, _inner(path, posixpath.dirname(path)), info and _stamp(info)
            return
    except Exception as error:  # each store has errors of its own
        raise OptionError(f"{address}: cannot be listed ({reason(error)})") from error
    if not found:
        yield address, _inner(path, posixpath.dirname(path)), None
    for name in sorted(found):
        yield store.unstrip_protocol(name), _inner(name, base), _stamp(found[name])


def _fixed(pattern: str) -> str:
    """The folder above the first part of a pattern that holds a sign."""
    parts = pattern.split("/")
    first = next(i for i, part in enumerate(parts) if any(sign in part for sign in "*?["))
    return "/".join(parts[:first])


def _inner(name: str, base: str) -> str:
    return f"{posixpath.basename(base)}/{name[len(base) :].lstrip('/')}"


def _wanted(inner: str) -> bool:
    hidden = any(part.startswith(".") for part in inner.split("/"))
    return not hidden and posixpath.splitext(inner)[1].lower() in SUFFIXES


def _stamp(info: dict[str, Any]) -> str:
    return f"{info.get('size')}:{next((info[v] for v in _VERSIONS if info.get(v)), '')}"


def stamp(address: str) -> str | None:
    """Tell how a file looks; None where there is none."""
    store, path = opened(address)
    try:
        return _stamp(store.info(path))
    except FileNotFoundError:
        return None


def stamps(folder: str) -> Callable[[str], str | None]:
    """Look once at all that is in a folder, and return what tells how each file looked.

    Raises:
        OptionError: the store is not known, or does not answer.
    """
    store, path = opened(folder)
    try:
        listed = store.find(path, detail=True) if store.exists(path) else {}
    except Exception as error:
        raise OptionError(f"{folder}: cannot be listed ({reason(error)})") from error
    found = {store.unstrip_protocol(name): _stamp(info) for name, info in listed.items()}
    return found.get


@contextmanager
def fetched(address: str) -> Iterator[Path]:
    """Yield the path of a copy, which is gone afterwards.

    Raises:
        ImageError: it cannot be had.
    """
    store, path = opened(address)
    with tempfile.TemporaryDirectory(prefix="shizi-") as folder:
        copy = Path(folder, "input")
        try:
            store.get_file(path, str(copy))
        except FileNotFoundError as error:
            raise ImageError(f"{address}: no such file; check the address") from error
        except Exception as error:
            raise ImageError(f"{address}: cannot be fetched ({reason(error)})") from error
        yield copy


@contextmanager
def put(address: str) -> Iterator[Path]:
    """Yield a path to write to, which is sent at the end.

    A store of objects keeps what it was sent to the end and nothing else; elsewhere fsspec's
    transaction moves the result to its place when it is whole.

    Raises:
        WriteError: it cannot be sent.
    """
    store, path = opened(address)
    with tempfile.TemporaryDirectory(prefix="shizi-") as folder:
        part = Path(folder, "result")
        yield part
        try:
            try:
                _send(store, part, path)
            except FileNotFoundError:  # where folders must be made first; a bucket is not made
                if not store.exists(path.split("/")[0] or "/"):
                    raise
                store.makedirs(posixpath.dirname(path), exist_ok=True)
                _send(store, part, path)
        except Exception as error:
            raise WriteError(f"{address}: cannot be sent ({reason(error)})") from error


def _send(store: Any, part: Path, path: str) -> None:
    schemes = {store.protocol} if isinstance(store.protocol, str) else set(store.protocol)
    if schemes & _OBJECTS:
        store.put_file(str(part), path)
        return
    with store.transaction, store.open(path, "wb") as out, part.open("rb") as data:
        while block := data.read(1 << 20):
            out.write(block)
