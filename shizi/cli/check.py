"""``shizi check``: what is installed, and whether it works. Needs no network."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from shizi import __version__, weights
from shizi.cpu import cores, cpu_features, cpu_name
from shizi.engine import choose
from shizi.errors import MissingExtraError, WeightsError

_NEEDED = (
    ("numpy", "numpy"),
    ("cv2", "opencv-python-headless"),
    ("PIL", "pillow"),
)
_OPTIONAL = ("openvino", "onnxruntime", "pypdfium2", "torch")
_PICTURE, _TEXT = "check.png", "识字"


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: of the thing.
        detail: what was found, or what to do.
        state: ``-`` for optional things that are not there.
    """

    name: str
    detail: str
    state: Literal["ok", "-", "WRONG"] = "ok"


def check() -> int:
    """Show what is installed and whether it works.

    Returns:
        The exit code: 0 if all is well, 1 if something is wrong.
    """
    wrong = 0
    for finding in _findings():
        print(f"{finding.state:<6} {finding.name:<24} {_one_line(finding.detail)}", flush=True)
        wrong += finding.state == "WRONG"
    if wrong:
        print(f"shizi: {wrong} of these are wrong", file=sys.stderr)
    return 1 if wrong else 0


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _findings() -> Iterator[Finding]:
    yield Finding("python", f"{platform.python_version()}, {platform.platform()}")
    yield Finding("shizi", __version__)
    for module, package in _NEEDED:
        yield _needed(module, package)
    for package in _OPTIONAL:
        yield _optional(package)
    yield _engine()
    yield Finding("cpu", f"{cpu_name()}; {cores()} cores; {' '.join(cpu_features()) or 'plain'}")
    for network in weights.NETWORKS:
        yield _weights(network)
    yield _reading(weights.FOLDER / _PICTURE)


def _engine() -> Finding:
    try:
        return Finding("engine", choose())
    except MissingExtraError as error:
        return Finding("engine", f"{error}; where it has no build, the extra onnx", "WRONG")


def _needed(module: str, package: str) -> Finding:
    try:
        return Finding(package, str(import_module(module).__version__))
    except Exception as error:  # a broken binary may raise anything
        return Finding(package, f"{error}; run: pip install --force-reinstall {package}", "WRONG")


def _optional(package: str) -> Finding:
    try:
        return Finding(package, version(package))
    except PackageNotFoundError:
        return Finding(package, "not installed (optional)", "-")


def _weights(network: weights.Network) -> Finding:
    try:
        weights.verify(network)
        card = weights.card(network)
        if card.charset:
            weights.charset()
    except WeightsError as error:
        return Finding(network, str(error), "WRONG")
    size = weights.file(network).stat().st_size / 1e6
    figures = ", ".join(f"{name} {value:.4g}" for name, value in card.metrics.items())
    return Finding(
        network, f"{size:.1f} MB, {card.date}, sha256 {card.sha256[:12]} as on its card; {figures}"
    )


def _reading(picture: Path) -> Finding:
    try:
        from shizi.reader import Reader, ReaderOptions

        reader = Reader(ReaderOptions())
        reader.read(picture)  # the first call also warms the engine up
        start = time.perf_counter()
        page = reader.read(picture)
        taken = time.perf_counter() - start
    except Exception as error:  # whatever it is, it belongs into the report
        return Finding("reading", f"{type(error).__name__}: {error}", "WRONG")
    if _TEXT not in page.text:
        return Finding("reading", f"{picture.name} reads {page.text!r}, not {_TEXT!r}", "WRONG")
    return Finding("reading", f"{picture.name} in {taken * 1000:.0f} ms: {page.text!r}")
