"""What a run of a flow can take at most, before it is run: turns, calls, code, tokens, money.

The graph and its caps are read in ``machine/bound``.  What a single turn may take is told here,
by those who make the calls: a reading by the names of attributes would take an agent that nobody
knows for one that costs nothing.

A call counts once, however often it is tried.  Tokens are those of the one estimate that budgets
reserve by, for a task of a given size and with the transcript as long as it can ever be.  What
nobody can measure beforehand (a person's text, a tool's result) leaves them without a bound, and
is named; a limit of the budget bounds them all the same: a call that would pass it is not made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import MOST_BLOCKS, CodeRunner
from stateflow.agents.human import Human
from stateflow.conversation.agent import Agent
from stateflow.conversation.window import Summarised
from stateflow.engine.ceiling_tokens import Ask, Sizes
from stateflow.engine.choosers import ByHuman, ByModel
from stateflow.errors import DefinitionError
from stateflow.machine.bound.bound import FIGURES, Bound, Most, bounded
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.state import State
from stateflow.machine.transition import Transition

__all__ = ["bound"]

_TASK_TOKENS: Final = 1_000


def bound(flow: Flow, *, task_tokens: int = _TASK_TOKENS) -> Bound:
    """Return what a run of *flow* can take at most, its nested runs included.

    Each figure is a number, or unbounded, and then it names the cycle and the cap that would
    bound it.  One that is *tight* has a witness: a run that the kernel accepts turn by turn and
    that comes to it.  Any other is an "at most".  A run that fails, and is resumed, makes again
    what failed; the figures are of one that needs no second try.

    Args:
        flow: to be bounded; nothing is run and no model is asked.
        task_tokens: size of the task [tokens].

    Raises:
        DefinitionError: *task_tokens* is less than none.

    Example:
        >>> from stateflow import Flow, Scripted, State, says, to
        >>> critic = Scripted("critic", ["too long", "APPROVED"])
        >>> flow = Flow(
        ...     "tagline",
        ...     State("write", Scripted("writer", ["one", "two"]), to("review"), visits=4),
        ...     State("review", critic, to(None, when=says("APPROVED")), to("write")),
        ... )
        >>> str(bound(flow)["turns"]), bound(flow)["turns"].why
        ('turns: 8', "visits=4 of 'write'")
    """
    if task_tokens < 0:
        raise DefinitionError(f"bound(task_tokens={task_tokens!r}): a task has 0 tokens or more")
    return bounded(flow, _Costs(flow, task_tokens), tuple(_notes(flow, task_tokens)))


def _notes(flow: Flow, task_tokens: int) -> Iterator[str]:
    """Yield what the figures take for granted."""
    asked = [one for one in _askers(flow) if isinstance(one, Assistant | ByModel)]
    if asked:
        yield f"tokens by the estimate (UTF-8 bytes over 4), for a task of {task_tokens:,} tokens"
        yield "a call counts once, however often it is tried"
    opaque = [
        one.name
        for one in flow.everybody
        if getattr(one, "kind", "tool") == "llm" and not getattr(one, "composed", False)
    ]
    if opaque:
        names = ", ".join(map(repr, dict.fromkeys(opaque)))
        yield f"{names}: opaque, so what they spend by themselves is not seen"


def _askers(flow: Flow) -> Iterator[object]:
    for state in (state for one in flow.flows for state in one.states):
        yield from state.agents
        yield state.choose


class _Costs:
    """What turns cost, by who speaks."""

    def __init__(self, flow: Flow, task_tokens: int) -> None:
        self._sizes = Sizes(flow, task_tokens)
        self._bare = Sizes(flow, 0)

    def turn(self, state: State, said: float) -> Mapping[str, Most]:
        """Return what a turn in *state* takes where up to *said* messages were said before."""
        strange = [one for one in (*state.agents, state.choose) if _is_strange(one)]
        if strange:
            name = getattr(strange[0], "name", "")
            why = f"{name!r} makes effects by code of its own, so nobody can say how many"
            return dict.fromkeys(FIGURES, Most(math.inf, why, sure=False))
        asks = [*self._spoken(state), *self._chosen(state)]
        tools = [one for one in state.agents if isinstance(one, Assistant) and _has_tools(one)]
        code = sum(MOST_BLOCKS for one in state.agents if isinstance(one, CodeRunner))
        return {
            **self._asked(state, asks, said),
            "tools": Most(sum(map(self.runs, tools)), sure=not tools),
            "code": Most(code, sure=not code),
        }

    def lean(self, state: State) -> float:
        """Return the tokens that a turn in *state* takes where nothing was said, nor a task."""
        asks = [*self._spoken(state), *self._chosen(state)]
        return sum(self._bare.cost(ask, state, 0)[0].amount for ask in asks)

    def restart(self, transition: Transition, said: float) -> Mapping[str, Most]:
        """Return what the summary of *transition* takes."""
        summary = transition.restart
        asks = [Ask(summary, 1, sure=False)] if isinstance(summary, ByModel) else []
        return self._asked(None, asks, said)

    def runs(self, agent: Agent) -> float:
        """Return how many tools *agent* may call in one turn, those that are flows included.

        A model asks for as many in a round as its reply holds, a token each at the least.
        """
        if not isinstance(agent, Assistant) or not _has_tools(agent):
            return 0
        rounds = agent.rounds if agent.reflect else 1
        return rounds * self._sizes.written(agent.model)

    def limit(self, flow: Flow, name: str) -> float:
        """Return the limit that the budget of *flow* sets to the figure *name*."""
        budget = flow.budget
        limit = getattr(budget, name, None)
        if name == "usd" and budget.unpriced:
            return math.inf  # it limits nothing once one model without a price was asked
        return math.inf if limit is None else limit

    def _spoken(self, state: State) -> Iterator[Ask]:
        """Yield the calls of those who speak in *state*."""
        for agent in state.agents:
            if isinstance(agent, Assistant):
                yield _asks_of(agent)
                if isinstance(state.sees, Summarised):
                    yield Ask(state.sees, 1, sure=False, model=state.sees.model or agent.model)
            elif isinstance(agent, FlowAgent) and isinstance(agent.summary, ByModel):
                yield Ask(agent.summary, 1, sure=False, heard=agent.flow)

    def _chosen(self, state: State) -> Iterator[Ask]:
        """Yield the calls that tell who is next."""
        chooser = state.choose
        if isinstance(chooser, ByModel) and len({one.target for one in state.transitions}) > 1:
            yield Ask(chooser, chooser.retries + 1, sure=False)

    def _asked(self, state: State | None, asks: list[Ask], said: float) -> dict[str, Most]:
        """Return what the calls take."""
        costs = [self._sizes.cost(ask, state, said) for ask in asks]
        return {
            "calls": Most(sum(ask.calls for ask in asks), sure=all(ask.sure for ask in asks)),
            "tokens": _sum([tokens for tokens, _ in costs]),
            "usd": _sum([usd for _, usd in costs]),
        }


def _sum(parts: list[Most]) -> Most:
    why = next((one.why for one in parts if math.isinf(one.amount)), "")
    return Most(sum(one.amount for one in parts), why, sure=not parts)


def _is_strange(one: object) -> bool:
    """Tell whether *one* makes effects that nobody here knows."""
    known = (Assistant, ByModel, ByHuman, CodeRunner, FlowAgent, Human)
    return bool(getattr(one, "composed", False)) and not isinstance(one, known)


def _has_tools(agent: Assistant) -> bool:
    return bool(agent.toolbox or agent.sources)


def _asks_of(agent: Assistant) -> Ask:
    """Return the calls of one turn of *agent*: rounds of tools, repairs, and the answer."""
    rounds = agent.rounds if _has_tools(agent) and agent.reflect else 0
    repairs = agent.repairs if agent.reply_type is not None else 0
    return Ask(agent, rounds + repairs + 1, sure=rounds + repairs == 0)
