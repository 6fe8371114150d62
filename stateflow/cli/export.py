"""``stateflow export``: a flow as JSON, as Python, and for other tools."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter

from stateflow.cli.console import put
from stateflow.cli.find import find_flow
from stateflow.cli.suffix import form_of
from stateflow.cli.trouble import BadInput, Misused
from stateflow.machine.flow import Flow

__all__ = ["export"]

Form: TypeAlias = Literal["json", "python", "scxml", "xstate"]

_SUFFIXES: Mapping[str, Form] = {
    ".json": "json",
    ".py": "python",
    ".scxml": "scxml",
}


def export(
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
) -> int:
    """Write a flow down as JSON, as Python, or for other tools.

    Parameters
    ----------
    flow
        path.py[:attr], pkg.mod:attr or path.json
    """
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
