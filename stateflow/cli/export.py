"""``stateflow export``: a flow as JSON, as Python, and for other tools; a run as a test."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter

from stateflow.cli.console import put
from stateflow.cli.find import find_flow, find_journal, flow_of, in_file, store_at, store_there
from stateflow.cli.keeping import Kept, Named, check_source, keep, placed
from stateflow.cli.suffix import form_of
from stateflow.cli.trouble import BadInput, Misused
from stateflow.journal.event import Journal, Recorded
from stateflow.machine.flow import Flow

__all__ = ["export"]

Form: TypeAlias = Literal["json", "python", "scxml", "xstate"]

_SUFFIXES: Mapping[str, Form] = {
    ".json": "json",
    ".py": "python",
    ".scxml": "scxml",
}


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class _Tested:
    """What a run becomes a test with."""

    to: Annotated[
        Literal["test"] | None,
        Parameter(help="Make a test of a run: a cassette, in --out, and a test that replays it."),
    ] = None
    flow_now: Annotated[
        str | None, Parameter(name="--flow", help="With --to test: where the run's flow is now.")
    ] = None
    store: Annotated[
        Path | None, Parameter(help="With --to test: SQLite file that keeps the runs.")
    ] = None


_TESTED = _Tested()
_NAMED = Named()


def export(  # noqa: PLR0913 - two of them are groups of options
    flow: str | None = None,
    /,
    *,
    format: Annotated[  # noqa: A002 - the option's name
        Form | None, Parameter(help="Without it, what --out ends in says, else json.")
    ] = None,
    out: Annotated[Path | None, Parameter(help="File to write; else stdout.")] = None,
    force: Annotated[bool, Parameter(help="Write over a file that is there.")] = False,
    schema: Annotated[
        bool, Parameter(help="The JSON schema of --format json instead of a flow.")
    ] = False,
    tested: _Tested = _TESTED,
    named: Named = _NAMED,
) -> int:
    """Write a flow down as JSON, as Python, or for other tools; or a run as a test.

    Parameters
    ----------
    flow
        path.py[:attr], pkg.mod:attr or path.json; with --to test a RUN or its file
    """
    if tested.to is not None:
        if flow is None or schema or format is not None:
            raise Misused("export --to test takes a RUN, and neither --format nor --schema")
        return asyncio.run(_export_test(flow, out, tested, named, force=force))
    if tested != _TESTED or named != _NAMED:
        raise Misused("--flow, --store, --test and --name go with --to test; add it")
    if schema == (flow is not None) or (schema and format is not None):
        raise Misused("export takes a FLOW and perhaps --format, or --schema by itself")
    if out is not None and out.exists() and not force:
        raise BadInput(f"{str(out)!r} is there already; add --force to write over it")
    text = (
        _schema()
        if flow is None
        else _written(flow, format or ("json" if out is None else form_of(out, _SUFFIXES)))
    )
    if out is None:
        sys.stdout.write(text)
        return 0
    put(out, text.encode("utf-8"))
    return 0


def _schema() -> str:
    from stateflow.exchange.schema import flow_schema

    return flow_schema()


def _written(reference: str, form: Form) -> str:
    from stateflow.exchange.json_form import to_json
    from stateflow.exchange.python import to_python
    from stateflow.exchange.scxml import to_scxml
    from stateflow.exchange.xstate import to_xstate

    writers: Mapping[Form, Callable[[Flow], str]] = {
        "json": to_json,
        "python": to_python,
        "scxml": to_scxml,
        "xstate": to_xstate,
    }
    return writers[form](find_flow(reference).flow)


async def _export_test(
    run: str, out: Path | None, tested: _Tested, named: Named, *, force: bool
) -> int:
    """Make a test of a run that is recorded already."""
    from stateflow.stores.content import files_of

    kept = store_at(tested.store if in_file(run) else store_there(tested.store))
    try:
        journal = _sourced(await find_journal(kept, run), tested.flow_now)
        place = placed(out or _default(journal, force=force), named, force=force)
        if run.endswith(".jsonl"):
            from stateflow.stores.file import read_content

            files = {sha: read_content(run, sha) for sha in files_of(journal)}
        elif in_file(run):
            from stateflow.testing.cassette.beside import content_beside

            files = {sha: content_beside(Path(run), sha) for sha in files_of(journal)}
        else:
            files = {sha: await kept.file(sha) for sha in files_of(journal)}
    finally:
        await kept.aclose()
    made: Kept = await keep(journal, files, place)
    made.tell("stdout")
    return int(bool(made.trouble))


def _default(journal: Journal, *, force: bool) -> Path:
    """Return the cassette called as the flow; where that is there, the next free number."""
    name = "".join(one if one.isalnum() or one in "-_" else "_" for one in journal.started.flow)
    folder = Path("tests") / "cassettes"
    numbered = (folder / f"{name}_{number}.yaml" for number in count(2))
    places = chain([folder / f"{name}.yaml"], numbered)
    return next(one for one in places if force or not one.exists())


def _sourced(journal: Journal, flow: str | None) -> Journal:
    """Return *journal* with where its flow is now, as a test finds it.

    Raises:
        BadInput: it is not found, or could not be by a test.
    """
    source = flow_of(journal, flow).source
    check_source(source)
    first, *rest = journal.events
    started = replace(journal.started, source=source)
    return replace(journal, events=(Recorded(first.seq, first.at, started, first.run), *rest))
