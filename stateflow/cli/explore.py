"""``stateflow explore``: conversations that take every transition, as tests if so wanted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cyclopts import Parameter

from stateflow.cli.find import found_here
from stateflow.cli.trouble import BadInput
from stateflow.engine.finding import is_path, parted
from stateflow.machine.flow import Flow

if TYPE_CHECKING:
    from stateflow.testing.exploring.play import Row
    from stateflow.testing.exploring.written import Source

__all__ = ["explore"]


def explore(  # noqa: PLR0913 - all but the flow are options
    flow: str,
    /,
    *,
    cover: Annotated[
        Literal["transitions", "pairs"],
        Parameter(help="Take every transition, or every two that follow each other."),
    ] = "transitions",
    uncovered: Annotated[
        Path | None,
        Parameter(help="JSON of a coverage report: only what its tests never took."),
    ] = None,
    to: Annotated[
        Path | None, Parameter(help="Test file to write, such as tests/test_x_paths.py.")
    ] = None,
    force: Annotated[bool, Parameter(help="Write over a file that is there.")] = False,
    input: Annotated[  # noqa: A002 - the option's name
        str | None, Parameter(help="Task of every run; else the module's.")
    ] = None,
    real: Annotated[
        list[str] | None,
        Parameter(help="Agent that speaks for itself, as plain Python may; repeatable."),
    ] = None,
) -> int:
    """Find a few conversations that take every transition, and write them as tests.

    Models, tools, code and people are stand-ins, and say what the guards ask for; the rest is the
    real engine.  What is never taken is told with the reason.

    Parameters
    ----------
    flow
        path.py[:attr] or pkg.mod:attr
    """
    from stateflow.testing.exploring.paths import paths

    if to is not None:
        _check_target(to, flow, force=force)
    found = found_here(flow)
    only = None if uncovered is None else set(_uncovered(found.flow, uncovered))
    task = found.task if input is None else input
    _check_names(found.flow, real or ())
    came = paths(found.flow, cover, task=task, only=only, real=real or ())
    if to is None:
        sys.stdout.write(f"{came}\n")
        return 0
    from stateflow.testing.exploring.written import text_of

    if not came.conversations:
        sys.stdout.write(f"{came}\nnothing to write: {to}\n")
        return 0
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text_of(came, _source(flow, to), input), "utf-8")
    sys.stdout.write(f"{came}\nwritten: {to}\nnext: pytest {to}\n")
    return 0


def _check_target(to: Path, flow: str, *, force: bool) -> None:
    """Refuse a target that cannot be written, before anything is searched.

    Raises:
        BadInput: it is no test file, or is there already; or a test could not find the flow.
    """
    if parted(flow)[0].endswith(".json"):
        raise BadInput(
            f"a test finds a flow in Python, not in {flow!r}; write one with stateflow export "
            f"{flow} --out flow.py, and explore that"
        )
    if to.suffix != ".py" or to.is_dir():
        raise BadInput(f"{str(to)!r} is no test file; write --to tests/test_paths.py")
    if to.exists() and not force:
        raise BadInput(f"{str(to)!r} is there already; add --force to write over it")


def _check_names(flow: Flow, real: list[str] | tuple[()]) -> None:
    known = {*(one.name for one in flow.everybody), *(one.name for one in flow.choosers)}
    for name in real:
        if name not in known:
            shown = ", ".join(map(repr, sorted(known)))
            raise BadInput(f"flow {flow.name!r} has no agent {name!r} for --real; it has: {shown}")


def _source(reference: str, to: Path) -> Source:
    """Return how the test at *to* comes to its flow."""
    from stateflow.testing.exploring.written import Source

    place, attr = parted(reference)
    if not is_path(place):
        return Source(f'find_flow("{reference}")', reference)
    path, folder = Path(place).resolve(), to.resolve().parent
    up, at = 0, folder
    while at != at.parent and not path.is_relative_to(at):
        up, at = up + 1, at.parent
    below = path.relative_to(at).as_posix()
    tail = f"{below}:{attr}" if attr else below
    return Source(f'find_flow(f"{{Path(__file__).parents[{up}]}}/{tail}")', tail)


def _uncovered(flow: Flow, path: Path) -> Iterator[Row]:
    """Yield the transitions of *flow* that the coverage report at *path* has never taken.

    Raises:
        BadInput: it is no such report, or knows nothing of the flow.
    """
    from stateflow.testing.exploring.play import Row

    told = _report(path)
    known = False
    for number, one in enumerate(flow.flows):
        for part in told:
            if part.get("flow") != one.name:
                continue
            known = True
            never = [row for row in part.get("transitions", ()) if not row.get("taken")]
            for place in one.places.values():
                for index, taken in enumerate(place.transitions):
                    words = (place.name, taken.target, taken.guard_name)
                    if any(_same(row, words) for row in never):
                        yield Row(number, place.name, index)
    if not known:
        raise BadInput(f"{str(path)!r} tells nothing of flow {flow.name!r}; cover it first")


def _same(row: Mapping[str, Any], words: tuple[str, str | None, str]) -> bool:
    place, target, guard = words
    asked = row.get("guard") or "else"
    return row.get("from") == place and row.get("to") == target and asked == guard


def _report(path: Path) -> list[Mapping[str, Any]]:
    try:
        told: object = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{str(path)!r} is no JSON: {error}") from error
    flows: object = cast("Mapping[str, Any]", told).get("flows") if isinstance(told, dict) else None
    if not isinstance(flows, list):
        raise BadInput(
            f"{str(path)!r} is no coverage report; make one: pytest --stateflow-cov=FLOWS "
            f"--stateflow-cov-report=json:{path}"
        )
    return [one for one in cast("list[Any]", flows) if isinstance(one, dict)]  # type: ignore[redundant-cast]  # pyright knows no type here
