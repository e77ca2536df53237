"""``shizi export``: a run folder to the files that reading uses, or to another framework."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from shizi.train.options import ExportOptions


def export(
    source: Path, /, *, options: Annotated[ExportOptions, Parameter(name="*")] = ExportOptions()
) -> int:
    """Write a run's best weights, with their card, for reading or for another framework.

    Args:
        source: a run folder, or an ONNX file that shizi exported.
        options: what to write.
    """
    from shizi.train.export import export as write

    print(write(source, options))
    return 0
