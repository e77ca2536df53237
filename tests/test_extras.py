"""What an extra brings is known from the package's metadata; hints say what works here."""

from __future__ import annotations

import sys

import pytest

from shizi import extras
from shizi.errors import MissingExtraError


@pytest.mark.parametrize(
    ("package", "extra"),
    [
        ("av", "live"),
        ("fonttools", "synth"),
        ("kafka-python", "kafka"),
        ("keras", "keras"),
        ("pypdfium2", "pdf"),
        ("rapidfuzz", "eval"),
        ("rapidocr", "bench"),
        ("torch", "train"),
        ("numpy", None),
    ],
)
def test_the_smallest_extra_that_brings_a_package_is_named(package: str, extra: str) -> None:
    assert extras.extra_of(package) == extra


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with (
        pytest.raises(MissingExtraError, match=r"^rules needs pyyaml, .*pip install .*\[live\]'$"),
        extras.needed("rules"),
    ):
        import yaml  # noqa: F401


def test_a_module_that_no_extra_brings_stays_an_import_error() -> None:
    with pytest.raises(ModuleNotFoundError), extras.needed("this"):
        import no_such_module  # noqa: F401


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'shizi[pdf]'"),
        ('{"url": "file:///a%20b/shizi", "dir_info": {}}', "pip install '/a b/shizi[pdf]'"),
        (
            '{"url": "file:///src", "dir_info": {"editable": true}}',
            "pip install -e '/src[pdf]'",
        ),
        (
            '{"url": "file:///d/shizi-1-py3-none-any.whl", "archive_info": {}}',
            "pip install '/d/shizi-1-py3-none-any.whl[pdf]'",
        ),
    ],
)
def test_the_hint_installs_from_where_shizi_came(
    origin: str | None, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Distribution:
        def read_text(self, name: str) -> str | None:
            return origin

    monkeypatch.setattr(extras.metadata, "distribution", lambda name: Distribution())
    assert extras._install("pdf") == command
