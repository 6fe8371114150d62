"""``stateflow coverage``: which transitions of a flow recorded runs have taken."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.text import Text

from stateflow.cli.chart import MUTED
from stateflow.cli.console import console, put, say
from stateflow.cli.recorded import ALL, flow_and_runs, journals_of
from stateflow.cli.trouble import Misused, tell
from stateflow.diagram.words import counted

if TYPE_CHECKING:
    from stateflow.testing.coverage.report import Report

__all__ = ["check_percent", "coverage"]


def coverage(
    runs: list[str],
    /,
    *,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["text", "json"], Parameter(help="How it is written.")
    ] = "text",
    fail_under: Annotated[
        float | None, Parameter(help="Exit with 1 if fewer of the transitions were taken [%].")
    ] = None,
    out: Annotated[
        Path | None, Parameter(help="Drawing of the counts to write, as FILE.svg.")
    ] = None,
    store: Annotated[Path | None, Parameter(help="SQLite file that keeps the runs.")] = None,
) -> int:
    """Tell which states, transitions and guards of a flow recorded runs have come by.

    Parameters
    ----------
    runs
        ids of runs, their beginnings or ends, last, .jsonl files or cassettes; or a flow as it is
        now (path.py[:attr], pkg.mod:attr or path.json) and runs of it, else all that are kept
    """
    from stateflow.testing.coverage.journals import coverage_of
    from stateflow.testing.coverage.report import report
    from stateflow.testing.reasons import exemptions, pyproject_of

    _refuse(fail_under, out, format)
    flow, named = asyncio.run(flow_and_runs(runs, store))
    journals = asyncio.run(journals_of(flow, named or [ALL], store))
    seen = coverage_of(flow, journals)
    told = report(seen, exemptions(pyproject_of(Path.cwd())))
    if format == "json":
        from stateflow.testing.coverage.told import figures

        shown = json.dumps(figures(told, Path.cwd()), ensure_ascii=False, indent=2)
        sys.stdout.write(f"{shown}\n")
    else:
        _show(told, len(journals))
    if out is not None:
        from stateflow.diagram import svg
        from stateflow.testing.coverage.heat import heat

        put(out, svg.draw(heat(flow, seen)).encode("utf-8"))
    short = told.short_of(fail_under) if fail_under is not None else ""
    if short:
        tell(short)
    return 1 if short else 0


def check_percent(fail_under: float | None) -> None:
    """Refuse what is no percentage.

    Raises:
        Misused: it is none.
    """
    if fail_under is not None and not 0 <= fail_under <= 100:  # noqa: PLR2004 - percent
        raise Misused(f"--fail-under {fail_under:g} is no percentage; say one from 0 to 100")


def _refuse(fail_under: float | None, out: Path | None, form: str) -> None:
    """Refuse options that make no sense."""
    check_percent(fail_under)
    if out is not None and out.suffix != ".svg":
        raise Misused(f"--out {out}: the drawing is an svg; end the name in .svg")
    if out is not None and form == "json":
        raise Misused("--out tells on stdout what it wrote, as --format json does; say one of them")


def _show(told: Report, runs: int) -> None:
    from stateflow.testing.coverage.told import missing, table

    out, here = console("stdout"), Path.cwd()
    say(out, f"flow coverage of {counted(runs, 'recorded run')}", MUTED)
    head, *rows = table(told, here)
    say(out, Text(head, MUTED))
    for line in rows:
        say(out, line)
    for line in missing(told, here):
        say(out, Text(line, "" if line.startswith(" ") else "bold"))
