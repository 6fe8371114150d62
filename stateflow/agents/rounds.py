"""Rounds of tool calls: what is offered, who must be asked, what came back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from stateflow.agents.history import files_of
from stateflow.conversation.agent import Turn
from stateflow.conversation.effect import Call, ChildResult, Given, Made, Result
from stateflow.conversation.file import File
from stateflow.conversation.message import Fault, Outcome, ToolCall
from stateflow.errors import BadRequest
from stateflow.machine.flow_tool import task_of
from stateflow.models.base import ToolSpec
from stateflow.tools.base import Tool, ToolSource
from stateflow.value import Json

__all__ = ["Offer", "Round", "listed", "make_calls", "offered", "offers_of", "outcome_of"]

YES, NO = "yes", "no"
_LONGEST = 1000
"""Most of a call's arguments that a person is shown [characters]."""


Asked: TypeAlias = Mapping[str, Any]
"""One call as a model asked for it: ``id``, ``name``, ``arguments``."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as it is offered in one turn."""

    spec: ToolSpec
    approve: bool
    repeat: bool
    timeout_s: float | None
    flow: object = None
    """The flow that it is, where each call is a nested run."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of calls came to."""

    calls: tuple[ToolCall, ...]
    handoff: str | None
    files: tuple[File, ...]

    @property
    def text(self) -> str:
        """What the calls gave, a paragraph each."""
        return "\n\n".join(call.result for call in self.calls)


async def offered(
    turn: Turn, toolbox: Sequence[Tool], sources: Sequence[ToolSource]
) -> dict[str, Offer]:
    """Return the tools of this turn by name.

    A source is asked once in a run, an effect; what it offered then stands until the end.

    Raises:
        BadRequest: two tools have one name.
        FaultError: a source cannot be reached.
    """
    for source in sources:
        name = _listing(turn, source)
        if turn.kept(name) is None:
            (result,) = await turn.perform(Call("tool.list", {"source": source.name, "keep": name}))
            result.unwrap()
    return offers_of(turn, toolbox, sources)


def offers_of(
    turn: Turn, toolbox: Sequence[Tool], sources: Sequence[ToolSource]
) -> dict[str, Offer]:
    """Return the tools of this turn by name, once its sources were asked; see :func:`offered`."""
    found: dict[str, Offer] = {}
    groups = [(None, _own(turn, toolbox)), *((one, listed(turn, one)) for one in sources)]
    for source, offers in groups:
        for offer in offers:
            if offer.spec.name in found:
                raise _twice(turn, offer.spec.name, source)
            found[offer.spec.name] = offer
    return found


def _twice(turn: Turn, name: str, source: ToolSource | None) -> BadRequest:
    """Return why the model is not asked; a resumed run asks *source* anew what it offers."""
    told = f"agent {turn.agent!r} has two tools called {name!r}; rename one"
    if source is None:
        return BadRequest(told)
    error = BadRequest(f"{told}, or leave it out of only=(...) of {source.name!r}")
    ordinal, _ = _list_of(turn, source)
    return error if ordinal is None else error.at(ordinal)


def _own(turn: Turn, toolbox: Sequence[Tool]) -> Iterator[Offer]:
    """Yield the agent's own tools; of its handoffs, those along the table."""
    from stateflow.tools.handoff import Handoff

    for tool in toolbox:
        if not isinstance(tool, Handoff) or tool.target in turn.targets:
            spec = ToolSpec(tool.name, tool.description, tool.parameters)
            flow: object = getattr(tool, "flow", None)
            yield Offer(spec, tool.approve, tool.repeat, tool.timeout_s, flow)


def listed(turn: Turn, source: ToolSource) -> Iterator[Offer]:
    """Yield what *source* said it offers, earlier in this turn or in this run.

    That and nothing else is offered and called, whatever the source may offer by now.
    """
    _, listing = _list_of(turn, source)
    said: Any = listing.result.value
    for one in said["tools"]:
        spec = ToolSpec(one["name"], one["description"], one["parameters"])
        repeat = bool(one.get("repeat", True))
        yield Offer(spec, bool(one.get("approve")), repeat, one.get("timeout_s"))


def _list_of(turn: Turn, source: ToolSource) -> tuple[int | None, Made]:
    """Return the effect that listed *source*, with its ordinal if it is of this turn."""
    name = _listing(turn, source)
    kept = turn.kept(name)
    if kept is not None:
        return None, kept
    made = turn.made().items()
    return next((n, m) for n, m in made if m.op == "tool.list" and m.args["keep"] == name)


def _listing(turn: Turn, source: ToolSource) -> str:
    return f"tools of {source.name} for {turn.agent}"


async def make_calls(
    turn: Turn,
    of: int,
    asked: Sequence[Asked],
    offers: Mapping[str, Offer],
    number: int,
) -> Round:
    """Make the calls that the model call *of* asked for, those at once that need no person.

    Raises:
        FaultError: the budget or the store stood in the way, not a tool.
    """
    refused = await _approved(turn, asked, offers)
    calls = [
        _call(of, index, one, offers.get(str(one["name"])), refused.get(index))
        for index, one in enumerate(asked)
    ]
    flows = {
        index: (offer.flow, given)
        for index, one in enumerate(asked)
        if index not in refused
        and (offer := offers.get(str(one["name"]))) is not None
        and offer.flow is not None
        and (given := _given(of, index, one)) is not None
    }
    results = await turn.perform(*(call for n, call in enumerate(calls) if n not in flows))
    results = await _with_flows(turn, results, flows)
    made = [Made("tool.call", c.args, result) for c, result in zip(calls, results, strict=True)]
    told = [one.told() for one in made]
    return Round(
        tuple(
            ToolCall(one["id"], one["name"], one["arguments"], text, ok, number)
            for one, (text, ok) in zip(asked, told, strict=True)
        ),
        next((target for result in results if (target := _handoff(result))), None),
        tuple(file for one in made for file in files_of(one)),
    )


def _given(of: int, index: int, asked: Asked) -> Given | None:
    """Return what the nested run of a call starts from; ``None``: its arguments are no task."""
    try:
        task = task_of(json.loads(str(asked["arguments"])))
    except (ValueError, RecursionError):
        return None
    if task is None:
        return None
    return Given(task, args={"tool": str(asked["name"]), "of": of, "call": index})


async def _with_flows(
    turn: Turn, results: Sequence[Result], flows: Mapping[int, tuple[object, Given]]
) -> Sequence[Result]:
    """Hold the nested runs of a round at once; return all results in the order asked."""
    if not flows:
        return results
    came_to = await turn.children(list(flows.values()), need=len(flows), keep=True)
    held = dict(zip(flows, came_to, strict=True))
    others = iter(results)
    return [
        _held(held[index]) if index in flows else next(others)
        for index in range(len(results) + len(flows))
    ]


def _held(came_to: ChildResult | Fault | None) -> Result:
    if isinstance(came_to, ChildResult):
        return Result({"text": came_to.text, "ok": came_to.ok})
    return Result(None, came_to)


async def _approved(
    turn: Turn, asked: Sequence[Asked], offers: Mapping[str, Offer]
) -> dict[int, str]:
    """Ask a person about every call that needs one; return the refusals by index."""
    needing = [
        index
        for index, one in enumerate(asked)
        if (offer := offers.get(str(one["name"]))) is not None and offer.approve
    ]
    if not needing:
        return {}
    questions = [
        Call("human.ask", {"text": f"Allow {_shown(asked[index])}?", "options": [YES, NO]})
        for index in needing
    ]
    answers = [str(result.unwrap()) for result in await turn.perform(*questions)]
    return {
        index: answer
        for index, answer in zip(needing, answers, strict=True)
        if answer.strip().lower() != YES
    }


def _call(of: int, index: int, one: Asked, offer: Offer | None, refused: str | None) -> Call:
    args: dict[str, Json] = {"tool": str(one["name"]), "of": of, "call": index}
    if refused is not None:
        return Call("tool.call", {**args, "refused": refused})
    if offer is None:
        return Call("tool.call", args)
    return Call(
        "tool.call", args, repeat=offer.repeat, timeout_s=offer.timeout_s, about=_shown(one)
    )


def _shown(one: Asked) -> str:
    arguments = str(one["arguments"])
    if len(arguments) > _LONGEST:
        arguments = f"{arguments[:_LONGEST]}… ({len(arguments)} characters)"
    return f"{one['name']} with {arguments}"


def _handoff(result: Result) -> str | None:
    gave: Any = result.value
    return gave.get("handoff") if result.fault is None and gave else None


def outcome_of(calls: Sequence[ToolCall]) -> Outcome | None:
    """Return how the use of tools came out: bad where a tool failed and never worked after.

    Example:
        >>> outcome_of([ToolCall("1", "add", "{}", "oops", ok=False)]).detail
        "tool 'add' failed: oops"
        >>> outcome_of([]) is None
        True
    """
    if not calls:
        return None
    last = {call.name: call for call in calls}
    for call in last.values():
        if not call.ok:
            told = "".join(f": {line[:200]}" for line in call.result.splitlines()[:1])
            return Outcome.failed(f"tool {call.name!r} failed{told}")
    return Outcome.passed()
