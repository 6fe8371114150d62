"""What the name of a file says about the form of what is written to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from stateflow.cli.trouble import Misused

__all__ = ["form_of"]

F = TypeVar("F", bound=str)


def form_of(out: Path, forms: Mapping[str, F]) -> F:
    """Return the form that the name of *out* ends in.

    Args:
        out: the file.
        forms: by the ending, as in ``.svg``.

    Raises:
        Misused: nothing is written under such a name.
    """
    if out.suffix not in forms:
        ending = repr(out.suffix) if out.suffix else "no ending"
        raise Misused(
            f"--out {out}: {ending} says no form; end it in one of {', '.join(forms)}, or say "
            "--format"
        )
    return forms[out.suffix]
