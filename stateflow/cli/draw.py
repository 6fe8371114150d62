"""``stateflow render``: flows as drawings, tables and pages."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from stateflow.cli.console import put
from stateflow.cli.find import Found, find_flows
from stateflow.cli.suffix import form_of
from stateflow.cli.trouble import BadInput, Misused, tell
from stateflow.cli.view import Form, View, drawing, refuse_unknown, with_runs
from stateflow.diagram.look import Direction, Theme
from stateflow.machine.flow import Flow

__all__ = ["render"]

_SUFFIXES: Mapping[Form, str] = {"mermaid": "mmd", "text": "txt"}
_FORMS: Mapping[str, Form] = {
    ".svg": "svg",
    ".png": "png",
    ".pdf": "pdf",
    ".dot": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".txt": "text",
    ".json": "json",
    ".md": "md",
}
_BUILT = frozenset({"svg", "png", "pdf"})
_THEMED = frozenset({"dot", "png", "pdf"})
_DEFAULT_OUT = Path("diagrams")


def render(  # noqa: PLR0913 - an option each
    flows: list[str],
    /,
    *,
    format: Annotated[  # noqa: A002 - the option's name
        Form | None,
        Parameter(
            help="Else what the name of --out says, or the page (.md) and the drawing (.svg)."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(help="Folder, or for one flow a file; else diagrams, or stdout with --format."),
    ] = None,
    depth: Annotated[
        int | None,
        Parameter(help="So many flows are opened in one another; else all, 0 opens none."),
    ] = None,
    closed: Annotated[
        list[str] | None,
        Parameter(help="Phase, or state with a flow in it, drawn as one box; all: every one."),
    ] = None,
    direction: Annotated[
        Direction, Parameter(help="From top to bottom, or from left to right.")
    ] = "tb",
    theme: Annotated[
        Theme, Parameter(help="Colours of png, pdf and dot; an svg follows its reader.")
    ] = "light",
    runs: Annotated[
        list[str] | None,
        Parameter(help="Runs to count over the drawing; all: each of the flow."),
    ] = None,
    run: Annotated[
        str | None, Parameter(help="Run whose way is drawn, and where it stands.")
    ] = None,
    store: Annotated[Path | None, Parameter(help="SQLite file that keeps the runs.")] = None,
    check: Annotated[
        bool, Parameter(help="Write nothing; exit with 1 if a page is stale.")
    ] = False,
) -> int:
    """Draw flows.

    Parameters
    ----------
    flows
        path.py[:attr], pkg.mod:attr, path.json, or a folder of them
    """
    if format is None and out is not None and out.suffix and not out.is_dir():
        format = form_of(out, _FORMS)  # noqa: A001 - the option's name
    over = bool(runs) or run is not None
    _refuse(depth, theme, format)
    _refuse_over(over, check=check, aside=format is not None or out is not None)
    found = find_flows(flows)
    _refuse_twins(found)
    view = View(depth=depth, closed=tuple(closed or ()), direction=direction, theme=theme)
    refuse_unknown(found, view)
    if over:
        view = with_runs(view, found, runs or [], run, store)
    if check:
        return _check_pages(found, format or "md", out or _DEFAULT_OUT, flows, view)
    if format is None:
        return _write(found, ["md", "svg"], out or _DEFAULT_OUT, view)
    if out is not None:
        return _write(found, [format], out, view)
    if format in _BUILT:
        raise Misused(f"--format {format} needs --out FILE or --out FOLDER")
    for one in found:
        sys.stdout.write(drawing(one.flow, format, view).decode("utf-8"))
    return 0


def _refuse(depth: int | None, theme: Theme, form: Form | None) -> None:
    """Refuse options that do not go together."""
    if depth is not None and depth < 0:
        raise Misused(f"--depth {depth} is less than none; 0 opens no flow in a flow")
    if theme != "light" and form not in _THEMED:
        raise Misused(
            f"--theme {theme} is for --format png, pdf and dot; an svg follows the reader's own"
        )


def _refuse_over(over: bool, *, check: bool, aside: bool) -> None:  # noqa: FBT001 - what it is about
    """Refuse to draw runs where the pages of the flows are."""
    if over and check:
        raise Misused("--check compares pages without runs; leave out --runs and --run")
    if over and not aside:
        raise Misused(
            "drawings with runs would be written over the pages in diagrams/; say --out or --format"
        )


def _refuse_twins(found: Sequence[Found]) -> None:
    sources: dict[str, str] = {}
    for one in found:
        other = sources.setdefault(one.flow.name, one.source)
        if other != one.source:
            raise BadInput(
                f"{other!r} and {one.source!r} both call their flow {one.flow.name!r}: one would "
                "overwrite the other; rename one"
            )


def _file(out: Path, flow: Flow, form: Form) -> Path:
    return out / f"{flow.name}.{_SUFFIXES.get(form, form)}"


def _write(found: Sequence[Found], forms: Sequence[Form], out: Path, view: View) -> int:
    """Write every form that can be drawn, then tell of the first that could not."""
    from stateflow.errors import StateflowError

    failed = False
    single = len(found) == len(forms) == 1 and bool(out.suffix) and not out.is_dir()
    for form in forms:
        for one in found:
            path = out if single else _file(out, one.flow, form)
            try:
                put(path, drawing(one.flow, form, view))
            except StateflowError as error:
                tell(str(error))
                failed = True
    return 1 if failed else 0


def _check_pages(
    found: Sequence[Found], form: Form, out: Path, flows: Sequence[str], view: View
) -> int:
    """Hold the pages against the flows; drawings differ from one Graphviz to the next."""
    if form in _BUILT:
        raise Misused(f"--check does not compare {form}, which differs with Graphviz; use md")
    stale = False
    for one in found:
        path = _file(out, one.flow, form)
        try:
            same = path.read_bytes() == drawing(one.flow, form, view)
            what = "is stale"
        except OSError:
            same, what = False, "is missing"
        if not same:
            stale = True
            command = ["stateflow", "render", *flows]
            command += ["--format", form] if form != "md" else []
            command += view.options()
            command += ["--out", str(out)] if out != _DEFAULT_OUT or form != "md" else []
            tell(f"{path} {what}; draw it again: {shlex.join(command)}")
    return 1 if stale else 0
