"""``stateflow show`` and ``ls``: reading what runs left behind."""

from __future__ import annotations

import asyncio
import json as json_module
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from stateflow.cli.chart import MUTED, Chart, clean, path_strip, short, spent
from stateflow.cli.console import console, say
from stateflow.cli.find import (
    find_flow,
    find_journal,
    flow_files,
    in_file,
    store_at,
    store_option,
    store_path,
)
from stateflow.cli.human import shown_options
from stateflow.cli.reading import (
    Reading,
    end_of,
    labelled,
    show_guards,
    show_messages,
    show_nested,
    show_open,
)
from stateflow.cli.trouble import BadInput, Misused, tell
from stateflow.conversation.message import NO_USAGE, Usage
from stateflow.diagram.words import counted
from stateflow.journal.event import Journal, RunStarted
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.stop import Stop
from stateflow.stores.base import Summary

if TYPE_CHECKING:
    from stateflow.cli.drive import Driving
    from stateflow.engine.result import Result

__all__ = ["journal_in", "ls", "show", "tell_result"]

_STORE_HELP = "SQLite file that keeps the runs."


def show(  # noqa: PLR0913 - what can be asked of a run
    run: str,
    /,
    *,
    path: Annotated[bool, Parameter(help="States that spoke, in order.")] = False,
    messages: Annotated[
        bool,
        Parameter(help="Everything that was said, with files, tool calls and what was retried."),
    ] = False,
    guards: Annotated[bool, Parameter(help="Every guard with its verdict.")] = False,
    at: Annotated[
        str | None,
        Parameter(
            help="The run as it stood after turn N: 0 is before the first, -1 the last; ask#1.0/2 "
            "is one of a nested run.",
            allow_leading_hyphen=True,
        ),
    ] = None,
    json: Annotated[bool, Parameter(help="The journal as JSON lines; with --at, that.")] = False,
    store: Annotated[Path | None, Parameter(help=_STORE_HELP)] = None,
) -> int:
    """Show a run: its path, its tokens and money by state, why it stopped.

    Parameters
    ----------
    run
        id of a run, its beginning or end, last, or a .jsonl file or cassette
    """
    if path + messages + guards + (json or at is not None) > 1:
        raise Misused(
            "--path, --messages, --guards and --json do not go together; ask for one; --at goes "
            "with --json alone"
        )
    journal = asyncio.run(journal_in(run, store))
    if at is not None:
        _show_at(journal, at, json=json)
        return 0
    if json:
        from stateflow.stores.file import dump_lines

        for line in dump_lines(journal):
            sys.stdout.write(f"{line}\n")
        return 0
    one, out = Reading(journal, Chart(journal.started)), console("stdout")
    if path:
        say(out, path_strip(one.chart, fold_of(journal.events).path))
        show_nested(out, one, "")
    elif messages:
        show_messages(out, one)
    elif guards:
        show_guards(out, one)
    else:
        _summary(out, one, run if in_file(run) else store)
    return 0


def ls(
    what: Literal["runs", "flows"] = "runs",
    folders: list[Path] | None = None,
    /,
    *,
    json: Annotated[bool, Parameter(help="As JSON.")] = False,
    store: Annotated[Path | None, Parameter(help=_STORE_HELP)] = None,
) -> int:
    """List runs, oldest first, or flows.

    Parameters
    ----------
    what
        what to list
    folders
        where flows are; flows, or else the present folder
    """
    if what == "flows":
        return _ls_flows(folders or [Path("flows") if Path("flows").is_dir() else Path()], json)
    summaries = asyncio.run(_runs(store))
    if json:
        _print_json(
            {
                "run": one.run,
                "flow": one.flow,
                "started_at": one.started_at,
                "events": one.events,
                "stop": one.stop,
            }
            for one in summaries
        )
        return 0
    when = [time.strftime("%Y-%m-%d %H:%M", time.localtime(s.started_at)) for s in summaries]
    _columns(
        ("run", "flow", "started", "events", "stop"),
        [(s.run, s.flow, w, str(s.events), s.stop) for s, w in zip(summaries, when, strict=True)],
    )
    return 0


def tell_result(result: Result, driving: Driving, resume: str) -> None:
    """Say on stdout how a run ended, where its journal is, and what can be done next."""
    out = console("stdout")
    journal = result.journal
    started = journal.events[0].event if journal is not None else None
    _stop(out, result.stop)
    if isinstance(started, RunStarted):
        labelled(out, "path", path_strip(Chart(started), result.path, end_of(result.stop)))
    listed = started.prices if isinstance(started, RunStarted) else ""
    labelled(out, "spent", _spent(result.turns, result.usage, result.seconds, listed))
    where = Text(clean(result.run), "cyan").append(f" in {store_path(driving.store)}", MUTED)
    if driving.record is not None:
        where.append(f" and {driving.record}", MUTED)
    labelled(out, "journal", where)
    name, store = short(result.run), store_option(driving.store)
    after = [f"stateflow show {name}{store}", f"stateflow replay {name}{store}"]
    labelled(out, "next", " · ".join([resume, *after] if result.stop.resumable else after))


def _show_at(journal: Journal, at: str, *, json: bool) -> None:
    from stateflow.cli.moment import moment_json, show_moment
    from stateflow.journal.moment import moment

    one = moment(journal, at)
    if json:
        told = json_module.dumps(moment_json(one), ensure_ascii=False, indent=2)
        sys.stdout.write(f"{told}\n")
    else:
        show_moment(console("stdout"), one, whole=True)


async def journal_in(run: str, store: Path | None) -> Journal:
    """Return the journal that *run* means: of the store, or a file."""
    kept = store_at(store)
    try:
        return await find_journal(kept, run)
    finally:
        await kept.aclose()


async def _runs(store: Path | None) -> list[Summary]:
    kept = store_at(store)
    try:
        return await kept.runs()
    finally:
        await kept.aclose()


def _summary(out: Console, one: Reading, kept: Path | str | None) -> None:
    """Show the run as a whole; it is *kept* in a file of lines, or in a store."""
    chart, fold, run = one.chart, fold_of(one.journal.events), one.journal.run
    say(out, Text(chart.name, "bold").append(f"  {chart.size()}", MUTED))
    _stop(out, fold.stop)
    labelled(out, "path", path_strip(chart, fold.path, end_of(fold.stop)))
    show_nested(out, one, "nested")
    listed = fold.started.prices if fold.started is not None else ""
    labelled(out, "spent", _spent(fold.turns, fold.spent, fold.elapsed_s, listed))
    for state, usage in fold.usage_by_state.items():
        line = Text(f"  {clean(state)}", chart.colour(state))
        labelled(out, "", line.append(f"  {'  '.join(spent(usage))}", MUTED))
    if fold.choosing != NO_USAGE:
        labelled(out, "", f"  of it to pick speakers  {'  '.join(spent(fold.choosing))}")
    where = kept if isinstance(kept, str) else store_path(kept)
    labelled(out, "journal", Text(clean(run), "cyan").append(f" in {where}", MUTED))
    if fold.stop is None:
        show_open(out, one, fold)
        if not isinstance(kept, str):
            labelled(out, "next", f"stateflow resume {short(run)}{store_option(kept)}")


def _stop(out: Console, stop: Stop | None) -> None:
    if stop is None:
        say(out, "cut off, or still running", "yellow")
        return
    style = "green" if stop.ok else "yellow" if stop.kind in {"waiting", "paused"} else "red"
    say(out, clean(str(stop)), f"bold {style}")
    for question in stop.questions:
        labelled(out, question.id, clean(question.text) + shown_options(question))


def _spent(turns: int, usage: Usage, seconds: float, listed: str) -> str:
    return " · ".join([counted(turns, "turn"), *spent(usage, seconds, clean(listed))])


def _ls_flows(folders: Sequence[Path], json: bool) -> int:  # noqa: FBT001 - passed on
    trouble = False
    rows: list[tuple[str, str, str, str]] = []
    for path in [file for folder in folders for file in _files(folder)]:
        try:
            found = find_flow(str(path))
        except BadInput as error:
            tell(str(error))
            trouble = True
            continue
        flow = found.flow
        about = (flow.description.strip().splitlines() or [""])[0]
        rows.append((found.source, flow.name, str(len(flow.states)), about))
    head = ("flow", "name", "states", "about")
    if json:
        _print_json({**dict(zip(head, row, strict=True)), "states": int(row[2])} for row in rows)
    else:
        _columns(head, rows)
    return 1 if trouble else 0


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BadInput(f"there is no folder {str(folder)!r} to look for flows in")
    return flow_files(folder)


def _print_json(rows: Iterable[Mapping[str, object]]) -> None:
    sys.stdout.write(f"{json_module.dumps(list(rows), ensure_ascii=False, indent=2)}\n")


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from stateflow.diagram.look import width

    out = console("stdout")
    shown = [[clean(cell) for cell in row] for row in rows]
    widths = [max(width(row[at]) for row in [head, *shown]) for at in range(len(head))]
    for number, row in enumerate([head, *shown]):
        cells = [cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)]
        say(out, "   ".join(cells).rstrip(), "" if number else MUTED)
