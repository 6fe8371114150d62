"""What an assistant sees of the transcript, where that takes more than a look.

``within(...)`` may ask the provider to count, and ``summarised(...)`` asks a model for a summary:
both are effects, so that a replay sees the same.  What a later turn goes on from (the last summary,
the size of the last request) is kept from the effects of earlier turns, by state and agent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from stateflow.conversation.agent import Turn
from stateflow.conversation.effect import Call, Made
from stateflow.conversation.message import Message, Usage
from stateflow.conversation.tokens import estimate_message
from stateflow.conversation.window import Summarised, Within
from stateflow.errors import BadReply
from stateflow.models.base import ModelRequest
from stateflow.models.model import AnyModel, Model
from stateflow.models.render import render
from stateflow.value import Json

__all__ = ["look", "seen", "summary_model", "summary_request"]

_COUNTS: Final = 3
"""How often a provider is asked to count for one turn."""
_COUNT_S: Final = 30.0
"""How long one count may take [s]; the estimate does as well."""
_MOST: Final = 4.0
"""Most tokens that a token of the estimate can be: it is four bytes, and no token is less than one.
What is found to be more comes from files, which the estimate does not see."""

Ask: TypeAlias = Callable[[Mapping[str, Json]], Json]
"""Completes the args of a request of the assistant."""

Most: TypeAlias = Callable[[Json], Usage]
"""Returns the most that the request of some args can cost, its input by the estimate."""


async def look(turn: Turn, args: Ask, most: Most) -> dict[str, Json]:
    """Return the part of a request's args that tells what is seen.

    Raises:
        FaultError: a summary was due, and there is none.
    """
    sees = turn.sees
    if sees is None:
        return {}
    if isinstance(sees, Within):
        return await _within(turn, sees, args, most)
    if isinstance(sees, Summarised):
        return await _summarised(turn, sees, args, most)
    return {"sees": sees.form}


async def _within(turn: Turn, sees: Within, args: Ask, most: Most) -> dict[str, Json]:
    """Cut by the estimate, and cut again for as long as the provider counts more than allowed."""
    transcript = turn.view.transcript
    length = len(transcript)
    keep = f"size in {turn.state!r} for {turn.agent!r}"
    told: dict[str, Json] = {"sees": sees.form}
    fixed = most(args({**told, "from": length})).input_tokens
    ratio = _ratio(turn.kept(keep))
    start = sees.start(transcript, fixed, ratio)
    for _ in range(_COUNTS):
        shown = transcript[start:length]
        estimate = fixed + sum(map(estimate_message, shown))
        files = any(message.files for message in shown)
        if len(shown) <= 1 or (estimate * _MOST <= sees.tokens and not files):
            break  # nothing to leave out
        counted = await _count(turn, args, {**told, "from": start})
        if counted is None or counted <= sees.tokens:
            break
        start = max(start + 1, sees.start(transcript, fixed, counted / estimate))
    return {**told, "from": start, "keep": keep}


def _ratio(kept: Made | None) -> float:
    """Return how many tokens a token of our estimate was, in the last request."""
    if kept is None:
        return 1.0
    value: Any = kept.result.value
    read, estimate = value.get("read", 0), value.get("estimate", 0)
    return min(read / estimate, _MOST) if read > 0 and estimate > 0 else 1.0


async def _count(turn: Turn, args: Ask, told: Mapping[str, Json]) -> int | None:
    """Return how many tokens the provider counts; ``None``: it does not, or could not now.

    One that does not count says so once in a run.
    """
    keep = f"count in {turn.state!r} for {turn.agent!r}"
    kept = turn.kept(keep)
    value: Any = None if kept is None else kept.result.value
    if value is not None and value["tokens"] is None:
        return None
    call = Call("model.count", args({**told, "keep": keep}), timeout_s=_COUNT_S)
    (result,) = await turn.perform(call)
    value = result.value
    return None if result.fault is not None else value["tokens"]


async def _summarised(turn: Turn, sees: Summarised, args: Ask, most: Most) -> dict[str, Json]:
    """Summarise what was said since the last summary, where that is long enough."""
    length = len(turn.view.transcript)
    last = _before(turn)
    start = 0 if last is None else int(last.args["summarise"][1])
    told: dict[str, Json] = {"sees": sees.form}
    if length - start <= sees.beyond:
        return {**told, "from": start}
    end = length - sees.keep
    ordinal = turn.next_ordinal
    asked = args({**told, "summarise": [start, end], "keep": _summary_name(turn)})
    (result,) = await turn.perform(Call("model.call", asked, lambda: most(asked)))
    if not result.unwrap()["text"].strip():
        raise BadReply(
            f"agent {turn.agent!r} was given an empty summary in state {turn.state!r}; give "
            "summarised(...) another model=, or its model more max_tokens"
        ).at(ordinal)
    return {**told, "from": end}


def _summary_name(turn: Turn) -> str:
    return f"summary in {turn.state!r} for {turn.agent!r}"


def _before(turn: Turn) -> Made | None:
    """Return the last summary of an earlier turn; an empty one stands for nothing."""
    return _usable(turn.kept(_summary_name(turn)))


def _latest(turn: Turn) -> Made | None:
    """Return the last summary, of this turn if it made one."""
    name = _summary_name(turn)
    made = [m for m in turn.made().values() if m.op == "model.call" and m.args.get("keep") == name]
    return _usable(made[0]) if made else _before(turn)


def _usable(summary: Made | None) -> Made | None:
    value: Any = None if summary is None else summary.result.value
    return summary if value and value["text"].strip() else None


def summary_model(turn: Turn, args: Any) -> AnyModel | None:  # noqa: ANN401 - JSON of a request
    """Return who makes the summary that *args* ask for, if they ask for one and say who."""
    sees = turn.sees
    if isinstance(sees, Summarised) and "summarise" in args:
        return sees.model  # type: ignore[return-value]  # a layer below, models have no type
    return None


def summary_request(
    turn: Turn,
    sees: Summarised,
    model: Model,
    args: Any,  # noqa: ANN401 - JSON
) -> ModelRequest:
    """Return the request for the summary that *args* ask for: the last one, and what followed.

    Tool calls are told with their results; of files, not every model can see the content.
    """
    start, end = args["summarise"]
    said = [replace(one, files=()) for one in turn.view.transcript[start:end]]
    told = [*_told(_before(turn)), *said]
    system, messages = render(told, me="", state=turn.state, prompt=sees.prompt, role="")
    return ModelRequest(model.name, system, messages, model.settings)


def seen(turn: Turn, args: Any) -> list[Message]:  # noqa: ANN401 - JSON of a request
    """Return the messages that the request of *args* shows."""
    transcript = turn.view.transcript
    sees = turn.sees
    if "from" not in args:
        return list(transcript if sees is None else sees.of(transcript))
    messages = transcript[args["from"] : len(transcript)]
    return [*(_told(_latest(turn)) if isinstance(sees, Summarised) else ()), *messages]


def _told(summary: Made | None) -> list[Message]:
    """Return *summary* as the message that tells it, if there is one."""
    if summary is None:
        return []
    value: Any = summary.result.value
    return [Message(value["text"], "summary of what was before")]
