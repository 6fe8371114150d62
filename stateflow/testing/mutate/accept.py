"""Survivors that are meant, each with the reason: a table of ``pyproject.toml``.

By the mutant's id, as it is told::

    [tool.stateflow.mutate.accept]
    "drop-limit at code_loop.tokens" = "no test spends 10,000 tokens"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from stateflow.errors import StateflowError
from stateflow.testing.coverage.exempt import pyproject_of

__all__ = ["MutateError", "accepted_in"]

_WHERE = "[tool.stateflow.mutate.accept]"


class MutateError(StateflowError):
    """Mutants cannot be tried: what was given for it is wrong, or the tests are."""


def accepted_in(folder: Path) -> Mapping[str, str]:
    """Return the reasons that the nearest ``pyproject.toml`` gives, by the mutant's id.

    Args:
        folder: to look in, and above.

    Raises:
        MutateError: it is no TOML, or its table is not one of ids and reasons.
    """
    file = pyproject_of(folder)
    if not file.is_file():
        return {}
    try:
        read: object = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise MutateError(f"{str(file)!r} cannot be read: {error}") from error
    for name in ("tool", "stateflow", "mutate", "accept"):
        read = cast("Mapping[str, object]", read).get(name, {})
        if not isinstance(read, dict):
            raise MutateError(f"{file.name}: {_WHERE} is {read!r}, not a table of ids and reasons")
    given = cast("dict[str, object]", read)
    for key, reason in given.items():
        if not isinstance(reason, str) or not reason.strip():
            raise MutateError(
                f'{file.name}: {_WHERE} lists {key!r} and does not say why; write "{key}" = "why"'
            )
    return {key: " ".join(str(reason).split()) for key, reason in given.items()}
