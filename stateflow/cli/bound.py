"""``stateflow bound``: what a run can take at most, and what recorded runs took."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import Parameter
from rich.text import Text

from stateflow.cli.chart import MUTED, Chart, clean, money
from stateflow.cli.console import console, say
from stateflow.cli.find import find_flow
from stateflow.cli.recorded import ALL, journals_of
from stateflow.cli.trouble import Misused
from stateflow.conversation.message import Usage
from stateflow.diagram.words import counted
from stateflow.journal.event import RunStarted
from stateflow.machine.flow import Flow

if TYPE_CHECKING:
    from stateflow.journal.chain import Expected
    from stateflow.machine.bound.bound import Bound, Figure

__all__ = ["bound"]

_WORDS: Final[Mapping[str, str]] = {
    "turns": "turns",
    "calls": "model calls",
    "tools": "tool calls",
    "code": "code runs",
    "tokens": "tokens",
    "usd": "money",
}


def bound(
    flow: str,
    /,
    *,
    runs: Annotated[
        list[str] | None,
        Parameter(
            consume_multiple=True,
            help="Recorded runs, as ids, .jsonl files or cassettes, or all: what they took.",
        ),
    ] = None,
    store: Annotated[
        Path | None, Parameter(help="SQLite file that keeps the runs; alone, all of the flow's.")
    ] = None,
    task_tokens: Annotated[int, Parameter(help="Size of the task [tokens]; else 1,000.")] = 1_000,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["text", "json", "md"], Parameter(help="How the figures are written.")
    ] = "text",
) -> int:
    """Tell what a run can take at most: turns, calls, code, tokens, money.  Nothing is run.

    Exits with 1 where something has no bound.

    Parameters
    ----------
    flow
        path.py[:attr], pkg.mod:attr or path.json
    """
    from stateflow.engine.ceiling import bound as bound_of

    if task_tokens < 0:
        raise Misused(f"--task-tokens {task_tokens} is less than none")
    found = find_flow(flow).flow
    told = bound_of(found, task_tokens=task_tokens)
    mean = _expected(found, runs, store)
    if format == "json":
        sys.stdout.write(f"{json.dumps(_json(told, mean), ensure_ascii=False, indent=2)}\n")
    elif format == "md":
        sys.stdout.write("".join(f"{line}\n" for line in _page(told, mean)))
    else:
        _show(found, told, mean)
    return 0 if told.bounded else 1


def _expected(flow: Flow, runs: list[str] | None, store: Path | None) -> Expected | None:
    """Return what recorded runs took, where some are asked for."""
    from stateflow.journal.chain import expected

    if runs is None and store is None:
        return None
    if runs == []:
        raise Misused("--runs names no run; add ids or files, or leave it out with --store")
    return expected(asyncio.run(journals_of(flow, runs or [ALL], store)))


def _most(figure: Figure) -> str:
    """Return how much a figure is, in words."""
    if not figure.bounded:
        return "unbounded"
    amount = f"{figure.most:,.10g}"
    if figure.name == "usd":
        amount = money(Usage(usd=figure.most)) or "none"
    return amount if figure.tight else f"at most {amount}"


def _why(figure: Figure) -> Iterator[str]:
    """Yield what bounds a figure, and the way that comes to it."""
    from stateflow.machine.bound.bound import folded_path

    if figure.why:
        yield figure.why
    if figure.path and figure.bounded:
        yield folded_path(figure.path)


def _show(flow: Flow, told: Bound, mean: Expected | None) -> None:
    out = console("stdout")
    moves = sum(len(place.transitions) for place in flow.places.values())
    size = f"{counted(len(flow.states), 'state')} · {counted(moves, 'transition')}"
    say(out, Text(clean(flow.name), "bold").append(f"  {size}", MUTED))
    wide = max(len(_most(figure)) for figure in told.figures)
    for figure in told.figures:
        style = "red" if not figure.bounded else "green" if figure.tight else "yellow"
        line = Text(f"{_WORDS[figure.name]:<11} ", MUTED)
        why = list(_why(figure))
        line.append(f"{_most(figure):<{wide if why else 0}}", f"bold {style}")
        for number, part in enumerate(why):
            line.append(f"  {clean(part)}" if not number else f"\n{'':<12}{clean(part)}", MUTED)
        say(out, line)
    for note in told.notes:
        say(out, clean(note), f"italic {MUTED}")
    if mean is not None:
        _show_mean(Chart(RunStarted(flow.name, flow.table(), "")), mean)


def _show_mean(chart: Chart, mean: Expected) -> None:
    out = console("stdout")
    say(out)
    say(out, Text("on average", "bold").append(f"  {clean(_of(mean))}", MUTED))
    for name, told in _means(mean):
        say(out, Text(f"{_WORDS[name]:<11} ", MUTED).append(told))
    for label, rows, style in (
        ("visits", [(n, f"{v:.3g}") for n, v in mean.visits.items()], True),
        ("stops", [(n, f"{c:.1%}") for n, c in mean.stops.items()], False),
    ):
        line = Text(f"{label:<11} ", MUTED)
        for number, (name, amount) in enumerate(rows):
            line.append("" if not number else " · ", MUTED)
            line.append(clean(name), chart.colour(name) if style else "").append(f" {amount}")
        say(out, line)
    if mean.unseen:
        say(out, Text(f"{'never':<11} ", MUTED).append(clean(", ".join(mean.unseen)), "yellow"))


def _of(mean: Expected) -> str:
    """Return which runs these are."""
    told = f"of {counted(mean.runs, 'run')}"
    if mean.open:
        told += f", {mean.open} of them still open"
    return told if mean.versions == 1 else f"{told}, of {mean.versions} versions of the flow"


def _means(mean: Expected) -> Iterator[tuple[str, str]]:
    for name in ("turns", "calls", "tokens", "usd"):
        value = getattr(mean, name)
        money_ = name == "usd"
        told = "unknown" if value is None else f"${value:,.4f}" if money_ else f"{value:,.4g}"
        spread = mean.spread.get(name)
        if spread is not None:
            sign = "$" if money_ else ""
            half = "of those that stopped, half" if mean.open else "half of the runs"
            told += f"  ({half} ≤ {sign}{spread.p50:,.4g}, 95 % ≤ {sign}{spread.p95:,.4g})"
        yield name, told


def _page(told: Bound, mean: Expected | None) -> Iterator[str]:
    """Yield the lines of a page in Markdown."""
    yield f"# What a run of {_cell(told.flow)} can take"
    yield ""
    yield "| figure | most | why |"
    yield "| --- | --- | --- |"
    for figure in told.figures:
        yield f"| {_WORDS[figure.name]} | {_most(figure)} | {_cell('; '.join(_why(figure)))} |"
    yield ""
    yield from (f"- {_cell(note)}" for note in told.notes)
    if mean is None:
        return
    yield ""
    yield f"On average, {_cell(_of(mean))}:"
    yield ""
    yield "| figure | runs took |"
    yield "| --- | --- |"
    yield from (f"| {_WORDS[name]} | {text} |" for name, text in _means(mean))
    yield from (f"| visits of {_cell(name)} | {value:.3g} |" for name, value in mean.visits.items())
    yield from (f"| ends {_cell(name)} | {value:.1%} |" for name, value in mean.stops.items())
    yield from (f"| visits of {_cell(name)} | never |" for name in mean.unseen)


def _cell(text: str) -> str:
    """Return *text* as it is shown in a cell, whatever it holds."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(clean(text).split())


def _json(told: Bound, mean: Expected | None) -> dict[str, object]:
    figures = [
        {
            "figure": one.name,
            "most": one.most if one.bounded else None,
            "tight": one.tight,
            "why": one.why,
            "path": list(one.path),
        }
        for one in told.figures
    ]
    whole: dict[str, object] = {"flow": told.flow, "figures": figures, "notes": list(told.notes)}
    return whole if mean is None else {**whole, "expected": asdict(mean)}
