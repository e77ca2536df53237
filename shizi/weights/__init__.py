"""The shipped networks and their cards: what each expects, and where it comes from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from shizi.charset import Charset
from shizi.errors import WeightsError

FOLDER = Path(__file__).parent

Network = Literal["orientation", "ctpn", "crnn"]
NETWORKS: tuple[Network, ...] = ("orientation", "ctpn", "crnn")


@dataclass(frozen=True)
class Card:
    """JSON beside each weights file.

    Attributes:
        network: which network.
        sha256: of the weights file.
        input: shape and meaning of the input; normalisation is inside the file.
        spec: the spec dataclass, as plain values.
        charset: hash of the charset; empty where the network has none.
        initial: source and licence of the initial weights.
        data: what it was trained on.
        command: how it was trained.
        date: when.
        metrics: figures of its last validation.
    """

    network: str
    sha256: str
    input: str
    spec: dict[str, Any]
    charset: str
    initial: str
    data: str
    command: str
    date: str
    metrics: dict[str, float]

    def write(self, path: Path) -> None:
        """Write the card as JSON."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


def file(network: Network) -> Path:
    """Return the path of a network's ONNX file."""
    return FOLDER / f"{network}.onnx"


def card(network: Network) -> Card:
    """Read a network's card.

    Raises:
        WeightsError: it is missing or not a card.
    """
    path = FOLDER / f"{network}.json"
    try:
        return Card(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"cannot read {path}: {error}; reinstall shizi") from error


@cache
def charset() -> Charset:
    """Return the charset that the shipped recogniser spells with.

    Raises:
        WeightsError: the file is missing, or the recogniser was made for another charset.
    """
    found = Charset.load(FOLDER / "charset.txt")
    if card("crnn").charset != found.hash:
        raise WeightsError("crnn.onnx was made for another charset; reinstall shizi")
    return found


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, as hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify(network: Network) -> None:
    """Check a network's file against its card.

    Raises:
        WeightsError: the file is missing or differs.
    """
    path = file(network)
    if not path.exists():
        raise WeightsError(f"{path} is missing; reinstall shizi")
    if digest(path) != card(network).sha256:
        raise WeightsError(f"{path} differs from its card; reinstall shizi")
