"""Numbers out of range are refused where they are given, by the field's name."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import pytest

from shizi.evaluate.sets import LiveEvalOptions
from shizi.live.options import (
    CropOptions,
    DashboardOptions,
    LiveOptions,
    ReadingOptions,
    RegionOptions,
    RoomOptions,
    SimulateOptions,
    SourceOptions,
    WatchOptions,
    WriterOptions,
)
from shizi.options import check_range

LIVE = (
    CropOptions,
    DashboardOptions,
    LiveOptions,
    ReadingOptions,
    RegionOptions,
    RoomOptions,
    SimulateOptions,
    SourceOptions,
    WatchOptions,
    WriterOptions,
)


@dataclass(frozen=True)
class Some:
    least_share: float

    def __post_init__(self) -> None:
        check_range(self, least_share=(0, 1))


@pytest.mark.parametrize("value", [-0.1, 1.5, math.nan, math.inf])
def test_what_is_out_of_range_is_named(value: float) -> None:
    with pytest.raises(ValueError, match=r"^least_share: must be from 0 to 1, not "):
        Some(value)


def test_the_ends_of_a_range_belong_to_it() -> None:
    assert (Some(0).least_share, Some(1.0).least_share) == (0, 1)


def numbers(kind: Any) -> list[str]:
    return [f.name for f in fields(kind) if isinstance(f.default, (int, float))
            and not isinstance(f.default, bool)]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in LIVE for name in numbers(kind)]
)
@pytest.mark.parametrize("value", [-3, math.nan])
def test_no_number_of_a_live_room_may_be_nonsense(kind: Any, name: str, value: float) -> None:
    assert is_dataclass(kind)
    with pytest.raises(ValueError, match=name):
        kind(**{name: value})


@pytest.mark.parametrize(("name", "value"), [("repeat", 0), ("threads", -1)])
def test_no_number_of_an_evaluation_may_be_nonsense(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=name):
        LiveEvalOptions((), **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "region", ["", "0,0,1", "0,0,2,2", "0.5,0,0.5,1", "nan,0,1,1", "portait", "-1,0,1,1"]
)
def test_a_region_that_is_none_is_refused_with_its_options(region: str) -> None:
    with pytest.raises(ValueError, match="is no region"):
        RegionOptions(region)
