"""The shipped files: whole, matching their cards, and refused when damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shizi import weights
from shizi.engine import open_session
from shizi.errors import WeightsError
from shizi.images.load import load
from shizi.nets.spec import CTPNSpec, OrientationSpec
from shizi.orientation import piece
from shizi.reader import Reader, ReaderOptions
from shizi.recognition import RecognitionOptions
from shizi.train.export import export
from shizi.train.options import ExportOptions


def test_the_wheel_stays_small() -> None:
    files = [weights.file(n) for n in weights.NETWORKS]
    assert sum(f.stat().st_size for f in files) < 25e6


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in weights.FOLDER.iterdir():
        if source.suffix in (".onnx", ".json"):
            (tmp_path / source.name).write_bytes(source.read_bytes())
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    weights.verify("ctpn")
    (tmp_path / "ctpn.onnx").write_bytes(b"not a network")
    with pytest.raises(WeightsError, match="differs from its card"):
        weights.verify("ctpn")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        open_session(tmp_path / "ctpn.onnx", CTPNSpec())
    (tmp_path / "ctpn.onnx").unlink()
    with pytest.raises(WeightsError, match="missing"):
        open_session(tmp_path / "ctpn.onnx", CTPNSpec())
    (tmp_path / "ctpn.json").write_text("{}")
    with pytest.raises(WeightsError, match="cannot read"):
        weights.card("ctpn")


def test_flipped_bytes_are_noticed_before_anything_is_read(tmp_path: Path) -> None:
    """Such a network loads, and reads fluent nonsense."""
    for network in weights.NETWORKS:
        folder = copied(tmp_path / network, network)
        assert weights.open(network, folder, threads=1).card == weights.card(network)
        path = folder / f"{network}.onnx"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x40
        path.write_bytes(data)
        with pytest.raises(WeightsError, match=r"differs from its card; export it again"):
            Reader(ReaderOptions(weights=folder))


def test_a_file_of_an_earlier_version_is_refused_and_can_be_exported_again(tmp_path: Path) -> None:
    """It says probabilities, which would be read as something else."""
    folder = copied(tmp_path / "old", "orientation")
    replace(weights.card("orientation"), output="").write(folder / "orientation.json")
    with pytest.raises(WeightsError, match="earlier version of shizi; export it again"):
        weights.open("orientation", folder)
    path = export(folder / "orientation.onnx", ExportOptions(out=tmp_path / "new"))
    assert weights.open("orientation", path.parent, threads=1).card == weights.card("orientation")


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    for folder, told in ((tmp_path / "nosuch", "no such folder"), (tmp_path, "holds none of")):
        with pytest.raises(WeightsError, match=told):
            Reader(ReaderOptions(weights=folder))


def test_what_a_folder_lacks_is_taken_from_the_shipped_networks(tmp_path: Path) -> None:
    folder = copied(tmp_path, "ctpn")
    assert weights.file("ctpn", folder).parent == folder
    assert weights.file("crnn", folder).parent == weights.FOLDER


def copied(folder: Path, network: weights.Network) -> Path:
    """A folder that holds one of the shipped networks."""
    folder.mkdir(exist_ok=True)
    for name in (f"{network}.onnx", f"{network}.json", "charset.txt"):
        (folder / name).write_bytes((weights.FOLDER / name).read_bytes())
    return folder


def test_shipped_lines_are_read_narrowed_unless_told_otherwise() -> None:
    squeezes = [
        Reader(ReaderOptions(recognition=RecognitionOptions(squeeze=told))).recognizer.squeeze
        for told in (None, 1.0)
    ]
    assert squeezes == [0.8, 1.0]


def test_both_engines_agree_on_the_classifier() -> None:
    picture = load(Path(__file__).parents[1] / "samples" / "notice.jpg")
    rows = np.linspace(0, picture.shape[0] - 40, 8).astype(int)
    looks = [piece(picture[y : y + 40, :160], OrientationSpec()).image for y in rows]
    a, b = (
        np.stack(open_session(weights.file("orientation"), OrientationSpec(), engine)(looks))
        for engine in ("openvino", "onnxruntime")
    )
    assert np.abs(a - b).mean() < 0.05  # OpenVINO may run in bf16
