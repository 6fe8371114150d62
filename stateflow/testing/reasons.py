"""What tests leave undone on purpose, each with the reason: tables of ``pyproject.toml``.

Transitions that no test takes, a table for each flow, in it where from and where to, with the guard
where that does not say enough; and mutants that no test notices, by their id::

    [tool.stateflow.coverage.exempt.slogan]
    "write → gave_up [exhausted]" = "takes a run of 100 turns"

    [tool.stateflow.mutate.accept]
    "drop-limit at slogan.tokens" = "no test spends 5,000 tokens"

A reason counts for nothing: it is told, and the percentage stays what it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from stateflow.errors import StateflowError

__all__ = ["Exemptions", "ReasonsError", "acceptances", "exemptions", "normal", "pyproject_of"]

Exemptions = Mapping[str, Mapping[str, str]]
"""Reasons by flow and transition."""


class ReasonsError(StateflowError):
    """The tables of reasons are not what they should be."""


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
        ReasonsError: it is no TOML, or the table is not one of flows, transitions and reasons.
    """
    where = f"{file.name}: [tool.stateflow.coverage.exempt"
    flows = _table(_settings(file, "coverage", "exempt"), f"{where}]")
    return {
        flow: {normal(way): why for way, why in _reasons(rows, f"{where}.{flow}]").items()}
        for flow, rows in flows.items()
    }


def acceptances(file: Path) -> Mapping[str, str]:
    """Return the reasons that *file* gives, by the mutant's id; none where it is not there.

    Raises:
        ReasonsError: it is no TOML, or the table is not one of ids and reasons.
    """
    where = f"{file.name}: [tool.stateflow.mutate.accept]"
    return _reasons(_settings(file, "mutate", "accept"), where)


def normal(way: str) -> str:
    """Return a transition as it is looked up.

    Example:
        >>> normal("write ->  done")
        'write → done'
    """
    return " ".join(way.replace("->", "→").split())


def _settings(file: Path, command: str, name: str) -> object:
    """Return what *file* says under *name* for *command*, which has no other settings."""
    try:
        read: object = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ReasonsError(f"{str(file)!r} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ReasonsError(f"{str(file)!r} is no TOML: {error}") from error
    where = f"{file.name}: [tool.stateflow.{command}]"
    for part in ("tool", "stateflow", command):
        read = _table(read, where).get(part, {})
    settings = _table(read, where)
    for other in settings:
        if other != name:
            raise ReasonsError(f"{where} has {other!r}, which means nothing; it has: {name}")
    return settings.get(name, {})


def _reasons(rows: object, where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for what, reason in _table(rows, where).items():
        if not isinstance(reason, str) or not reason.strip():
            raise ReasonsError(f'{where} lists {what!r} and does not say why; write "..." = "why"')
        found[what] = " ".join(reason.split())
    return found


def _table(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ReasonsError(f'{where} is {value!r}, not a table; write rows of "..." = "why" in it')
    return cast("dict[str, object]", value)
