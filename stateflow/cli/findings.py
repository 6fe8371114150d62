"""Findings as they are told: lines for people, rows of JSON, annotations of GitHub.

Whatever names and texts a flow has, a line stays a line and a row a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.text import Text

from stateflow.cli.chart import MUTED, clean
from stateflow.cli.console import console, say
from stateflow.machine.check.finding import Finding, Severity

__all__ = ["Told", "as_annotations", "as_rows", "relative", "say_findings"]

_STYLES: Final[Mapping[Severity, str]] = {"error": "red", "warning": "yellow", "note": "blue"}
_LEVELS: Final[Mapping[Severity, str]] = {"error": "error", "warning": "warning", "note": "notice"}


@dataclass(frozen=True, slots=True)
class Told:
    """A finding, and the flow that was checked."""

    finding: Finding
    flow: str
    """Its name."""
    source: str
    """The reference that finds it again."""

    @property
    def file(self) -> str:
        """The file to mend, relative to the present folder if below it; ``""``: none is known."""
        origin = self.finding.origin
        if origin is None or origin.file.startswith("<"):
            named = self.source.rpartition(":")[0] or self.source
            return named if Path(named).is_file() else ""
        return relative(origin.file)

    @property
    def line(self) -> int:
        """Where to mend it, counted from 1."""
        origin = self.finding.origin
        return 1 if origin is None or origin.file.startswith("<") else max(origin.line, 1)

    @property
    def where(self) -> str:
        """File and line as editors and terminals understand them."""
        return f"{self.file}:{self.line}" if self.file else self.source


def relative(file: str) -> str:
    """Return *file* as seen from the present folder; a file elsewhere by its whole path."""
    whole, here = Path(file).resolve(), Path.cwd().resolve()
    return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else str(whole)


def say_findings(found: Sequence[Told]) -> None:
    """Put *found* on stdout, a line each, with what shows it below."""
    out = console("stdout")
    for one in found:
        finding = one.finding
        style = f"bold {_STYLES[finding.severity]}"
        line = Text(f"{_line(one.where)}: ")
        line.append(f"{finding.code} {finding.severity}", MUTED if finding.accepted else style)
        line.append(_line(f" at {finding.place!r}: {finding.text}"))
        say(out, line.append(_line(f"; {finding.cure}"), MUTED))
        if finding.witness:
            say(out, f"    {_line(finding.witness)}", MUTED)
        if finding.accepted:
            say(out, f"    accepted: {_line(finding.accepted)}", MUTED)


def _line(text: str) -> str:
    """Return *text* as one line that can be shown."""
    return clean(text).replace("\n", " ")


def as_rows(found: Sequence[Told]) -> str:
    """Return *found* as JSON, with whatever is known of each."""
    rows = [dict(_row(one)) for one in found]
    return f"{json.dumps(rows, ensure_ascii=False, indent=2)}\n"


def _row(told: Told) -> Iterator[tuple[str, str | int]]:
    yield "flow", told.source
    yield from (("file", told.file), ("line", told.line)) if told.file else ()
    for name in ("code", "severity", "place", "text", "cure", "witness", "accepted"):
        value = str(getattr(told.finding, name))
        if value or name not in {"witness", "accepted"}:
            yield name, value.encode("utf-8", "replace").decode("utf-8")


def as_annotations(found: Sequence[Told]) -> str:
    """Return *found* as workflow commands of GitHub; what is accepted annotates nothing."""
    return "".join(_annotation(one) for one in found if not one.finding.accepted)


def _annotation(told: Told) -> str:
    finding = told.finding
    given = {"title": f"{finding.code} at {finding.place!r}"}
    if told.file:
        given = {"file": told.file, "line": str(told.line), **given}
    properties = ",".join(f"{name}={_property(value)}" for name, value in given.items())
    text = f"{finding.text}; {finding.cure}"
    text += f"\n{finding.witness}" if finding.witness else ""
    return f"::{_LEVELS[finding.severity]} {properties}::{_data(text)}\n"


def _data(text: str) -> str:
    shown = clean(text)
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
