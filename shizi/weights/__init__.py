"""The networks that reading uses and their cards: what each expects, where it comes from.

A folder of exported networks may stand in for the shipped ones; what it lacks is taken from
these. A file is compared with its card before it is used.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from shizi.certainty import Fit
from shizi.charset import Charset
from shizi.engine import Device, Engine, Range, Session, open_session
from shizi.errors import WeightsError
from shizi.nets.spec import Spec, parse_spec

FOLDER = Path(__file__).parent

Network = Literal["orientation", "ctpn", "crnn"]
NETWORKS: tuple[Network, ...] = ("orientation", "ctpn", "crnn")

OUTPUTS: dict[Network, str] = {
    "orientation": "logits (N, classes)",
    "ctpn": "slices (N, rows, columns, anchors, 7)",
    "crnn": "logits (N, T, classes), class 0 the blank",
}
"""What files say today; one whose card tells of another output is of an earlier version."""


@dataclass(frozen=True)
class Card:
    """JSON beside each weights file.

    Attributes:
        network: which network.
        form: of the network: a key of ``shizi.nets.spec.FORMS``.
        sha256: of the weights file.
        input: shape and meaning of the input; normalisation is inside the file.
        spec: the spec dataclass, as plain values.
        charset: hash of the charset; empty where the network has none.
        initial: source and licence of the initial weights.
        data: what it was trained on.
        command: how it was trained.
        date: when.
        metrics: figures of its last validation.
        squeeze: factor on the width of the crops that it was validated on, and is read at (crnn).
        output: shape and meaning of the output; that of earlier files was another.
        certainty: what makes its probabilities those of whole lines (crnn); None where nobody has
            fitted it.
        ranges: least and greatest of what comes to its convolutions, by layer, for INT8; empty
            where that was not measured.
    """

    network: Network
    form: str
    sha256: str
    input: str
    spec: dict[str, Any]
    charset: str
    initial: str
    data: str
    command: str
    date: str
    metrics: dict[str, float]
    squeeze: float = 1.0
    output: str = ""
    certainty: Fit | None = None
    ranges: dict[str, Range] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the card as JSON."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Net:
    """A network that is ready to run.

    Attributes:
        session: runs it.
        spec: what it is made of.
        card: where it comes from.
        charset: what it spells with; None where it does not spell.
    """

    session: Session
    spec: Spec
    card: Card
    charset: Charset | None


def open(
    network: Network,
    folder: Path | None = None,
    engine: Engine = "auto",
    device: Device = "auto",
    threads: int = 0,
) -> Net:
    """Open a network for reading.

    Args:
        network: which.
        folder: of exported networks; one that it lacks is taken from the shipped ones.
        engine: runtime.
        device: where it runs.
        threads: of the CPU; 0: all cores.

    Raises:
        WeightsError: the folder is missing or holds no network; a file or its card is missing,
            damaged, or they do not belong together.
        OptionError: the engine cannot use the device.
        MissingExtraError: the engine is not installed.
    """
    told = verify(network, folder)
    made = parse_spec(network, told.form, told.spec)
    session = open_session(file(network, folder), made, engine, device, threads, told.ranges)
    spells = charset(folder) if network == "crnn" else None
    return Net(session, made, told, spells)


def verify(network: Network, folder: Path | None = None) -> Card:
    """Compare a network's file with its card, and return the card.

    Raises:
        WeightsError: the file is missing, differs, or is of an earlier version.
    """
    path, again = file(network, folder), "export it again" if folder else "reinstall shizi"
    if not path.exists():
        raise WeightsError(f"{path} is missing; {again}")
    told = card(network, folder)
    if digest(path) != told.sha256:
        raise WeightsError(f"{path} differs from its card; {again}")
    if told.output != OUTPUTS[network]:
        raise WeightsError(f"{path} is of an earlier version of shizi; {again}")
    return told


def file(network: Network, folder: Path | None = None) -> Path:
    """Return the path of a network's ONNX file.

    Raises:
        WeightsError: the folder is missing or holds no network.
    """
    return _home(network, folder) / f"{network}.onnx"


def card(network: Network, folder: Path | None = None) -> Card:
    """Read a network's card.

    Raises:
        WeightsError: it is missing or not a card.
    """
    path = _home(network, folder) / f"{network}.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        fit = told.pop("certainty", None)
        return Card(**told, certainty=Fit(**fit) if fit else None)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"cannot read {path}: {error}; export it, or reinstall shizi") from error


def note(folder: Path, fit: Fit) -> None:
    """Note on the card of a folder's recogniser what makes its probabilities those of lines.

    Raises:
        WeightsError: there is none.
    """
    path = folder / "crnn.json"
    if not path.exists():
        raise WeightsError(f"{path} is missing; export a recogniser to {folder}")
    replace(card("crnn", folder), certainty=fit).write(path)


def spec(network: Network, folder: Path | None = None) -> Spec:
    """Return what a network is made of.

    Raises:
        WeightsError: its card is missing or of another version.
    """
    found = card(network, folder)
    return parse_spec(network, found.form, found.spec)


def charset(folder: Path | None = None) -> Charset:
    """Return the charset that the recogniser spells with.

    Raises:
        WeightsError: the file is missing, or the recogniser was made for another charset.
    """
    home = _home("crnn", folder)
    found = Charset.load(home / "charset.txt")
    if card("crnn", home).charset != found.hash:
        raise WeightsError(f"{home / 'crnn.onnx'} was made for another charset; export it again")
    return found


def _home(network: Network, folder: Path | None) -> Path:
    """Return the folder, or that of the shipped networks where it lacks one."""
    if folder is None:
        return FOLDER
    if not folder.is_dir():
        raise WeightsError(f"{folder}: there is no such folder; name one of exported networks")
    found = {name for name in NETWORKS if (folder / f"{name}.onnx").exists()}
    if not found:
        files = ", ".join(f"{name}.onnx" for name in NETWORKS)
        raise WeightsError(f"{folder} holds none of {files}; export a network to it")
    return folder if network in found else FOLDER


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, as hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
