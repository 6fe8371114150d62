"""What can be covered: a place, a transition, the verdict of a guard, a stop, a tool, a branch.

An item is told by names alone, never by objects, so that what one process saw can be added to what
another did, and what runs did to what journals tell.
"""

from __future__ import annotations

import os
from typing import Final, Literal, NamedTuple, TypeAlias

from stateflow.machine.flow import Flow

__all__ = ["ANY", "ON_ERROR", "Ident", "Item", "Kind", "ident"]

Kind: TypeAlias = Literal[
    "place", "taken", "true", "false", "stop", "tool", "fault", "branch", "stood", "error"
]
"""``taken``, ``true`` and ``false`` are of a transition, ``fault`` is a tool call that failed;
``stood`` (a run stopped there) and ``error`` (a place that ``on_error`` was taken from) are counted
and are nothing to cover."""

ANY: Final = ""
"""Where ``on_error`` leads from: no place can be called so."""

ON_ERROR: Final = "on_error"


class Item(NamedTuple):
    """One thing of a flow that runs come by, or do not.

    Example:
        >>> str(Item("taken", "review", 0, "says('OK')", "write"))
        "review → write [says('OK')]"
    """

    kind: Kind
    at: str
    """The place; of a stop its kind, of a tool its name."""
    number: int = -1
    """Which transition of its place, from 0."""
    guard: str = ""
    """Its guard; ``""``: it asks nothing."""
    to: str = ""
    """Where a transition leads, ``""`` is done; the final of a stop; the branch."""

    @property
    def way(self) -> str:
        """Where from and where to."""
        return f"{self.at or 'any'} → {self.to or 'done'}"

    def __str__(self) -> str:
        """Return a transition in words; of anything else its name."""
        if self.kind in {"taken", "true", "false"}:
            return f"{self.way} [{self.guard or 'else'}]"
        return self.to or self.at


class Ident(NamedTuple):
    """Which flow: where it is defined, and its name.

    A file that is imported twice, under two names of modules, holds the same flows.
    """

    file: str
    line: int
    name: str


def ident(flow: Flow) -> Ident:
    """Return which flow *flow* is.

    Example:
        >>> from stateflow.agents.function import FunctionAgent
        >>> from stateflow.machine.state import State
        >>> from stateflow.machine.transition import to
        >>> echo = FunctionAgent("echo", lambda view: view.last.text)
        >>> ident(Flow("say", State("say", echo, to(None)))).name
        'say'
    """
    if flow.origin is None:
        return Ident("", 0, flow.name)
    file = flow.origin.file
    if not file.startswith("<"):  # of a shell or a doctest
        file = os.path.realpath(file)
    return Ident(file, flow.origin.line, flow.name)
