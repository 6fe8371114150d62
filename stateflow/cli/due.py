"""``stateflow resume --due``: going on with every run whose deadline has passed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from stateflow.cli.chart import clean, short
from stateflow.cli.console import console, say
from stateflow.cli.drive import Driving
from stateflow.cli.find import flow_of, store_there
from stateflow.cli.trouble import BadInput, tell
from stateflow.engine.due import Due
from stateflow.engine.runner import Runner
from stateflow.errors import RunHeld, StateflowError
from stateflow.journal.event import Journal, TurnTaken
from stateflow.journal.stop import Stop
from stateflow.machine.deadline import instant

__all__ = ["fire_all"]


@dataclass(slots=True)
class _Fired:
    """What came of the runs whose deadline had passed."""

    lines: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    failed: list[dict[str, object]] = field(default_factory=list[dict[str, object]])


async def fire_all(driving: Driving) -> int:
    """Go on with each run whose deadline has passed, one after the other; return the exit code."""
    fired = _Fired()
    async with Runner(
        store=store_there(driving.store), cache=driving.cache, allow_local=driving.allow_local
    ) as runner:
        late: dict[str, list[Due]] = {}
        for one in await runner.due():
            if one.passed:
                late.setdefault(one.run, []).append(one)
        for run, questions in late.items():
            try:
                await _fire(runner, questions, fired, driving)
            except RunHeld:
                continue  # it is under way, and sees to its deadline itself
            except (BadInput, StateflowError) as error:
                fired.failed.append({"run": run, "why": str(error)})
                tell(f"run {short(run)}: {error}")
        to_come = next((one for one in await runner.due() if not one.passed), None)
    _tell_end(fired, to_come, driving)
    return 1 if fired.failed else 0


async def _fire(runner: Runner, late: Sequence[Due], fired: _Fired, driving: Driving) -> None:
    run = late[0].run
    found = flow_of(await runner.journal(run), None)
    result = await runner.resume(found.flow, run)
    journal = await runner.journal(run)
    moves = [{"left": left, "to": to} for left, to in (_move(journal, one) for one in late)]
    fired.lines.append({"run": run, "moves": moves, "stop": str(result.stop)})
    if not driving.json:
        _tell(run, [f"{move['left']} → {move['to'] or 'nowhere'}" for move in moves], result.stop)


def _tell(run: str, moves: Sequence[str], stop: Stop) -> None:
    say(console("stdout"), clean(f"{run}   {', '.join(moves)}   {stop}"))


def _move(journal: Journal, late: Due) -> tuple[str, str | None]:
    """Return the state that was left, and where to; ``None``: it was not left."""
    *above, last = late.question.split("/")
    for key in above:
        journal = journal.children[key]
    left, place = late.question.rpartition("#")[0], last.rpartition(".")[0]
    for recorded in journal.events:
        turn = recorded.event
        if isinstance(turn, TurnTaken) and f"{turn.state}#{turn.visit}" == place and turn.steps:
            return left, turn.steps[-1].to or "done"
    return left, None


def _tell_end(fired: _Fired, to_come: Due | None, driving: Driving) -> None:
    """Say which deadline is the next to come."""
    if driving.json:
        coming = None
        if to_come is not None:
            coming = {"run": to_come.run, "question": to_come.question, "at": to_come.at}
        whole = {"fired": fired.lines, "failed": fired.failed, "next": coming}
        sys.stdout.write(f"{json.dumps(whole, ensure_ascii=False)}\n")
        return
    out = console("stdout")
    if not (fired.lines or fired.failed):
        say(out, "no deadline has passed")
    if to_come is not None:
        of = f"{to_come.question} of {to_come.run}"
        say(out, clean(f"next     {instant(to_come.at)}   {of}"))
