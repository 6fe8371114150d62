"""Time as words; what a deadline does to a run is tested beside the engine."""

from __future__ import annotations

import pytest

from stateflow.machine.deadline import instant


@pytest.mark.parametrize(
    ("at", "shown"), [(1795424400.0, "2026-11-23 09:00 UTC"), (1e300, "9999-12-31 23:59 UTC")]
)
def test_an_instant_is_told_in_utc(at: float, shown: str) -> None:
    assert instant(at) == shown
