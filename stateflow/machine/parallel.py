"""Parallel states: several flows speak at once, and are joined.

Each branch is a nested run with a fixed share of the budget.  Their messages stand in the order
of the branches, whoever ended first.  Which of them counted where not all were needed is a fact
of the run, and recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from stateflow.conversation.summary import Summary
from stateflow.conversation.window import Window
from stateflow.errors import DefinitionError
from stateflow.machine.nested import FlowAgent, Input, Output, flow_agent, output_of
from stateflow.machine.state import DEFAULT_TIMEOUT_S, State, Steps
from stateflow.machine.transition import Action, Transition

if TYPE_CHECKING:
    from stateflow.machine.flow import Flow

__all__ = ["Branches", "Join", "Others", "Parallel"]

Join: TypeAlias = Literal["all", "any"] | int
"""How many branches must end before the state is left."""

Others: TypeAlias = Literal["cancel", "keep"]
"""What becomes of branches that nobody needs any more."""

Branches: TypeAlias = "Sequence[Flow | FlowAgent] | Mapping[str, Flow | FlowAgent]"
"""Flows, or flows by the name that they speak under."""


@dataclass(frozen=True, slots=True, init=False)
class Parallel(State):
    """A state in which several flows run at once, each in a branch of its own.

    Guards are tried once, after the join.  One that names a speaker (``by=``) reads that branch;
    one that names none holds if it holds for any branch.

    Args:
        name: of the state.
        branches: flows, agents made by ``flow.as_agent(...)``, or flows by name.
        transitions: tried in order after the join.
        join: ``"all"`` branches must end, ``"any"`` one, or so many; a branch that fails does
            not end, and the state raises once too few are left.
        others: ``"cancel"`` branches that nobody needs any more, or ``"keep"`` them until they end.
        input: task of every branch; else the last message.
        carryover: what they are told of the transcript beside that.
        summary: of each branch, as for ``Nested``.
        output: action that changes the data once they are joined.
        visits: how often it may be entered; ``None``: as often as the budget allows.
        entry: changes the data when it is entered.
        exit: changes the data when it is left.
        save: data field that takes what the branches came to, by their names.
        timeout_s: limit of an effect here, as of a call that writes a summary [s].
        phase: what it is part of, in drawings.

    Raises:
        DefinitionError: fewer than two branches, two of one name, or a join that never fires.

    Example:
        >>> from stateflow import Flow, FunctionAgent, State, to
        >>> echo = FunctionAgent("echo", lambda view: view.last.text)
        >>> flow = Flow("say", State("say", echo, to(None)))
        >>> Parallel("read", {"critic": flow, "editor": flow}, to(None), join="any").join
        'any'
    """

    need: int
    """So many branches must end."""
    others: Others

    def __init__(  # noqa: PLR0913 - the declaration of a state is this long
        self,
        name: str,
        branches: Branches,
        *transitions: Transition,
        join: Join = "all",
        others: Others = "cancel",
        input: Input = None,  # noqa: A002 - the word of sub-machines
        carryover: Window | None = None,
        summary: Summary | None = None,
        output: Action | None = None,
        visits: int | None = None,
        entry: Action | None = None,
        exit: Action | None = None,  # noqa: A002 - the statecharts' word
        save: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        phase: str = "",
    ) -> None:
        """Declare the state called *name*, in which *branches* run."""
        named: Sequence[tuple[str | None, object]] = (
            list(branches.items())
            if isinstance(branches, Mapping)
            else [(None, one) for one in _listed(name, branches)]
        )
        where = f"state {name!r}"
        agents = tuple(
            flow_agent(flow, where, called, input=input, carryover=carryover, summary=summary)
            for called, flow in named
        )
        if others not in {"cancel", "keep"}:
            raise DefinitionError(f"{where}: others={others!r} is neither 'cancel' nor 'keep'")
        State.__init__(
            self,
            name,
            Steps(_checked(where, agents)),
            *transitions,
            visits=visits,
            entry=entry,
            exit=exit,
            save=save,
            timeout_s=timeout_s,
            phase=phase,
        )
        object.__setattr__(self, "output", output_of(name, cast("Output", output)))
        object.__setattr__(self, "need", _need(where, join, len(agents)))
        object.__setattr__(self, "others", others)

    @property
    def branches(self) -> tuple[FlowAgent, ...]:
        """Who speaks, in order."""
        return cast("tuple[FlowAgent, ...]", self.agents)

    @property
    def join(self) -> str:
        """The join in words."""
        count = len(self.agents)
        return {count: "all", 1: "any"}.get(self.need, f"{self.need} of {count}")


def _listed(name: str, branches: object) -> Sequence[object]:
    if isinstance(branches, str) or not isinstance(branches, Sequence):
        raise DefinitionError(
            f"state {name!r}: branches={branches!r} is no list; write [flow, flow] or "
            "{'name': flow}"
        )
    return cast("Sequence[object]", branches)


def _checked(where: str, agents: tuple[FlowAgent, ...]) -> tuple[FlowAgent, ...]:
    if len(agents) < 2:  # noqa: PLR2004 - one is not several
        raise DefinitionError(f"{where} has {len(agents)} branches; two or more run in parallel")
    seen: set[str] = set()
    for agent in agents:
        if agent.name in seen:
            raise DefinitionError(
                f"{where} has two branches called {agent.name!r}; name them: {{'name': flow}}"
            )
        seen.add(agent.name)
    return agents


def _need(where: str, join: object, count: int) -> int:
    if join == "all":
        return count
    if join == "any":
        return 1
    if not isinstance(join, int) or isinstance(join, bool) or join < 1:
        raise DefinitionError(
            f"{where}: join={join!r}; write 'all', 'any', or a number of branches"
        )
    if join > count:
        raise DefinitionError(
            f"{where}: join={join} can never fire, for it has {count} branches; write join='all'"
        )
    return join
