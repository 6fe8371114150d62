"""Where a flow is defined, and its name: what tells flows apart in coverage and mutants.

A file that is imported twice, under two names of modules, holds the same flows.
"""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

from stateflow.machine.flow import Flow

__all__ = ["Home", "home_of"]


class Home(NamedTuple):
    """The line that a flow is defined in, and its name: one line may hold several."""

    file: str
    """Without links; what is no file, such as a shell, as Python calls it."""
    line: int
    name: str


def home_of(flow: Flow) -> Home:
    """Return where *flow* is defined.

    Example:
        >>> from stateflow.agents.function import FunctionAgent
        >>> from stateflow.machine.state import State
        >>> from stateflow.machine.transition import to
        >>> echo = FunctionAgent("echo", lambda view: view.last.text)
        >>> home_of(Flow("say", State("say", echo, to(None)))).name
        'say'
    """
    if flow.origin is None:
        return Home("", 0, flow.name)
    return Home(_real(flow.origin.file), flow.origin.line, flow.name)


@cache
def _real(file: str) -> str:
    return file if file.startswith("<") else os.path.realpath(file)
