"""A flow whose agents say what a witness tells, so that the real engine shows what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from stateflow import (
    NO_RETRY,
    PASS,
    Assistant,
    BadReply,
    FaultError,
    Flow,
    FunctionAgent,
    Message,
    Model,
    Runner,
    State,
    Usage,
    View,
)
from stateflow import errors as faults
from stateflow.conversation.agent import Agent, Reply
from stateflow.conversation.message import SILENCE, Fault
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.machine.bound.bound import Move
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.models.price import FREE

__all__ = ["staged"]

Line = Message | Fault


async def staged(flow: Flow, witness: Sequence[Move]) -> Fold:
    """Return what a run of *flow* came to in which its agents say the lines of *witness*."""
    script = _Script(_lines(flow, witness))
    more = {move.state for move in witness if not _is_plain(move.says)}
    places = [
        place.changed(
            agents=tuple(script.plays(one, place.name not in more) for one in place.agents),
            sees=None,
        )
        if isinstance(place, State)
        else place
        for place in flow.places.values()
    ]
    copy = Flow(flow.name, *places, budget=flow.budget, on_error=flow.on_error, data=flow.data)
    async with Runner(models={"prompter": script}) as runner:
        result = await runner.start(copy, "task")
        return fold_of((await runner.journal(result.run)).events)


def _lines(flow: Flow, witness: Sequence[Move]) -> Iterator[Line]:
    for move in witness:
        state = flow.places[move.state]
        assert isinstance(state, State)
        if move.says is None:
            assert move.fault is not None
            yield move.fault
            continue
        yield from [Message("Go on.")] * (len(state.agents) - 1)
        yield move.says


def _is_plain(message: Message | None) -> bool:
    return message is None or message == Message(message.text, message.speaker)


class _Script:
    """Everybody's lines, in the order in which they are said; after the last, all fail."""

    name = "scripted:prompter"
    price = FREE

    def __init__(self, lines: Iterator[Line]) -> None:
        self.lines = lines

    def plays(self, agent: Agent, plain: bool) -> Agent:
        """Return who says the lines of *agent*: a model's still cost a call, if they are text."""
        if plain and isinstance(agent, Assistant):
            return Assistant(agent.name, Model(self.name, retry=NO_RETRY))
        return FunctionAgent(agent.name, self._said)

    def _said(self, view: View) -> Reply:
        line = self._line()
        return PASS if line is SILENCE else line

    def _line(self) -> Message:
        line = next(self.lines, None)
        if line is None:
            raise BadReply("the witness is over")
        if isinstance(line, Fault):
            raise getattr(faults, line.name, type(line.name, (FaultError,), {}))(line.text)
        return line

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        return ModelReply(self._line().text, usage=Usage(calls=1))

    async def count(self, request: ModelRequest, /) -> int | None:
        return None

    async def aclose(self) -> None:
        """Do nothing: there is nothing to let go of."""
