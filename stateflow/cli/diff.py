"""``stateflow diff``: two versions of a flow as state machines, or two runs turn by turn."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from cyclopts import Parameter
from rich.text import Text

from stateflow.cli import diff_flows, diff_runs
from stateflow.cli.console import console, say
from stateflow.cli.sides import Side, sides
from stateflow.cli.trouble import BadInput, Misused
from stateflow.errors import StateflowError
from stateflow.journal.aligned import aligned
from stateflow.machine.difference.difference import Difference, difference

__all__ = ["diff"]

Form: TypeAlias = Literal["text", "md", "svg", "png", "dot", "mermaid", "json"]

_SUFFIXES: Final[Mapping[str, Form]] = {
    ".md": "md",
    ".svg": "svg",
    ".png": "png",
    ".dot": "dot",
    ".mmd": "mermaid",
    ".json": "json",
}
_DRAWN: Final = frozenset({"svg", "png", "dot", "mermaid"})
_BUILT: Final = frozenset({"svg", "png"})


def diff(
    before: str,
    after: str,
    /,
    *,
    format: Annotated[  # noqa: A002 - the option's name
        Form | None, Parameter(help="Else what the name of --out says, or text.")
    ] = None,
    out: Annotated[Path | None, Parameter(help="File to write; else stdout.")] = None,
    exit_code: Annotated[
        bool, Parameter(help="Exit with 1 if anything differs, with 2 on trouble.")
    ] = False,
    store: Annotated[Path | None, Parameter(help="SQLite file that keeps the runs.")] = None,
) -> int:
    """Compare two flows as state machines, or two runs turn by turn.

    Parameters
    ----------
    before
        path.py[:attr], pkg.mod:attr, REV:path.py[:attr] of a git revision, or RUN
    after
        the same; a flow and a RUN: the flow that the run was made with
    """
    named: Form = "text" if out is None else _SUFFIXES.get(out.suffix, "text")
    form: Form = format or named
    if out is None and form in _BUILT:
        raise Misused(f"--format {form} needs --out FILE")
    try:
        with sides(before, after, store) as (one, other):
            differs, content = _compared(one, other, form, shown=out is None)
    except (BadInput, StateflowError) as error:
        if exit_code:
            raise Misused(str(error)) from error
        raise
    if out is not None:
        _put(out, content)
    elif content:
        sys.stdout.write(content.decode("utf-8"))
    return 1 if exit_code and differs else 0


def _compared(one: Side, other: Side, form: Form, *, shown: bool) -> tuple[bool, bytes]:
    """Return whether the two differ, and how; text that is *shown* goes to the terminal."""
    if one.journal is not None and other.journal is not None:
        runs = aligned(one.journal, other.journal)
        if form in _DRAWN:
            raise Misused(f"two runs are no picture ({form}); compare them as text, md or json")
        if form == "text":
            return bool(runs), _text(diff_runs.as_lines(one, other, runs), shown=shown)
        write = diff_runs.as_page if form == "md" else diff_runs.as_json
        return bool(runs), write(one, other, runs).encode("utf-8")
    found = difference(one.table, other.table)
    if form == "text":
        return bool(found), _text(diff_flows.as_lines(one, other, found), shown=shown)
    return bool(found), _flows(one, other, found, form)


def _flows(one: Side, other: Side, found: Difference, form: Form) -> bytes:
    from stateflow.diagram import dot, mermaid, svg

    if form == "png":
        return svg.pixels(diff_flows.drawing(one, other, found))
    texts: dict[str, Callable[[], str]] = {
        "md": lambda: diff_flows.as_page(one, other, found),
        "json": lambda: diff_flows.as_json(one, other, found),
        "svg": lambda: svg.draw(diff_flows.drawing(one, other, found)),
        "dot": lambda: dot.write(diff_flows.drawing(one, other, found)),
        "mermaid": lambda: mermaid.write(diff_flows.drawing(one, other, found)),
    }
    return texts[form]().encode("utf-8")


def _text(lines: Iterable[Text], *, shown: bool) -> bytes:
    """Show *lines* in colour, or return them."""
    if not shown:
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    out = console("stdout")
    for line in lines:
        say(out, line)
    return b""


def _put(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be written ({error.strerror})") from error
    say(console("stdout"), str(path))
