"""A journal of each release is still read and replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import slogan
from stateflow import canonical, replay
from stateflow.stores.file import read_file

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.jsonl"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_run_recorded_on_the_real_model_replays_without_it(path: Path) -> None:
    """With a visit to ``repair``, and the same bytes from the first turn on.

    The first event holds the flow's table, to which releases may add.
    """
    journal = read_file(path)

    result = replay(slogan.flow, journal)

    assert result.stop.kind == "done"
    assert "repair" in result.path
    assert result.journal is not None
    recorded, again = canonical(journal).splitlines(), canonical(result.journal).splitlines()
    assert again[1:] == recorded[1:]
