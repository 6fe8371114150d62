"""Mutants as they are told: what became of them, as text and as JSON."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from rich.text import Text

from stateflow.cli.chart import MUTED, clean
from stateflow.cli.console import console, say
from stateflow.diagram.words import counted
from stateflow.engine.finding import parted, relative

if TYPE_CHECKING:
    from stateflow.testing.mutate.mutant import Mutant
    from stateflow.testing.mutate.session import Tried

__all__ = ["as_json", "list_mutants", "tell_report"]

_MOST: Final = 3
"""So many tests are named that did not notice."""
_FATES: Final = ("killed", "timed out", "survived", "accepted", "equivalent")


def list_mutants(mutants: Sequence[Mutant], format: Literal["text", "json"]) -> None:  # noqa: A002 - the option's name
    """Tell what would be tried."""
    if format == "json":
        _put({"mutants": [_row(one) for one in mutants]})
        return
    out = console("stdout")
    for one in mutants:
        line = Text(clean(one.id), "bold").append(f"  {_where(one)}\n", MUTED)
        line.append(f"    {clean(one.text)}")
        if one.equivalent:
            line.append(f"\n    equivalent: {clean(one.equivalent)}", MUTED)
        say(out, line)
    say(console("stderr"), counted(len(mutants), "mutant"), MUTED)


def tell_report(
    source: str, flow: str, told: Sequence[Tried], accepted: Mapping[str, str], *, missing: int
) -> None:
    """Tell what became of all mutants; at length of those that survived."""
    from stateflow.testing.coverage.report import shown
    from stateflow.testing.mutate.session import score

    out = console("stdout")
    for one in told:
        if one.fate == "survived":
            say(out, _survivor(one))
    for fate in ("accepted", "equivalent"):
        for one in told:
            if one.fate == fate:
                say(out, clean(f"{fate:<11}{one.mutant.id}: {one.why}"), MUTED)
    for key in _stale(told, accepted):
        say(out, clean(f"accepted   {key} does not survive; take it out of the table"), "yellow")
    counts = Counter(one.fate for one in told)
    line = Text(clean(flow), "bold").append(f"  {counted(len(told), 'mutant')}: ")
    line.append(" · ".join(f"{counts[fate]} {fate}" for fate in _FATES if counts[fate]))
    line.append(f" · score {shown(score(told))}", "bold")
    if missing:
        line.append(f" · stopped, {missing} not tried", "yellow")
    say(out, line)
    _tell_how(source, told)


def _tell_how(source: str, told: Sequence[Tried]) -> None:
    """Tell how to see a survivor."""
    survivor = next((one.mutant for one in told if one.fate == "survived"), None)
    if survivor is not None:
        named = shlex.quote(f"{source}::{survivor.id}")
        how = f"pytest -p stateflow.testing.plugin.mutating --stateflow-mutant={named}"
        stem = Path(parted(source)[0]).stem
        test = f"stateflow explore {shlex.quote(source)} --to tests/test_{stem}_paths.py"
        say(console("stderr"), clean(f"to see one as your tests do: {how}"), MUTED)
        say(console("stderr"), clean(f"to write tests of all transitions: {test}"), MUTED)


def _survivor(one: Tried) -> Text:
    mutant = one.mutant
    text = Text("survived   ", "bold red").append(clean(mutant.id), "bold")
    text.append(f"  {_where(mutant)}", MUTED)
    text.append(f"\n           - {clean(mutant.before)}", "red")
    text.append(f"\n           + {clean(mutant.after)}", "green")
    return text.append(f"\n           {clean(_came_by(one))}", MUTED)


def _came_by(one: Tried) -> str:
    """Return who did not notice."""
    if one.why:
        return one.why
    names = ", ".join(one.tests[:_MOST])
    more = len(one.tests) - _MOST
    return f"not noticed by {names}" + (f" and {more} more" if more > 0 else "")


def _stale(told: Sequence[Tried], accepted: Mapping[str, str]) -> Iterator[str]:
    """Yield what is accepted, and was noticed all the same."""
    gone = [one.mutant.id for one in told if one.fate in {"killed", "timed out", "equivalent"}]
    return (key for key in accepted if key in gone)


def as_json(flow: str, told: Sequence[Tried], *, whole: bool) -> None:
    """Tell all of it as JSON."""
    from stateflow.testing.mutate.session import score

    counts = Counter(one.fate for one in told)
    rows = [
        {
            **_row(one.mutant),
            "fate": one.fate,
            "killer": one.killer,
            "tests": [*one.tests],
            "why": one.why,
        }
        for one in told
    ]
    _put(
        {
            "flow": flow,
            "score": round(score(told), 2),
            "whole": whole,
            "counts": {fate: counts[fate] for fate in _FATES},
            "mutants": rows,
        }
    )


def _row(mutant: Mutant) -> dict[str, object]:
    return {
        "id": mutant.id,
        "operator": mutant.operator,
        "flow": mutant.flow.name,
        "place": mutant.at,
        "file": mutant.origin.file if mutant.origin is not None else "",
        "line": mutant.origin.line if mutant.origin is not None else 0,
        "before": mutant.before,
        "after": mutant.after,
        "equivalent": mutant.equivalent,
    }


def _where(mutant: Mutant) -> str:
    at = mutant.origin
    if at is None:
        return ""
    return clean(f"{relative(Path(at.file))}:{at.line}")


def _put(whole: object) -> None:
    sys.stdout.write(f"{json.dumps(whole, ensure_ascii=False, indent=2)}\n")
