"""``shizi export``: a run folder to the files that reading uses."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from shizi.train.export import ExportOptions
from shizi.train.export import export as write


def export(*, options: Annotated[ExportOptions, Parameter(name="*")]) -> int:
    """Write a run's best weights as ONNX with their card."""
    print(write(options))
    return 0
