"""Speech: what an agent can say, as far as its kind makes certain.

A person who is given options answers with one of them; who runs code always tells how that came
out, and nobody else's tool has an exit code; a nested flow comes to one of its ends.  Functions,
scripts and agents of somebody's own can say whatever a message can hold, or nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast
from typing import Final as Constant

from pydantic import BaseModel

from stateflow.conversation.agent import Agent
from stateflow.machine.algebra.fields import Fields, fields_of
from stateflow.machine.algebra.schema import SchemaFields, schema_fields
from stateflow.machine.algebra.value import ANYTHING, NOTHING, Domain
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.state import Final

__all__ = ["ANYBODY", "SILENT", "End", "Speech", "speech_of"]

Outcomes: TypeAlias = Literal["any", "none", "tools", "code", "ends"]
"""Anything, none at all, whether its tools worked, how code came out, how a flow ended."""

_HUMAN: Constant = ("stateflow.agents.human", "Human")
_ASSISTANT: Constant = ("stateflow.agents.assistant", "Assistant")
_RUNNER: Constant = ("stateflow.agents.code", "CodeRunner")


@dataclass(frozen=True, slots=True)
class End:
    """One of the ends that a nested flow can come to."""

    name: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Speech:
    """What one agent can say; all else it cannot."""

    speaker: str | None = None
    """``None``: anybody."""
    silent: bool = False
    """Only this: nothing."""
    passes: bool = False
    """It may also say nothing."""
    outcomes: Outcomes = "any"
    answers: bool = True
    """It may be a person's answer."""
    options: tuple[str, ...] = ()
    """The answer is one of these, and the text begins with it."""
    literal: bool = False
    """The answer is the text."""
    ends: tuple[End, ...] = ()
    nested: bool = True
    """It may tell how a nested flow ended."""
    replies: bool = True
    """It may have a structured reply."""
    must_reply: bool = False
    fields: Fields | SchemaFields | None = None
    """Of the structured reply; ``None``: anything."""
    calls: bool = True
    """It may call tools."""
    hands: bool = True
    """It may hand over."""

    def field(self, name: str) -> Domain:
        """Return what the field called *name* of its reply can hold."""
        if not self.replies:
            return NOTHING
        if self.fields is None:
            return ANYTHING
        domain = self.fields.dumped(name)
        return domain if self.must_reply else domain | NOTHING


ANYBODY: Constant = Speech()
SILENT: Constant = Speech("", silent=True)


def speech_of(agent: Agent) -> Speech:
    """Return what *agent* can say.

    Example:
        >>> from stateflow import Human
        >>> speech_of(Human("boss", options=["yes", "no"])).options
        ('yes', 'no')
    """
    if isinstance(agent, FlowAgent):
        return _flow(agent)
    kind = type(agent)
    told = (kind.__module__, kind.__qualname__)  # agents are a layer up, and heirs may do anything
    if told == _HUMAN:
        return _human(agent)
    if told == _ASSISTANT:
        return _assistant(agent)
    if told == _RUNNER:
        return Speech(
            agent.name,
            outcomes="code",
            answers=False,
            nested=False,
            replies=False,
            calls=False,
            hands=False,
        )
    return Speech(agent.name, passes=True)


def _human(person: Any) -> Speech:  # noqa: ANN401 - a layer up
    return Speech(
        person.name,
        passes=person.default == "",
        outcomes="none",
        options=person.options,
        literal=not person.options,
        nested=False,
        replies=person.form is not None,
        must_reply=person.form is not None,
        fields=None if person.form is None else fields_of(person.form),
        calls=False,
        hands=False,
    )


def _assistant(agent: Any) -> Speech:  # noqa: ANN401 - a layer up
    reply: object = agent.reply_type
    tools = bool(agent.toolbox or agent.sources)
    return Speech(
        agent.name,
        outcomes="tools",
        answers=False,
        nested=False,
        replies=reply is not None,
        must_reply=reply is not None and not tools,  # a handoff has none
        fields=_fields(reply),
        hands=tools,
    )


def _fields(reply: object) -> Fields | SchemaFields | None:
    if isinstance(reply, Mapping):
        return schema_fields(cast("Mapping[str, Any]", reply))
    typed = isinstance(reply, type) and issubclass(reply, BaseModel)
    return fields_of(cast("type[BaseModel]", reply)) if typed else None


def _flow(agent: FlowAgent) -> Speech:
    inner = agent.flow
    data = inner.data
    return Speech(
        agent.name,
        outcomes="ends",
        answers=False,
        ends=tuple(_ends(inner)),
        replies=data is not None,
        must_reply=data is not None and bool(data.model_fields),
        fields=None if data is None else fields_of(data),
        calls=False,
        hands=False,
    )


def _ends(flow: Flow) -> Sequence[End]:
    """Return the ends that the table leads to, done first."""
    targets = {row.target for one in flow.places.values() for row in one.transitions}
    targets.add(flow.on_error or flow.initial)
    finals = [one for one in flow.places.values() if isinstance(one, Final)]
    named = [End(one.name, one.ok) for one in finals if one.name in targets]
    found = [*([End("done", ok=True)] if None in targets else []), *named]
    return found or [End("done", ok=True)]  # that it comes to none is told of the flow itself
