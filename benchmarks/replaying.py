"""What replay costs: a long journal beside parsing its file, and a suite of replay tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from stateflow import Budget, Flow, FunctionAgent, State, replay, run_sync, says, to
from stateflow.engine.finding import find_flow
from stateflow.journal.event import Journal, Recorded
from stateflow.stores.file import read_file, write_file
from stateflow.testing.cassette.cassette import write_cassette

__all__ = ["measure"]

TEXT = "The function reads well; one name is too short, and the empty list is not handled. "
TESTS = 200
MODULE = '''
from stateflow import Budget, Flow, FunctionAgent, State, says, to

def talk(name, turns):
    """Return a talk of two that ends after so many turns."""
    last = turns // 2
    def said(view):
        return "END" if view.visits.get("answer", 0) >= last else {text!r}
    ann, ben = FunctionAgent("ann", said), FunctionAgent("ben", said)
    end = says("END")
    return Flow(
        name,
        State("ask", ann, to("answer")),
        State("answer", ben, to(None, when=end), to("ask")),
        budget=Budget(turns=turns + 2),
    )

flow = talk("talk", 20)
'''
TEST = """
def test_{number}(replay):
    result = replay("talk_{number}.yaml")

    assert result.stop.kind == "done"
"""


def measure(quick: bool) -> dict[str, float]:  # noqa: FBT001 - all benchmarks are called so
    """Return how fast runs are replayed.

    ``turns_per_s`` is of a run of 1,000 turns that was read from its file; ``to_parse`` is the
    time of reading the file and replaying it, to the time in which ``json`` reads its lines; both
    are times of the processor, which a busy neighbour disturbs least.  ``suite_s`` is a whole
    process of pytest with 200 tests that replay a cassette of 20 turns each [s].
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = _long(folder / "long.jsonl", 200 if quick else 1000, 3 if quick else 9)
        figures["suite_s"] = _suite(folder)
    return figures


def _talk(turns: int) -> Flow:
    def said(_: object) -> str:
        return TEXT

    ann, ben = FunctionAgent("ann", said), FunctionAgent("ben", said)
    return Flow(
        "talk",
        State("ask", ann, to(None, when=says("END")), to("answer")),
        State("answer", ben, to(None, when=says("END")), to("ask")),
        budget=Budget(turns=turns),
    )


def _long(path: Path, turns: int, repeats: int) -> dict[str, float]:
    flow = _talk(turns)
    result = run_sync(flow, "Go.")
    assert result.journal is not None
    assert result.turns == turns
    write_file(result.journal, path)
    reads_s: list[float] = []
    replays_s: list[float] = []
    parses_s: list[float] = []
    for _ in range(repeats):  # interleaved: a noisy neighbour disturbs all alike
        started = time.process_time()
        journal = read_file(path)
        reads_s.append(time.process_time() - started)
        replays_s.append(_replayed_s(flow, journal, turns))
        parses_s.append(_parsed_s(path))
    return {
        "turns_per_s": turns / median(replays_s),
        "to_parse": (median(reads_s) + median(replays_s)) / median(parses_s),
    }


def _replayed_s(flow: Flow, journal: Journal, turns: int) -> float:
    started = time.process_time()
    again = replay(flow, journal)
    elapsed_s = time.process_time() - started
    assert again.turns == turns
    return elapsed_s


def _parsed_s(path: Path) -> float:
    started = time.process_time()
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    elapsed_s = time.process_time() - started
    assert lines
    return elapsed_s


def _suite(folder: Path) -> float:
    """Return how long a suite of replay tests takes [s]."""
    (folder / "talk.py").write_text(MODULE.format(text=TEXT), "utf-8")
    flow = find_flow(str(folder / "talk.py")).flow
    journal = run_sync(flow, "Go.").journal
    assert journal is not None
    first, *rest = journal.events
    started = replace(journal.started, source="talk.py")
    journal = replace(journal, events=(Recorded(first.seq, first.at, started, first.run), *rest))
    for number in range(TESTS):
        write_cassette(journal, folder / "cassettes" / f"talk_{number}.yaml")
    tests = "".join(TEST.format(number=number) for number in range(TESTS))
    (folder / "test_talk.py").write_text(tests, "utf-8")
    return _pytest_s(folder)


def _pytest_s(folder: Path) -> float:
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    begun = time.perf_counter()
    came = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    elapsed_s = time.perf_counter() - begun
    assert came.returncode == 0, came.stdout + came.stderr
    return elapsed_s


if __name__ == "__main__":
    for name, value in measure(quick=False).items():
        print(f"{name:20} {value:12.2f}")
