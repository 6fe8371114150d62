"""``stateflow render`` and ``check``: flows as drawings, and what is wrong with them."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter
from rich.text import Text

from stateflow.cli.chart import MUTED, clean
from stateflow.cli.console import console, say
from stateflow.cli.find import Found, find_flows
from stateflow.cli.trouble import BadInput, Misused, tell
from stateflow.diagram.words import counted
from stateflow.machine.flow import Flow

__all__ = ["check", "render"]

Form: TypeAlias = Literal["svg", "png", "dot", "mermaid", "text", "json", "md"]

_SUFFIXES: Mapping[Form, str] = {"mermaid": "mmd", "text": "txt"}
_BUILT = frozenset({"svg", "png"})
_DEFAULT_OUT = Path("diagrams")


def render(
    flows: list[str],
    /,
    *,
    format: Annotated[  # noqa: A002 - the option's name
        Form | None, Parameter(help="Without it, the page (.md) and the drawing (.svg).")
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(help="Folder, or for one flow a file; else diagrams, or stdout with --format."),
    ] = None,
    depth: Annotated[
        int | None,
        Parameter(help="So many flows are opened in one another; else all, 0 opens none."),
    ] = None,
    check: Annotated[
        bool, Parameter(help="Write nothing; exit with 1 if a page is stale.")
    ] = False,
) -> int:
    """Draw flows.

    Parameters
    ----------
    flows
        path.py[:attr], pkg.mod:attr, or a folder of them
    """
    if depth is not None and depth < 0:
        raise Misused(f"--depth {depth} is less than none; 0 opens no flow in a flow")
    found = find_flows(flows)
    _refuse_twins(found)
    if check:
        return _check_pages(found, format or "md", out or _DEFAULT_OUT, flows, depth)
    if format is None:
        return _write(found, ["md", "svg"], out or _DEFAULT_OUT, depth)
    if out is not None:
        return _write(found, [format], out, depth)
    if format in _BUILT:
        raise Misused(f"--format {format} needs --out FILE or --out FOLDER")
    for one in found:
        sys.stdout.write(_drawn(one.flow, format, depth).decode("utf-8"))
    return 0


def check(
    flows: list[str],
    /,
    *,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["text", "json", "github"], Parameter(help="How findings are written.")
    ] = "text",
    strict: Annotated[bool, Parameter(help="Fail on warnings, too.")] = False,
) -> int:
    """Tell what is wrong with flows: dead ends, hidden transitions, cycles without a cap.

    Parameters
    ----------
    flows
        path.py[:attr], pkg.mod:attr, or a folder of them
    """
    from stateflow.machine.check import Finding
    from stateflow.machine.check import check as findings_of

    found: list[tuple[Found, Finding]] = [
        (one, finding) for one in find_flows(flows) for finding in findings_of(one.flow)
    ]
    failing = [f for _, f in found if strict or f.severity == "error"]
    if format == "json":
        rows = [{"flow": one.source, **_fields(finding)} for one, finding in found]
        sys.stdout.write(f"{json.dumps(rows, ensure_ascii=False, indent=2)}\n")
    else:
        for one, finding in found:
            if format == "github":
                sys.stdout.write(f"{_annotation(one, _fields(finding))}\n")
            else:
                _say_finding(one, _fields(finding))
    if format == "text":
        summary = counted(len(found), "finding") if found else "nothing found"
        say(console("stderr"), summary, MUTED)
    return 1 if failing else 0


def _fields(finding: object) -> dict[str, str]:
    names = ("code", "severity", "place", "text", "cure")
    return {name: str(getattr(finding, name)) for name in names}


def _say_finding(found: Found, fields: Mapping[str, str]) -> None:
    style = "red" if fields["severity"] == "error" else "yellow"
    line = Text(f"{found.source}: ").append(
        f"{fields['code']} {fields['severity']}", f"bold {style}"
    )
    line.append(clean(f" at {fields['place']!r}: {fields['text']}"))
    say(console("stdout"), line.append(clean(f"; {fields['cure']}"), MUTED))


def _annotation(found: Found, fields: Mapping[str, str]) -> str:
    """Return a finding as a workflow command of GitHub."""
    path = found.source.partition(":")[0]
    title = _escaped(f"{fields['code']} at {fields['place']!r}").replace(":", "%3A")
    text = _escaped(f"{fields['text']}; {fields['cure']}")
    file = _escaped(path).replace(",", "%2C").replace(":", "%3A")
    return f"::{fields['severity']} file={file},title={title.replace(',', '%2C')}::{text}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _drawn(flow: Flow, form: Form, depth: int | None) -> bytes:
    from stateflow.diagram.dot import to_dot
    from stateflow.diagram.mermaid import to_mermaid
    from stateflow.diagram.svg import to_png, to_svg
    from stateflow.diagram.table import to_page, to_text

    texts: dict[str, Callable[[Flow, int | None], str]] = {
        "dot": to_dot,
        "md": to_page,
        "mermaid": to_mermaid,
        "svg": to_svg,
        "text": to_text,
        "json": lambda flow, _: json.dumps(flow.table(), ensure_ascii=False, indent=2) + "\n",
    }
    return to_png(flow, depth) if form == "png" else texts[form](flow, depth).encode("utf-8")


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


def _write(found: Sequence[Found], forms: Sequence[Form], out: Path, depth: int | None) -> int:
    """Write every form that can be drawn, then tell of the first that could not."""
    from stateflow.errors import StateflowError

    failed = False
    single = len(found) == len(forms) == 1 and bool(out.suffix) and not out.is_dir()
    for form in forms:
        for one in found:
            path = out if single else _file(out, one.flow, form)
            try:
                _put(path, _drawn(one.flow, form, depth))
            except StateflowError as error:
                tell(str(error))
                failed = True
                continue
            say(console("stdout"), str(path))
    return 1 if failed else 0


def _put(path: Path, drawing: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawing)
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be written ({error.strerror})") from error


def _check_pages(
    found: Sequence[Found], form: Form, out: Path, flows: Sequence[str], depth: int | None
) -> int:
    """Hold the pages against the flows; drawings differ from one Graphviz to the next."""
    if form in _BUILT:
        raise Misused(f"--check does not compare {form}, which differs with Graphviz; use md")
    stale = False
    for one in found:
        path = _file(out, one.flow, form)
        try:
            same = path.read_bytes() == _drawn(one.flow, form, depth)
            what = "is stale"
        except OSError:
            same, what = False, "is missing"
        if not same:
            stale = True
            command = ["stateflow", "render", *flows]
            command += ["--format", form] if form != "md" else []
            command += ["--depth", str(depth)] if depth is not None else []
            command += ["--out", str(out)] if out != _DEFAULT_OUT or form != "md" else []
            tell(f"{path} {what}; draw it again: {shlex.join(command)}")
    return 1 if stale else 0
