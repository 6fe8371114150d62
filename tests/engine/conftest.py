"""A sandbox that can be watched and broken."""

from __future__ import annotations

import pytest

from tests.support.bench import Bench, Ledger


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return Bench(ledger)
