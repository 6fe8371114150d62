"""A flow as a tool: what a model may call to have a whole chat held."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, cast
from typing import Final as Constant

from stateflow.errors import DefinitionError
from stateflow.value import Json

if TYPE_CHECKING:
    from stateflow.machine.flow import Flow

__all__ = ["FlowTool", "flow_tool", "task_of"]

_REFUSED: Constant = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST: Constant = 64
_PARAMETERS: Constant[Mapping[str, Json]] = {
    "type": "object",
    "properties": {"task": {"type": "string", "description": "What it is to do."}},
    "required": ["task"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class FlowTool:
    """A flow that a model may call; each call is a nested run."""

    name: str
    """What the model calls it."""
    description: str
    flow: Flow = field(repr=False)
    approve: bool = False
    """Whether a person must allow every call."""
    repeat: bool = field(default=True, init=False)
    """Yes: what the nested run did before a crash stands in its journal."""
    timeout_s: None = field(default=None, init=False)
    """None: its own budget limits it."""

    @property
    def parameters(self) -> Mapping[str, Json]:
        """JSON schema of the object that holds its arguments: the task."""
        return _PARAMETERS

    async def call(self, arguments: Mapping[str, Any], /) -> NoReturn:
        """Refuse: a task is run as a nested run, anything else is no call of this tool.

        Raises:
            ValueError: the arguments are not one text called task.
            DefinitionError: they are; only an assistant of a run can call it.
        """
        if task_of(arguments) is None:
            raise ValueError(f"{self.name}: it takes one text called task, and nothing else")
        raise DefinitionError(
            f"tool {self.name!r} is flow {self.flow.name!r}; only an Assistant of a run can call it"
        )


def task_of(arguments: object) -> str | None:
    """Return the task that the *arguments* of a call name; ``None``: they name none, or more.

    Example:
        >>> task_of({"task": "Find it."}), task_of({"task": "Find it.", "soon": True})
        ('Find it.', None)
    """
    if not isinstance(arguments, Mapping):
        return None
    given = cast("Mapping[str, object]", arguments)
    task = given.get("task")
    return task if isinstance(task, str) and len(given) == 1 else None


def flow_tool(flow: Flow, name: str | None, description: str, *, approve: bool) -> FlowTool:
    """Return *flow* as a tool.

    Raises:
        DefinitionError: providers would refuse its name, or nothing says when to use it.
    """
    called = name if name is not None else _REFUSED.sub("_", flow.name)[:_LONGEST]
    if _REFUSED.search(called) or not 0 < len(called) <= _LONGEST:
        raise DefinitionError(
            f"{called!r} cannot name a tool: letters, digits, _ and -, at most {_LONGEST}"
        )
    told = description or flow.description
    if not told:
        raise DefinitionError(
            f"flow {flow.name!r} as a tool has no description, so no model would know when to call "
            "it; write as_tool(description='…') or Flow(description='…')"
        )
    return FlowTool(called, told, flow, approve)
