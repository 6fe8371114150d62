"""Secrets in what a flow is made of: prompts, descriptions, guards, scripted replies (SF121).

What stands there goes to models, journals, drawings and whoever reads the code.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, cast

from stateflow.conversation.message import Message
from stateflow.conversation.secret import secrets_in
from stateflow.machine.check.asked import args, asked_in
from stateflow.machine.check.finding import Finding
from stateflow.machine.check.speakers import tools_of
from stateflow.machine.flow import Flow
from stateflow.machine.state import Place, State

__all__ = ["secrets_told"]

_WORDS = ("prompt", "description", "ask", "input", "default")
"""What texts of an agent are called."""


def secrets_told(flow: Flow) -> Iterator[Finding]:
    """Find the secrets in the texts of *flow*; none of them is ever told."""
    read: set[int] = set()
    for place in flow.places.values():
        told: set[tuple[str, str]] = set()
        for what, text in itertools.chain(_of_state(place, read), _of_ways(place)):
            for secret in secrets_in(text):
                if (what, secret.kind) not in told:
                    told.add((what, secret.kind))
                    yield _finding(place.name, what, f"{secret.kind} ({secret.shown})")
    for secret in secrets_in(flow.description):
        yield _finding("", "the description", f"{secret.kind} ({secret.shown})")


def _finding(place: str, what: str, secret: str) -> Finding:
    text = f"{what} holds {secret}, which goes to models and journals"
    cure = "take it out and revoke it; tools read secrets from the environment"
    return Finding("SF121", "error", place, text, cure)


def _of_ways(place: Place) -> Iterator[tuple[str, str]]:
    """Yield the texts that the transitions of *place* ask for, or restart with."""
    for _, atom in asked_in(place):
        yield from (("a guard", one) for one in args(atom) if isinstance(one, str))
    for transition in place.transitions:
        yield from _texts("a restart", transition.restart)


def _of_state(state: Place, read: set[int]) -> Iterator[tuple[str, str]]:
    """Yield the texts of *state*, and those of its agents that were not *read* before."""
    if not isinstance(state, State):
        return
    if isinstance(state.prompt, str):
        yield "the prompt of the state", state.prompt
    if state.choose is not None:
        yield from _texts("the chooser", state.choose)
    if state.sees is not None:
        yield from _texts("the window", state.sees)
    for agent in state.agents:
        if id(agent) in read:
            continue
        read.add(id(agent))
        yield from _texts(f"agent {agent.name!r}", agent)
        for tool in tools_of(agent):
            yield from _texts(f"tool {tool.name!r}", tool)


def _texts(who: str, thing: object) -> Iterator[tuple[str, str]]:
    """Yield the texts of an agent, a tool or a chooser, each with what it is."""
    inner: object = getattr(thing, "flow", None)
    own = inner.description if isinstance(inner, Flow) else ""  # told with that flow
    for word in _WORDS:
        text: object = getattr(thing, word, None)
        if isinstance(text, str) and text and text != own:
            yield f"the {word} of {who}", text
    lines: object = getattr(thing, "lines", ())
    for line in cast("Sequence[Any]", lines) if isinstance(lines, list | tuple) else ():
        text = line.text if isinstance(line, Message) else line
        if isinstance(text, str):
            yield f"a reply of {who}", text
    model: Any = getattr(thing, "model", "")
    name: object = getattr(model, "name", model)
    if isinstance(name, str) and name.startswith("scripted:"):
        yield f"a reply of {who}", name
