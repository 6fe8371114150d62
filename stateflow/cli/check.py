"""``stateflow check``: what is wrong with flows."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter

from stateflow.cli.chart import MUTED
from stateflow.cli.console import console, say
from stateflow.cli.find import Found, each_of, found_here
from stateflow.cli.findings import Told, as_annotations, as_rows, say_findings
from stateflow.cli.trouble import BadInput
from stateflow.diagram.words import counted

__all__ = ["check"]

Form: TypeAlias = Literal["text", "json", "github", "sarif"]


def check(
    flows: list[str],
    /,
    *,
    format: Annotated[  # noqa: A002 - the option's name
        Form, Parameter(help="How findings are written.")
    ] = "text",
    notes: Annotated[bool, Parameter(help="Tell what may well be meant, too.")] = False,
    accepted: Annotated[
        bool, Parameter(help="Tell what the flows accept, too, with the reasons.")
    ] = False,
    strict: Annotated[bool, Parameter(help="Fail on warnings, too.")] = False,
) -> int:
    """Tell what is wrong with flows: dead ends, guards that leave gaps, cycles without a cap.

    Parameters
    ----------
    flows
        path.py[:attr], pkg.mod:attr, or a folder of them
    """
    everything = [
        told
        for reference in flows
        for one in each_of(reference)
        for told in _told(one, notes=notes, alone=one == reference)
    ]
    open_ones = [one for one in everything if not one.finding.accepted]
    shown = everything if accepted or format in {"json", "sarif"} else open_ones
    if format == "text":
        say_findings(shown)
        say(console("stderr"), _summary(shown, len(everything) - len(shown)), MUTED)
    else:
        sys.stdout.write(_written(format, shown))
    failing = {"error", "warning"} if strict else {"error"}
    return int(any(one.finding.severity in failing for one in open_ones))


def _told(reference: str, *, notes: bool, alone: bool) -> list[Told]:
    """Return what is wrong with one flow; in a folder, one that cannot be built hides no other.

    Raises:
        BadInput: it cannot be built, and nothing else was asked about.
    """
    try:
        found = found_here(reference)
    except BadInput as error:
        if alone:
            raise
        return [_unbuilt(reference, str(error))]
    return _checked(found, notes=notes)


def _unbuilt(file: str, why: str) -> Told:
    from stateflow.machine.check.finding import Finding
    from stateflow.machine.origin import Origin

    line = re.search(r", line (\d+): ", why)
    origin = Origin(file, int(line[1]) if line else 1)
    text = why[line.end() :] if line and why.startswith(file) else why
    name = Path(file).stem
    cure = "mend the file; nothing else of it was checked"
    return Told(Finding("SF100", "error", name, text, cure, origin=origin), name, file)


def _checked(found: Found, *, notes: bool) -> list[Told]:
    from stateflow.machine.check.check import check as findings_of

    findings = findings_of(found.flow, _declared(found), notes=notes, accepted=True)
    return [Told(finding, found.flow.name, found.source) for finding in findings]


def _declared(found: Found) -> tuple[object, ...]:
    """Return what the module of a flow declares, in its order; nothing where there is none."""
    module = _module(found)
    return () if module is None else tuple(vars(module).values())


def _module(found: Found) -> ModuleType | None:
    """Return the module that the flow was found in; it has been imported for that."""
    place = found.source.rpartition(":")[0] or found.source
    path = Path(place).resolve()
    for module in list(sys.modules.values()):
        file: object = getattr(module, "__file__", None)
        here = getattr(module, "__name__", "") == place or file == str(path)
        if here and any(value is found.flow for value in vars(module).values()):
            return module
    return None


def _written(format: Form, shown: Sequence[Told]) -> str:  # noqa: A002 - the option's name
    from stateflow.cli.sarif import as_sarif

    forms = {"json": as_rows, "github": as_annotations, "sarif": as_sarif}
    return forms[format](shown)


def _summary(shown: Sequence[Told], hidden: int) -> str:
    """Return how much was found, and how much of it is meant."""
    told = counted(len(shown), "finding") if shown else "nothing found"
    return f"{told}, {hidden:,} accepted (--accepted)" if hidden else told
