"""``stateflow rules``: what must hold of every run, held against the graph and against runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter
from rich.text import Text

from stateflow.cli.chart import MUTED, clean, short
from stateflow.cli.console import console, say
from stateflow.cli.find import find_flow, find_journal, store_at
from stateflow.cli.recorded import runs_named
from stateflow.cli.trouble import BadInput, tell
from stateflow.errors import StateflowError
from stateflow.journal.event import Journal
from stateflow.machine.flow import Flow

__all__ = ["rules"]

_Word: TypeAlias = Literal["holds", "broken", "undecided"]

_STYLES: Mapping[_Word, str] = {"holds": "green", "broken": "bold red", "undecided": "yellow"}


def rules(
    flow: str,
    runs: list[str] | None = None,
    /,
    *,
    store: Annotated[Path | None, Parameter(help="SQLite file that keeps the runs.")] = None,
) -> int:
    """Hold a flow's rules against its graph, and against runs; exit with 1 if one is broken.

    Parameters
    ----------
    flow
        path.py[:attr], pkg.mod:attr or path.json
    runs
        ids of runs, their beginnings or ends, last, all, .jsonl files or cassettes
    """
    found = find_flow(flow)
    ruled = [one for one in found.flow.flows if one.rules]
    if not ruled:
        say(console("stderr"), clean(f"flow {found.flow.name!r} has no rules"), MUTED)
    told = [_on_graph(one, found.flow) for one in ruled]
    if runs:
        told.append(asyncio.run(_on_runs(found.flow, runs, store)))
    return max(told, default=0)


def _on_graph(flow: Flow, root: Flow) -> int:
    """Tell what the graph says of each rule of *flow*."""
    from stateflow.machine.check.rules import verdicts
    from stateflow.machine.rule.automaton import shown_path

    words: Mapping[bool | None, _Word] = {True: "holds", False: "broken", None: "undecided"}
    code = 0
    for one in verdicts(flow):
        where = "" if flow is root else flow.name
        _say(words[one.holds], where, f"{one.rule}", shown_path(one.path))
        code |= one.holds is False
    return code


async def _on_runs(flow: Flow, runs: Sequence[str], store: Path | None) -> int:
    kept = store_at(store)
    code = 0
    try:
        for run in await runs_named(kept, flow, runs):
            try:
                code |= _on_run(flow, await find_journal(kept, run))
            except (StateflowError, BadInput) as error:
                tell(f"{run}: {error}" if len(runs) > 1 else str(error))
                code = 1
    finally:
        await kept.aclose()
    return code


def _on_run(flow: Flow, journal: Journal) -> int:
    """Tell what a run says of each rule, those of its nested runs included."""
    from stateflow.journal.ruled import violation
    from stateflow.machine.rule.automaton import DONE
    from stateflow.machine.table_json import places_in

    begun = journal.started.flow
    if begun != flow.name:
        raise BadInput(f"run {short(journal.run)!r} is of flow {begun!r}, not of {flow.name!r}")
    say(console("stdout"), f"run {clean(journal.run)}", "bold")
    flows = {one.name: one for one in reversed(flow.flows)}
    code = 0
    for place, one in _runs_in(journal, ""):
        ruled = flows.get(one.started.flow)
        there = {*places_in(one.started.table), DONE}
        for rule in ruled.rules if ruled is not None else ():
            gone = [name for name in rule.places if name not in there]
            if gone:
                _say("undecided", place, rule.name, f"the run's flow had no {gone[0]!r}")
                continue
            broken = violation(one.events, rule)
            if broken is None:
                _say("holds", place, rule.name, "")
                continue
            code = 1
            _say("broken", place, rule.name, str(broken).removeprefix(f"{rule} is broken "))
    return code


def _runs_in(journal: Journal, path: str) -> Iterator[tuple[str, Journal]]:
    """Yield a run and its nested ones, each with its path."""
    yield path, journal
    for place, child in journal.children.items():
        yield from _runs_in(child, f"{path}/{place}" if path else place)


def _say(word: _Word, where: str, rule: str, why: str) -> None:
    line = Text(f"{word:<9}  ", _STYLES[word])
    if where:
        line.append(clean(f"{where}: "), MUTED)
    line.append(clean(rule))
    say(console("stdout"), line.append(clean(f"  {why}") if why else "", MUTED))
