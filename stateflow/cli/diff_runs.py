"""Two runs that are compared: where they part, turn by turn, and what each of them cost."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.text import Text

from stateflow.cli.chart import MUTED, clean, cut, spent
from stateflow.cli.markdown import code, fenced
from stateflow.cli.sides import Side
from stateflow.diagram.words import counted
from stateflow.journal.aligned import Aligned, Pair, Spoken
from stateflow.journal.fold import Fold
from stateflow.machine.difference.words import sentence
from stateflow.value import Json, canonical_json

__all__ = ["as_json", "as_lines", "as_page"]

_WIDE = 72
_MOST = 12
"""So many lines of what was said are shown of a turn."""
_SAYS = {True: "yes", False: "no", None: "not asked"}


def as_lines(one: Side, other: Side, found: Aligned) -> Iterator[Text]:
    """Yield how two runs differ, for a terminal."""
    yield Text(clean(f"{one.label} → {other.label}: {_summary(found)}"), "bold")
    for word, before, after in found.given:
        yield Text(f"~ {word} {_short(before)} → {_short(after)}", "yellow")
    if found.flows:
        yield Text(clean(f"~ flow {sentence(found.flows.changes)}"), "yellow")
    for number, pair in enumerate(found.pairs):
        yield from _turn(number, pair, first=number == found.first)
    for side, fold in ((one, found.before), (other, found.after)):
        yield Text(clean(f"{side.label}: "), "bold").append(clean(_totals(fold)), MUTED)


def as_page(one: Side, other: Side, found: Aligned) -> str:
    """Return how two runs differ, as Markdown."""
    parts = [f"{code(clean(one.label))} → {code(clean(other.label))}: {_summary(found)}"]
    rows = ["| | run | turns, tokens, money | stop |", "| --- | --- | --- | --- |"]
    for word, side, fold in (("before", one, found.before), ("after", other, found.after)):
        stop = code(clean(str(fold.stop or "cut off")))
        rows.append(f"| {word} | {code(clean(side.label))} | {code(_cost(fold))} | {stop} |")
    parts.append("\n".join(rows))
    lines = [str(line) for line in as_lines(one, other, found)][1:-2]
    if any(line[:1] in "+−~" for line in lines):
        parts.append(fenced("diff", (line.replace("−", "-", 1) for line in lines)))
    return "\n\n".join(parts) + "\n"


def as_json(one: Side, other: Side, found: Aligned) -> str:
    """Return how two runs differ, as JSON."""
    whole: dict[str, Any] = {
        "before": {"run": one.label, **_facts(found.before)},
        "after": {"run": other.label, **_facts(found.after)},
        "given": [{"what": w, "before": b, "after": a} for w, b, a in found.given],
        "flow": [asdict(change) for change in found.flows.changes],
        "first": found.first,
        "turns": [{"same": pair.same, **asdict(pair)} for pair in found.pairs],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _summary(found: Aligned) -> str:
    """Return in one line whether, and where, the two part."""
    if found.first is None:
        if not found:
            return f"the same {counted(len(found.pairs), 'turn')}"
        given = ", ".join([word for word, _, _ in found.given] + ["flow"] * bool(found.flows))
        return f"the same turns; {f'other {given}' if given else 'another stop'}"
    pair = found.pairs[found.first]
    turn = pair.after or pair.before
    at = turn.path if turn is not None else ""
    same = sum(pair.same for pair in found.pairs)
    return (
        f"they part at turn {found.first + 1}, at {at!r}; {same} of {len(found.pairs)} are the same"
    )


def _turn(number: int, pair: Pair, *, first: bool) -> Iterator[Text]:
    """Yield one turn: in a line where both have it, else with what differs; in full, the first."""
    turn = pair.after or pair.before
    if turn is None:
        return
    sign, style = ("~", "yellow")
    if pair.same:
        sign, style = " ", MUTED
    elif pair.before is None or pair.after is None:
        sign, style = ("+", "green") if pair.before is None else ("−", "red")
    line = Text(f"{sign} ", style).append(clean(f"{number + 1:>3} {_named(turn)}"), style)
    yield line.append(f"  {cut(turn.text or turn.fault, _WIDE)}", "" if not pair.same else MUTED)
    if pair.before is not None and pair.after is not None and not pair.same:
        yield from _texts(pair.before, pair.after)
        yield from _ways(pair.before, pair.after)
    if first:
        for one, sign in ((pair.before, "-"), (pair.after, "+")):
            if one is not None:
                yield Text(f"      {sign} {clean(_asked(one))}", MUTED)


def _named(turn: Spoken) -> str:
    who = ", ".join(turn.by)
    return f"{turn.path} ({who})" if who and who != turn.path else turn.path


def _texts(before: Spoken, after: Spoken) -> Iterator[Text]:
    """Yield how what was said differs, line by line."""
    old, new = ((turn.text or turn.fault).split("\n") for turn in (before, after))
    told = list(difflib.unified_diff(old, new, lineterm="", n=0))[2:]
    rows = [row for row in told if not row.startswith("@@")]
    for row in rows[:_MOST]:
        yield Text(f"      {row[:1]} {clean(row[1:])}", "red" if row[0] == "-" else "green")
    if len(rows) > _MOST:
        yield Text(f"      … {len(rows) - _MOST} lines more", MUTED)


def _ways(before: Spoken, after: Spoken) -> Iterator[Text]:
    if before.led != after.led:
        old, new = (" → ".join(turn.led) or "nowhere" for turn in (before, after))
        yield Text(clean(f"      leads to {old}, now to {new}"), "yellow")


def _asked(turn: Spoken) -> str:
    """Return the verdicts of *turn*, and what it cost."""
    asked = ", ".join(f"{name}: {_SAYS[verdict]}" for name, verdict in turn.verdicts)
    cost = "  ".join(spent(turn.usage))
    return " · ".join(part for part in (asked or "nothing asked", cost) if part)


def _totals(fold: Fold) -> str:
    return f"{_cost(fold)} · {fold.stop or 'cut off, or still running'}"


def _cost(fold: Fold) -> str:
    return " · ".join([counted(fold.turns, "turn"), *spent(fold.spent)])


def _facts(fold: Fold) -> dict[str, Any]:
    return {
        "turns": fold.turns,
        "usage": asdict(fold.spent),
        "path": fold.path,
        "stop": None if fold.stop is None else str(fold.stop),
    }


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else canonical_json(value)
    return cut(text, _WIDE) or "''"
