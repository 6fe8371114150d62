"""What all tests share: no test fails because the machine is busy, and who may ask a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_RECORDED = Path(__file__).with_name("testing")
"""Tests of recorded runs."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all tests but those of recorded runs ask: servers are their own, or embedded."""
    for item in items:
        if not item.path.is_relative_to(_RECORDED):
            item.add_marker(pytest.mark.live_models)
