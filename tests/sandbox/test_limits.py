"""Limits of sandboxes: numbers above zero that have an end."""

from __future__ import annotations

from typing import cast

import pytest

from stateflow.errors import DefinitionError
from stateflow.sandbox.limits import check_limits


def test_numbers_above_zero_are_limits() -> None:
    check_limits("a sandbox", time_limit_s=0.5, memory_mb=1, files_limit=10**400, cpus=2)


@pytest.mark.parametrize("value", [0, -1, 1.5, float("inf"), True, cast("float", "64")])
@pytest.mark.parametrize("name", ["memory_mb", "output_limit_bytes", "pids_limit"])
def test_what_counts_is_a_whole_number_above_zero(name: str, value: float) -> None:
    with pytest.raises(DefinitionError) as caught:
        check_limits("a docker sandbox", cpus=1, **{name: value})

    assert str(caught.value) == (
        f"{name}={value!r} is no limit of a docker sandbox; give a whole number above 0, "
        "without quotes"
    )


@pytest.mark.parametrize("value", [0, -0.5, float("inf"), float("nan"), False, cast("float", "60")])
def test_a_time_is_any_number_above_zero_that_has_an_end(value: float) -> None:
    with pytest.raises(DefinitionError, match=r"^time_limit_s=.* give a number above 0"):
        check_limits("a local sandbox", time_limit_s=value)
