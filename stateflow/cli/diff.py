"""``stateflow diff``: two versions of a flow as state machines, or two runs turn by turn."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from cyclopts import Parameter
from rich.text import Text

from stateflow.cli.console import console, put, say
from stateflow.cli.suffix import form_of
from stateflow.cli.trouble import BadInput, Misused
from stateflow.errors import StateflowError

if TYPE_CHECKING:
    from stateflow.cli.sides import Side
    from stateflow.journal.aligned import Aligned
    from stateflow.machine.difference.difference import Difference

__all__ = ["diff"]

Form: TypeAlias = Literal["text", "md", "svg", "png", "dot", "mermaid", "json"]

_SUFFIXES: Final[Mapping[str, Form]] = {
    ".md": "md",
    ".svg": "svg",
    ".png": "png",
    ".dot": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".txt": "text",
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
        path.py[:attr], pkg.mod:attr, path.json, REV:path.py[:attr] of a git revision, or RUN
    after
        the same; a flow and a RUN: the flow that the run was made with
    """
    from stateflow.cli.sides import sides

    form: Form = format or ("text" if out is None else form_of(out, _SUFFIXES))
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
        put(out, content)
    elif content:
        sys.stdout.write(content.decode("utf-8"))
    return 1 if exit_code and differs else 0


def _compared(one: Side, other: Side, form: Form, *, shown: bool) -> tuple[bool, bytes]:
    """Return whether the two differ, and how; text that is *shown* goes to the terminal."""
    if one.journal is not None and other.journal is not None:
        from stateflow.journal.aligned import aligned

        if form in _DRAWN:
            raise Misused(f"two runs are no picture ({form}); compare them as text, md or json")
        runs = aligned(one.journal, other.journal)
        return bool(runs), _runs(one, other, runs, form, shown=shown)
    from stateflow.machine.difference.difference import difference

    found = difference(one.table, other.table)
    return bool(found), _flows(one, other, found, form, shown=shown)


def _runs(one: Side, other: Side, found: Aligned, form: Form, *, shown: bool) -> bytes:
    from stateflow.cli import diff_runs

    if form == "text":
        return _text(diff_runs.as_lines(one, other, found), shown=shown)
    write = diff_runs.as_page if form == "md" else diff_runs.as_json
    return write(one, other, found).encode("utf-8")


def _flows(one: Side, other: Side, found: Difference, form: Form, *, shown: bool) -> bytes:
    from stateflow.cli import diff_flows
    from stateflow.diagram import dot, mermaid, svg

    if form == "text":
        return _text(diff_flows.as_lines(one, other, found), shown=shown)
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
