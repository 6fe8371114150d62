"""The gate: whether a model may be asked that is no stand-in.

Nobody stands at it unless a test session puts somebody there.  Clients of models that cost money,
leave the process or start a server ask here before each request; scripted models and clients that
users write do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

__all__ = ["GATES", "check_live"]

GATES: Final[list[Callable[[str], None]]] = []
"""Who is told the model's name, and raises if it may not be asked; the last one put in decides.

What is raised should be no ``Exception``: those become faults, and a flow goes on with a fault.
"""


def check_live(model: str) -> None:
    """Ask whether *model* may be asked now.

    Example:
        >>> check_live("openai:gpt-5")  # nobody minds
    """
    if GATES:
        GATES[-1](model)
