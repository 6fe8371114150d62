"""What resuming a run would do, found out without writing anything and without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from stateflow.conversation.effect import Question
from stateflow.engine.answering import open_questions
from stateflow.engine.claiming import allowed, proved, refuse_over
from stateflow.engine.environment import Environment
from stateflow.engine.instead import speeches
from stateflow.engine.renames import claimed, suggested
from stateflow.engine.spending import left, over
from stateflow.engine.stepping import view_of
from stateflow.errors import ReplayDivergence
from stateflow.journal.event import ChildStarted, HumanAsked
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.stop import Stop
from stateflow.machine.budget import Budget
from stateflow.machine.difference.change import Change
from stateflow.machine.difference.difference import difference
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.state import State

__all__ = ["Next", "Plan", "planned"]


@dataclass(frozen=True, slots=True)
class Next:
    """Who would speak next, and as what."""

    state: str
    agent: str
    kind: str
    """``llm``, ``human``, ``code``, ``tool`` or ``flow``."""
    model: str = ""
    prompt: str = ""
    """The agent's, a blank line, and the state's."""
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What resuming a run would do; true where it would be allowed."""

    run: str
    flow: str
    turns: int
    """Turns on the record, those of nested runs not counted [turns]."""
    kept: int
    """So many of them the flow takes again as they are recorded, from the first [turns]."""
    changes: tuple[Change, ...] = ()
    """What has changed in the flow since the recording."""
    divergence: ReplayDivergence | None = None
    """Why resuming would be refused; ``None``: it would not."""
    rename: Mapping[str, str] = field(default_factory=dict[str, str])
    """Places that seem to be called otherwise now, and that no map has told of; a guess."""
    state: str = ""
    """Where the run stands, in the names of now; empty: nowhere, it is done."""
    stop: Stop | None = None
    """How it stopped; ``None``: it was cut off, or is under way."""
    over: bool = False
    """Resuming would give its end again, and do nothing."""
    questions: tuple[Question, ...] = ()
    """What is open; ids as they are recorded."""
    made: tuple[str, ...] = ()
    """Effects of the open turn that came to something: they are not made again."""
    begun: tuple[str, ...] = ()
    """Effects of the open turn that began, and came to nothing yet."""
    next: Next | None = None
    """``None``: all have spoken in the open turn, and its guards are tried again."""
    used_up: str = ""
    """The limit that allows no turn more, unless another budget is given; empty: there is none."""
    left: Budget = field(default_factory=Budget)
    """What the run may still use up."""

    def __bool__(self) -> bool:
        """Tell whether resuming would be allowed."""
        return self.divergence is None


async def planned(
    flow: Flow, run: str, environment: Environment, rename: Mapping[str, str]
) -> Plan:
    """Return what resuming *run* with *flow* would do.

    Raises:
        RunError: *rename* does not lead from the recorded flow to this one, or the run could not
            go on here, whatever its flow is.
    """
    store = environment.store
    events = await store.read(run)
    journal = await store.journal(run)
    before, table = journal.started.table, environment.redactor.json(flow.table())
    fold = fold_of(journal.events)
    told = {was: name for was, name in suggested(before, table).items() if was not in rename}
    plan = Plan(
        run,
        flow.name,
        turns=len(fold.path),
        kept=len(fold.path),
        changes=difference(before, table).changes,
        rename=told,
        state=fold.state,
        stop=fold.stop,
        over=fold.ended,
        questions=tuple((await open_questions(store, run)).values()),
    )
    if fold.ended:
        refuse_over(run, answered=False, rename=rename)
        return plan
    budget = allowed(flow, fold, environment)
    try:
        claim = await proved(flow, run, environment, events, rename)
    except ReplayDivergence as error:
        return replace(plan, divergence=error, kept=_kept(error, fold))
    if claim.rename is not None:
        fold = fold_of(claimed(journal, claim).events)
    return replace(
        plan,
        state=fold.state,
        made=tuple(str(answer.key) for _, answer in sorted(fold.answers.items())),
        begun=_begun(fold),
        next=_next(flow, fold, table),
        used_up=over(budget, fold),
        left=left(budget, fold),
    )


def _kept(error: ReplayDivergence, fold: Fold) -> int:
    """Return how many turns were taken as recorded before *error*; of a nested one, those before.

    The turn of a nested run is one of its own journal: of the run around it only the place is told.
    """
    if error.turn is not None and not error.run:
        return min(error.turn - 1, len(fold.path))
    if error.kind == "gone" and error.state in fold.path:
        return fold.path.index(error.state)
    state = error.run.partition("#")[0]
    return fold.path.index(state) if state in fold.path else 0


def _begun(fold: Fold) -> tuple[str, ...]:
    return tuple(
        str(begun.key)
        for ordinal, begun in sorted(fold.begun.items())
        if ordinal not in fold.answers and not isinstance(begun, HumanAsked | ChildStarted)
    ) + tuple(str(begun.key) for begun in fold.open_children())


def _names(place: State, fold: Fold) -> tuple[str, ...]:
    """Return who would speak in *place*, the next first; flows that run in it, those that are left.

    Several run there at once.
    """
    if isinstance(place.agent, FlowAgent):
        left_open = tuple(begun.flow for begun in fold.open_children())
        every = () if fold.answers else tuple(agent.name for agent in place.agents)
        return (" | ".join(left_open or every),) if left_open or every else ()
    return tuple(agent.name for agent in place.agents[speeches(fold) :])


def _next(flow: Flow, fold: Fold, table: Mapping[str, Any]) -> Next | None:
    place = flow.places.get(fold.state)
    names = _names(place, fold) if isinstance(place, State) else ()
    if not isinstance(place, State) or not names:
        return None
    name = names[0]
    rows: Sequence[Mapping[str, Any]] = table["agents"]
    row = next((one for one in rows if one["name"] == name), cast("Mapping[str, Any]", {}))
    given = (fold.started.models or {}) if fold.started is not None else {}
    role = place.prompt
    if not isinstance(role, str):
        role = role(view_of(fold, flow.typed(fold.data) if flow.data is not None else None))
    parts = [str(row.get("prompt") or ""), role]
    return Next(
        place.name,
        name,
        str(row.get("kind", "flow" if isinstance(place.agent, FlowAgent) else "tool")),
        str(given.get(name) or row.get("model") or ""),
        "\n\n".join(part for part in parts if part),
        tuple(map(str, row.get("tools") or ())),
    )
