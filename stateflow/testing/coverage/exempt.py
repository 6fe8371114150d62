"""Transitions that nobody means to cover, each with the reason: a table of ``pyproject.toml``.

One table for a flow, in it where from and where to, with the guard where that does not say enough::

    [tool.stateflow.coverage.exempt.slogan]
    "write → gave_up [exhausted]" = "takes a run of 100 turns"

A reason covers nothing: it is told beside the transition, and the percentage stays what it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from stateflow.errors import StateflowError

__all__ = ["CoverageError", "Exemptions", "exemptions", "normal", "pyproject_of"]

Exemptions = Mapping[str, Mapping[str, str]]
"""Reasons by flow and transition."""

_FORM = '"write → gave_up" = "the reason"'


class CoverageError(StateflowError):
    """What flow coverage was given cannot be used."""


def pyproject_of(folder: Path) -> Path:
    """Return the nearest ``pyproject.toml`` in or above *folder*, whether it is there or not."""
    whole = folder.resolve()
    for one in (whole, *whole.parents):
        if (one / "pyproject.toml").is_file():
            return one / "pyproject.toml"
    return whole / "pyproject.toml"


def exemptions(file: Path) -> Exemptions:
    """Return the reasons that *file* gives, by flow and transition; none where it is not there.

    Raises:
        CoverageError: it is no TOML, or the table is not one of flows, transitions and reasons.
    """
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise CoverageError(f"{str(file)!r} cannot be read: {error}") from error
    try:
        read: object = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CoverageError(f"{str(file)!r} is no TOML: {error}") from error
    where = f"{file.name}: [tool.stateflow.coverage"
    for name in ("tool", "stateflow", "coverage"):
        read = _table(read, f"{where}]").get(name, {})
    settings = _table(read, f"{where}]")
    for name in settings:
        if name != "exempt":
            raise CoverageError(
                f"{where}] has {name!r}, which means nothing; it has: exempt, a table for each flow"
            )
    flows = _table(settings.get("exempt", {}), f"{where}.exempt]")
    return {flow: _reasons(flow, rows, f"{where}.exempt") for flow, rows in flows.items()}


def _reasons(flow: str, rows: object, where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for way, reason in _table(rows, f"{where}.{flow}]").items():
        if not isinstance(reason, str) or not reason.strip():
            raise CoverageError(
                f"{where}.{flow}] lists {way!r} and does not say why; write {_FORM}"
            )
        found[normal(way)] = " ".join(reason.split())
    return found


def normal(way: str) -> str:
    """Return a transition as it is looked up.

    Example:
        >>> normal("write ->  done")
        'write → done'
    """
    return " ".join(way.replace("->", "→").split())


def _table(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise CoverageError(f"{where} is {value!r}, not a table; write {_FORM} in a table a flow")
    return cast("dict[str, object]", value)
