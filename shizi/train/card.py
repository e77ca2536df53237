"""What a run folder says of its net: enough to build it again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from shizi.charset import Charset
from shizi.errors import DataError, WeightsError
from shizi.nets.spec import Spec, form_of, parse_spec
from shizi.weights import Network


@dataclass(frozen=True)
class RunCard:
    """The files ``card.json`` and, for the recogniser, ``charset.txt`` of a run folder.

    Attributes:
        network: which network.
        spec: what it is made of.
        charset: what it spells with; None but for the recogniser.
        squeeze: factor on the width of the crops that a recogniser is validated on.
        initial: source and licence of its first weights.
    """

    network: Network
    spec: Spec
    charset: Charset | None = None
    squeeze: float = 1.0
    initial: str = field(default="", compare=False)

    def write(self, folder: Path) -> None:
        """Write the files; a run that is there already must be of the same net.

        Raises:
            DataError: it is of another.
        """
        if (folder / "card.json").exists():
            if read_card(folder) != self:
                raise DataError(
                    f"{folder} holds a run of another net, charset or --val-squeeze; "
                    "choose another --out"
                )
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise DataError(f"{folder} is no folder; name one for the run") from error
        if self.charset is not None:
            (folder / "charset.txt").write_text(self.charset.chars + "\n", encoding="utf-8")
        values = {
            "network": self.network,
            "form": form_of(self.spec),
            "spec": asdict(self.spec),
            "squeeze": self.squeeze,
            "initial": self.initial,
        }
        (folder / "card.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def read_card(folder: Path) -> RunCard:
    """Read the card of a run folder.

    Raises:
        WeightsError: it is missing or not a card.
    """
    path = folder / "card.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        network, form, spec = values["network"], values["form"], values["spec"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"cannot read {path}: {error}; it is not a run's card") from error
    charset = Charset.load(folder / "charset.txt") if network == "crnn" else None
    return RunCard(
        network,
        parse_spec(network, form, spec),
        charset,
        values.get("squeeze", 1.0),
        values.get("initial", ""),
    )
