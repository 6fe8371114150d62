"""The gallery's cassettes, recorded by the command: ``python -m tests.flows.recording``.

Each is one call of ``stateflow record``, or, where a person answers, of ``run``, ``resume`` and
``export --to test``.  Models that a flow names are those of the flow, the embedded one included,
unless ``--model`` says otherwise; agents whose words stand in the flow's own file are given others
while they are recorded, so that the flow goes elsewhere.  On replay nobody speaks.

What comes out is the same, byte by byte, on one machine.  Elsewhere it may differ where something
of the machine speaks: the embedded model (``code_loop``, ``code_loop_fails``, ``front_desk`` and
``front_desk_declined``, ``grade``, ``slogan``: its figures depend on the build of the library), and
the local sandbox, which tells its platform and Python (``incident_not_verified``,
``incident_rolled_back``).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from stateflow import Flow, FunctionAgent, Scripted, View
from stateflow.cli import call
from stateflow.engine.finding import find_flow
from stateflow.stores.open import open_store
from tests.flows.recordings import RECORDINGS, Recording

__all__ = ["main"]

FOLDER = Path("tests/cassettes")
TEST = Path("tests/flows/test_recorded.py")
_LATE_S = 3600.0
"""How much later it is after an answer that never came [s]."""


def main() -> int:
    """Record all anew, or only those that are named; return 1 if one cannot be."""
    wanted = set(sys.argv[1:])
    if not wanted:
        TEST.unlink(missing_ok=True)
    failed = [
        one.name for one in RECORDINGS if (not wanted or one.name in wanted) and not _recorded(one)
    ]
    for name in failed:
        sys.stderr.write(f"{name} could not be recorded\n")
    return int(bool(failed))


def _recorded(one: Recording) -> bool:
    """Record *one*, and tell whether that went well."""
    target = FOLDER / f"{one.name}.yaml"
    where = ("--test", str(TEST), "--force")
    flow = find_flow(one.flow).flow
    with tempfile.TemporaryDirectory() as folder, _other_words(flow, one):
        os.environ["STATEFLOW_STORE"] = str(Path(folder) / "runs.db")
        if not (one.answers or one.lines or one.names):
            call(["record", one.flow, *one.options, "--no-input", "--to", str(target), *where])
        else:
            call(["run", one.flow, *one.options, "--no-input"])
            for answer in one.answers:
                _answer(answer, [word for word in one.options if word == "--allow-local"])
            call(["export", "last", "--to", "test", "--out", str(target), *where])
    return target.exists()


def _answer(answer: str | None, options: Sequence[str]) -> None:
    if answer is not None:
        call(["resume", "last", "--answer", answer, "--no-input", *options])
        return
    later = time.time() + _LATE_S
    with patch.object(open_store, "__defaults__", (lambda: later,)):
        call(["resume", "last", "--no-input", *options])


@contextmanager
def _other_words(flow: Flow, one: Recording) -> Generator[None]:
    """Let those who are told to say something else say it."""
    module = sys.modules[one.flow.partition(":")[0]]
    names: dict[str, Any] = {name: getattr(module, name) for name in one.names}
    before: list[tuple[object, str, object]] = []
    for agent in {id(a): a for inner in flow.flows for a in inner.agents}.values():
        if agent.name in one.lines and isinstance(agent, Scripted):
            before.append((agent, "lines", agent.lines))
            object.__setattr__(agent, "lines", one.lines[agent.name])
        elif agent.name in one.lines and isinstance(agent, FunctionAgent):
            before.append((agent, "function", agent.function))
            object.__setattr__(agent, "function", _in_order(agent.name, one.lines))
    vars(module).update(one.names)
    try:
        yield
    finally:
        vars(module).update(names)
        for thing, field, value in before:
            object.__setattr__(thing, field, value)


def _in_order(name: str, lines: Mapping[str, Sequence[Any]]) -> Any:  # noqa: ANN401 - any reply
    def reply(view: View) -> Any:  # noqa: ANN401 - any reply
        line = lines[name][view.spoken.get(name, 0) % len(lines[name])]
        if isinstance(line, Exception):
            raise line
        return line(view) if callable(line) else line

    return reply


if __name__ == "__main__":
    raise SystemExit(main())
