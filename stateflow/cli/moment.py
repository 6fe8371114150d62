"""A run as it stood after a turn, on a terminal and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from rich.console import Console
from rich.text import Text

from stateflow.cli.chart import MUTED, Chart, clean, cut, folded, path_strip, short, spent
from stateflow.cli.console import say
from stateflow.cli.notes import notes_of
from stateflow.cli.reading import labelled
from stateflow.conversation.message import Usage
from stateflow.diagram.words import counted
from stateflow.engine.spending import budget_from, left
from stateflow.journal.event import Step, TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.moment import Moment
from stateflow.journal.said import message_of
from stateflow.machine.budget import Budget
from stateflow.value import Json, canonical_json

__all__ = ["limits_left", "moment_json", "show_moment", "turns_in"]

_SIGNS = {True: ("✔", "green"), False: ("✘", "red"), None: ("–", MUTED)}
_SHOWN = 8
"""Most states of the path that are shown; of a longer one, the last."""
_MOST = 6
"""Most lines of a text that are shown, unless all are asked for."""


def turns_in(one: Moment) -> int:
    """Return how many turns the run of *one* has in all."""
    return len(fold_of(one.journal.events).path)


def show_moment(out: Console, one: Moment, *, whole: bool = False) -> None:
    """Show *one*; texts as a *whole*, or their first lines."""
    chart = Chart(one.journal.started)
    head = Text(chart.name, "bold").append(f"  run {short(clean(one.journal.run))}", MUTED)
    say(out, head)
    strip = path_strip(chart, [*one.fold.path[-_SHOWN:]], clean(one.fold.state))
    say(out, Text("… → " if len(one.fold.path) > _SHOWN else "", MUTED).append_text(strip))
    say(out, _title(one, chart))
    if one.turn is not None:
        _show_turn(out, one, chart, whole=whole)
    for word, text in _standing(one, chart):
        labelled(out, word, text)


def _title(one: Moment, chart: Chart) -> Text:
    where = f"{clean(one.path)}turn {one.number} of {turns_in(one)}"
    if one.turn is None:
        return Text(where, "bold").append("  before the first turn", MUTED)
    state = one.turn.state
    line = Text(where, "bold").append("  ").append(clean(state), f"bold {chart.colour(state)}")
    who = chart.who(state)
    by = [chart.by(agent) for agent in chart.speakers(state)]
    limit = chart.limit(state)
    visit = f"visit {one.turn.visit}" + (f"/{limit}" if limit is not None else "")
    words = [
        clean(" · ".join(word for word in (who, *by) if word)),
        visit if one.turn.visit > 1 or limit is not None else "",
        *spent(one.turn.usage),
    ]
    return line.append("".join(f"  {word}" for word in words if word), MUTED)


def _show_turn(out: Console, one: Moment, chart: Chart, *, whole: bool) -> None:
    """Show what the turn saw, what was said in it, and which guards were asked."""
    turn, before = one.turn, one.before
    if turn is None:
        return
    columns = max(20, out.width - 4)
    say(out, f"    {cut(_saw(one), columns)}", MUTED)
    for ordinal in sorted(before.answers):
        for note in notes_of(chart, before, ordinal, columns):
            say(out, f"    {clean(note)}", MUTED)
    _show_said(out, one, turn, whole=whole)
    for step in turn.steps:
        _guards(out, chart, step)
    if one.stopped is not None:
        for name, verdict in one.stopped.stop.tried:
            say(out, _verdict(name, verdict))
        say(out, f"    {clean(str(one.stopped.stop))}", "yellow")


def _saw(one: Moment) -> str:
    seen = one.before.transcript
    last = f", the last of {seen.last.speaker}: {seen.last.text}" if len(seen) else ""
    return f"saw {counted(len(seen), 'message')}{last}"


def _show_said(out: Console, one: Moment, turn: TurnTaken, *, whole: bool) -> None:
    for said in turn.said:
        if said.of is not None or said.part is not None:
            text = message_of(said, one.before.answers, turn.usage).text
            _text(out, f"{said.by}: {text}", whole=whole)
        elif turn.fault is None:
            say(out, f"    {clean(said.by)} said nothing", MUTED)
    if turn.fault is not None:
        _text(out, str(turn.fault), whole=whole, style="red")


def _text(out: Console, text: str, *, whole: bool, style: str = "") -> None:
    lines = folded(clean(text).rstrip("\n"), max(20, out.width - 4))
    shown = lines if whole else lines[:_MOST]
    for line in shown:
        say(out, f"    {line.rstrip()}", style)
    if len(lines) > len(shown):
        say(out, f"    … {counted(len(lines) - len(shown), 'more line')}", MUTED)


def _guards(out: Console, chart: Chart, step: Step) -> None:
    names = chart.guards(step.at)
    for number in range(max(len(names), len(step.tried))):
        name = names[number] if number < len(names) else "?"
        verdict = step.tried[number] if number < len(step.tried) else None
        say(out, _verdict(f"{number + 1} {name}", verdict))
    line = Text(f"    {clean(step.at)} → ", MUTED)
    line.append(clean(step.to or "done"), chart.colour(step.to or ""))
    say(out, line.append("  on_error" if step.taken is None else "", MUTED))


def _verdict(name: str, verdict: bool | None) -> Text:  # noqa: FBT001 - it is what is told
    sign, style = _SIGNS[verdict]
    return Text("    ").append(sign, style).append(f" {clean(name)}", "" if verdict else MUTED)


def _standing(one: Moment, chart: Chart) -> Iterator[tuple[str, str]]:
    """Yield where the run stands, a line each behind its word."""
    fold = one.fold
    for name, value in fold.data.items():
        was = one.before.data.get(name)
        now = canonical_json(value)
        changed = f"{canonical_json(was)} → {now}" if was != value else now
        yield "data", f"{clean(name)} = {cut(changed, 200)}"
    counts = (
        f"{clean(name)} {count}" + (f"/{limit}" if (limit := chart.limit(name)) else "")
        for name, count in fold.visits.items()
    )
    yield "visits", " · ".join(counts)
    yield "spent", " · ".join([counted(fold.turns, "turn"), *spent(fold.spent, fold.elapsed_s)])
    yield "left", " · ".join(f"{value} {name}" for name, value in _left(fold).items())
    if fold.reply is not None:
        yield "given", cut(f"the next says: {fold.reply}", 200)
    yield "next", _next(one, chart)
    then = _then(one)
    if then:
        yield "then", clean(then)


def _then(one: Moment) -> str:
    """Return how the run stopped after its last turn without an end; empty: it went on."""
    if one.stopped is not None or one.fold.ended or one.number < turns_in(one):
        return ""
    last = fold_of(one.journal.events)
    if last.ended:
        return ""
    return "cut off, or still running" if last.stop is None else str(last.stop)


def _left(fold: Fold) -> dict[str, Any]:
    """Return what is left of each limit; what is unlimited is not told."""
    started = fold.started
    given: Any = fold.budget
    if given is None and started is not None:
        given = started.table.get("budget")
    return limits_left(left(budget_from(given) if given is not None else Budget(), fold))


def limits_left(budget: Budget) -> dict[str, Any]:
    """Return the limits of *budget* that there are, without its depth."""
    limits = {field.name: getattr(budget, field.name) for field in fields(Budget)}
    return {
        name: round(value, 6) if isinstance(value, float) else value
        for name, value in limits.items()
        if value is not None and name not in {"unpriced", "depth"} and value != math.inf
    }


def _next(one: Moment, chart: Chart) -> str:
    """Return who speaks next, or how the run ended."""
    state = one.fold.state
    place = chart.places.get(state, {})
    if not state or "final" in place or one.fold.ended:
        stop = fold_of(one.journal.events).stop
        return clean(str(stop)) if stop is not None else "the end"
    if one.stopped is not None:
        return f"{clean(state)} again, once it is resumed"
    by = [chart.by(agent) for agent in chart.speakers(state)]
    words = [word for word in (chart.who(state), *by) if word]
    return f"{clean(state)}: {clean(' · '.join(words))}" if words else clean(state)


def moment_json(one: Moment) -> dict[str, Json]:
    """Return *one* as JSON."""
    chart, fold, turn = Chart(one.journal.started), one.fold, one.turn
    seen = one.before.transcript
    return {
        "run": one.journal.run,
        "flow": one.journal.started.flow,
        "path": one.path,
        "turn": one.number,
        "turns": turns_in(one),
        "state": fold.state,
        "said": None if turn is None else _said_json(one),
        "saw": {
            "messages": len(seen),
            "last": {"speaker": seen.last.speaker, "text": seen.last.text} if len(seen) else None,
        },
        "data": dict(fold.data),
        "visits": dict(fold.visits),
        "states": list(fold.path),
        "spent": {"turns": fold.turns, "seconds": round(fold.elapsed_s, 4), **_usage(fold.spent)},
        "left": _left(fold),
        "next": _next(one, chart),
        "then": _then(one),
    }


def _said_json(one: Moment) -> Json:
    turn = one.turn
    if turn is None:
        return None
    chart = Chart(one.journal.started)
    steps: list[Json] = []
    for step in turn.steps:
        names = chart.guards(step.at)
        tried: list[Json] = [
            {"guard": names[n] if n < len(names) else "?", "verdict": verdict}
            for n, verdict in enumerate(step.tried)
        ]
        steps.append({"at": step.at, "to": step.to, "tried": tried, "taken": step.taken})
    return {
        "state": turn.state,
        "visit": turn.visit,
        "by": [said.by for said in turn.said],
        "texts": list(one.said),
        "fault": None if turn.fault is None else str(turn.fault),
        "steps": steps,
        "patch": turn.patch,
    }


def _usage(usage: Usage) -> dict[str, Json]:
    return {"calls": usage.calls, "tokens": usage.tokens, "usd": usage.usd}
