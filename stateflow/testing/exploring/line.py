"""Lines: what somebody says or comes to in one turn, as short as it can be written.

A text is a reply; a mapping is a structured reply, or a form that was filled in; an outcome is how
code came out; an error is raised; ``PASS`` says nothing; a ``Message`` says all else.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeAlias, cast
from typing import Final as Constant

from stateflow import errors
from stateflow.agents.code import CodeRunner
from stateflow.agents.human import Human
from stateflow.conversation.agent import Agent
from stateflow.conversation.message import PASS, SILENCE, Fault, Message, Outcome, Pass
from stateflow.conversation.view import View
from stateflow.engine.faults import fault_of

__all__ = ["MADE_UP", "Line", "fault_in", "line_of", "message_in", "plainly", "printed", "raising"]

Line: TypeAlias = str | Mapping[str, Any] | Outcome | Message | Fault | Pass | Exception
"""What somebody says in one turn."""

MADE_UP: Constant = "as explored"
"""What a fault tells that a search made up."""
_LITERAL: Constant = (str, bytes, int, float, bool, type(None), dict, list)


def message_in(line: Line) -> Message | None:
    """Return what *line* says, nobody named yet; ``None``: nothing.

    Example:
        >>> message_in({"score": 8}).text
        '{"score": 8}'
    """
    if isinstance(line, str):
        return Message(line)
    if isinstance(line, Message):
        return line
    if isinstance(line, Outcome):
        return Message("", outcome=line)
    if isinstance(line, Mapping):
        return Message(json.dumps(line, ensure_ascii=False), reply=dict(line))
    return None


def fault_in(line: Line) -> Fault | None:
    """Return the fault that *line* raises; ``None``: it raises none."""
    if isinstance(line, Fault):
        return line
    return fault_of(line) if isinstance(line, Exception) else None


def raising(name: str) -> Exception | Fault:
    """Return an error called *name*, of the package or of Python; else a fault of that name.

    Example:
        >>> raising("RateLimited")
        RateLimited('as explored')
        >>> raising("Flaky").name
        'Flaky'
    """
    known: object = getattr(errors, name, getattr(builtins, name, None))
    if isinstance(known, type) and issubclass(known, Exception):
        try:
            return known(MADE_UP)
        except TypeError:
            pass  # it wants more than a sentence
    return Fault(name, MADE_UP)


def line_of(view: View) -> Line:
    """Return what is said or raised in a turn that comes out as *view*."""
    if view.fault is not None:
        return raising(view.fault.name)
    return PASS if view.last is SILENCE else view.last


def plainly(line: Line, agent: Agent) -> Line:
    """Return *line* as short as it can be written where *agent* says it."""
    if not isinstance(line, Message):
        return line
    if isinstance(agent, CodeRunner) and line.outcome is not None and not line.text:
        return line.outcome
    if line.reply is not None and _typed(agent) and not (line.calls or line.handoff):
        return cast("Mapping[str, Any]", line.reply)
    if isinstance(agent, Human) or _set(line) <= {"text", "speaker"}:
        return line.text
    return line.by("")


def _typed(agent: Agent) -> bool:
    """Tell whether what *agent* says has to follow a schema."""
    return getattr(agent, "schema", None) is not None


def printed(line: Line) -> str:
    """Return *line* as Python.

    Example:
        >>> printed(Message("no", outcome=Outcome.exited(1)))
        "Message('no', outcome=Outcome.exited(1))"
    """
    if isinstance(line, str):
        return repr(line)
    if isinstance(line, Outcome):
        return _outcome(line)
    if isinstance(line, Message):
        given = [repr(line.text)]
        given += [
            f"{name}={_value(getattr(line, name))}" for name in _names(line) if name != "text"
        ]
        return f"Message({', '.join(given)})"
    if isinstance(line, Fault):
        return f"Fault({line.name!r}, {line.text!r})"
    if isinstance(line, Exception):
        return f"{type(line).__name__}({str(line)!r})"
    return repr(dict(line)) if isinstance(line, Mapping) else "PASS"


def _set(message: Message) -> set[str]:
    return set(_names(message))


def _names(message: Message) -> list[str]:
    """Return the fields of *message* that say anything, the speaker apart."""
    begins = Message("")
    names = [one.name for one in fields(message) if one.name != "speaker"]
    return [name for name in names if getattr(message, name) != getattr(begins, name)]


def _outcome(outcome: Outcome) -> str:
    code = outcome.exit_code
    if outcome == Outcome(ok=code == 0, exit_code=code) and code is not None:
        return f"Outcome.exited({code})"
    begins = Outcome(ok=True)
    given = [f"ok={outcome.ok}"]
    names = [one.name for one in fields(outcome) if one.name != "ok"]
    given += [
        f"{name}={getattr(outcome, name)!r}"
        for name in names
        if getattr(outcome, name) != getattr(begins, name)
    ]
    return f"Outcome({', '.join(given)})"


def _value(value: Any) -> str:  # noqa: ANN401 - any field of a message
    if isinstance(value, Outcome):
        return _outcome(value)
    if isinstance(value, tuple):
        parts = cast("tuple[object, ...]", value)
        return f"({', '.join(map(_value, parts))},)"
    if isinstance(value, _LITERAL):
        return repr(cast("object", value))
    set_ones = [
        f"{one.name}={_value(getattr(value, one.name))}"
        for one in fields(value)
        if getattr(value, one.name) != one.default
    ]
    return f"{type(value).__name__}({', '.join(set_ones)})"
