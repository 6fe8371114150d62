"""Groups: several agents in one conversation, and a rule for who speaks next.

AutoGen's ``GroupChat`` and its teams.  Here the rule is a table that is drawn and checked, and
whoever picks, picks from its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, Unpack

from stateflow.conversation.agent import Agent
from stateflow.engine.choosers import ByHuman, by_human, by_model
from stateflow.errors import DefinitionError
from stateflow.machine.choose import Chat, Chooser
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import turns_at_least
from stateflow.machine.table import FunctionChooser, chooser_of
from stateflow.models.model import AnyModel
from stateflow.patterns.frame import Options, check_count, flow_of, led, name_of, titled
from stateflow.patterns.people import Floor, HumanMode, Row, Seat, floor_of, gathered, seated
from stateflow.patterns.speakers import Speakers, rows_of

__all__ = ["AnyChooser", "group_chat", "manual", "round_robin", "selector"]

AnyChooser: TypeAlias = Chooser | Callable[[Any, Chat], object]
"""Who picks: a chooser, or AutoGen's function ``fn(last_speaker, chat)``."""


class GroupOptions(Options, total=False):
    """What ``selector`` and ``manual`` pass on to ``group_chat``, which says what they mean."""

    allowed: Speakers | None
    disallowed: Speakers | None
    stop: Guard | None
    turns: int | None
    first: Agent | None
    human: HumanMode
    person: Agent | None
    introductions: bool


def group_chat(  # noqa: PLR0913 - all but the first two are keywords
    name: str,
    agents: Sequence[Agent],
    *,
    choose: AnyChooser,
    allowed: Speakers | None = None,
    disallowed: Speakers | None = None,
    repeat: bool | Sequence[Agent] = True,
    stop: Guard | None = None,
    turns: int | None = None,
    first: Agent | None = None,
    human: HumanMode = "never",
    person: Agent | None = None,
    introductions: bool = False,
    **options: Unpack[Options],
) -> Flow:
    """Return a flow in which *choose* picks who of *agents* speaks next.

    Where a row leaves one candidate, nobody is asked.  A function and a person may also say that
    the chat is done, ``None``; others may where *allowed* names ``None``.

    Args:
        name: of the flow.
        agents: who takes part; their descriptions are shown to a model that picks.
        choose: ``in_turn()``, ``at_random(seed=7)``, ``by_model(...)``, ``by_human()``, or
            AutoGen's function ``fn(last_speaker, chat)``.
        allowed: who may follow, a row for each agent; ``None`` in a row is done.
        disallowed: who may not follow; instead of *allowed*.
        repeat: whether an agent may follow itself, or those who may; instead of *allowed*.
        stop: when the chat is over, whoever spoke.
        turns: how many turns it has at most, those of a person counted [turns].
        first: who answers the task; the first of *agents* if not given, because nobody can be
            picked before somebody has spoken.
        human: when a person is asked: ``never``; ``on_stop``, where *stop* holds; ``always``,
            after every turn too.  ``exit`` ends the chat; where *stop* held nothing does, too.
        person: who is asked, ``Human("user", may_pass=True)`` if not given; *choose* finds them
            to be the last speaker then.
        introductions: tell each agent who is there, in the prompt of its state.
        **options: ``budget``, ``data``, ``on_error`` (a final that is added) and ``description``
            of the flow.

    Raises:
        DefinitionError: one of these does not fit, nobody may follow somebody, or nothing ends
            the chat.

    Example:
        >>> from stateflow import Scripted, at_random, says
        >>> team = [Scripted(name, ["DONE"]) for name in ("ann", "bob", "eve")]
        >>> flow = group_chat("team", team, choose=at_random(seed=7), repeat=False, turns=9)
        >>> [way.target for way in flow.states[1].transitions]
        [None, 'ann', 'eve']
    """
    where = titled(group_chat, name, options)
    floor, agents = _opened(where, agents, stop, turns, human, person, options)
    chooser = chooser_of(choose)
    if chooser is None:
        raise DefinitionError(
            f"{where}: choose=None picks nobody; give in_turn(), by_model('openai:…') or a "
            "function, or let them speak one after the other with round_robin(...)"
        )
    rows = rows_of(
        where,
        agents,
        allowed=allowed,
        disallowed=disallowed,
        repeat=repeat,
        done=_may_end(chooser),
    )
    _check_ends(where, floor, rows.values())
    told = _introduced(agents) if introductions else ""
    seats = [_seat(agent, rows[agent.name], chooser, told) for agent in led(where, agents, first)]
    return flow_of(name, seated(seats, floor), options)


def round_robin(  # noqa: PLR0913 - all but the first two are keywords with defaults
    name: str,
    agents: Sequence[Agent],
    *,
    stop: Guard | None = None,
    turns: int | None = None,
    human: HumanMode = "never",
    person: Agent | None = None,
    introductions: bool = False,
    **options: Unpack[Options],
) -> Flow:
    """Return a flow in which *agents* speak one after the other, in a ring.  Nobody picks.

    The arguments are those of :func:`group_chat`.

    Raises:
        DefinitionError: one of them does not fit, or nothing ends the chat.

    Example:
        >>> from stateflow import Scripted
        >>> team = [Scripted(name, ["hi"]) for name in ("ann", "bob", "eve")]
        >>> [state.transitions[-1].target for state in round_robin("team", team, turns=9).states]
        ['bob', 'eve', 'ann']
    """
    where = titled(round_robin, name, options)
    floor, agents = _opened(where, agents, stop, turns, human, person, options)
    _check_ends(where, floor, ())
    told = _introduced(agents) if introductions else ""
    after = [*agents[1:], agents[0]]
    pairs = zip(agents, after, strict=True)
    seats = [_seat(agent, (following.name,), None, told) for agent, following in pairs]
    return flow_of(name, seated(seats, floor), options)


def selector(  # noqa: PLR0913 - all but the first three are keywords with defaults
    name: str,
    agents: Sequence[Agent],
    model: AnyModel,
    *,
    prompt: str | None = None,
    retries: int = 2,
    fallback: Agent | str | Sequence[Agent | str] | None = None,
    repeat: bool | Sequence[Agent] = False,
    **group: Unpack[GroupOptions],
) -> Flow:
    """Return a flow in which *model* picks who of *agents* speaks next.

    It is shown the transcript, and the names and descriptions of those who may be next.  Nobody
    may follow itself, unless *repeat* or ``allowed`` say so.

    Args:
        name: of the flow.
        agents: who takes part.
        model: who picks: a name such as ``openai:gpt-5-mini``, a ``Model``, a ``FallbackModel``.
        prompt: what it is told beside the names.
        retries: how often an answer that names none of them is asked again.
        fallback: who speaks when it never names one, or several, of whom the first does who may
            speak then; without it the run stops ``failed``.
        repeat: whether an agent may follow itself, or those who may.
        **group: as for :func:`group_chat`.

    Raises:
        DefinitionError: as for :func:`group_chat`, and where *model* is none.

    Example:
        >>> from stateflow import Scripted, says
        >>> team = [Scripted(name, ["DONE"]) for name in ("ann", "bob", "eve")]
        >>> flow = selector("team", team, "openai:gpt-5-mini", stop=says("DONE"))
        >>> flow.states[0].choose.name
        "by_model('openai:gpt-5-mini')"
    """
    titled(selector, name, group, GroupOptions)
    choose = by_model(model, prompt=prompt, retries=retries, fallback=_names(fallback))
    free = repeat if group.get("allowed") is None else repeat or True
    return group_chat(name, agents, choose=choose, repeat=free, **group)


def manual(
    name: str,
    agents: Sequence[Agent],
    *,
    repeat: bool | Sequence[Agent] = True,
    **group: Unpack[GroupOptions],
) -> Flow:
    """Return a flow in which a person picks who of *agents* speaks next, or says that it is done.

    The arguments are those of :func:`group_chat`.  The run waits for each answer.

    Raises:
        DefinitionError: as for :func:`group_chat`.

    Example:
        >>> from stateflow import Scripted
        >>> team = [Scripted(name, ["hi"]) for name in ("ann", "bob", "eve")]
        >>> [way.target for way in manual("team", team).states[0].transitions]
        ['ann', 'bob', 'eve', None]
    """
    titled(manual, name, group, GroupOptions)
    return group_chat(name, agents, choose=by_human(), repeat=repeat, **group)


def _names(fallback: Agent | str | Sequence[Agent | str] | None) -> str | list[str] | None:
    if fallback is None:
        return None
    if isinstance(fallback, Sequence) and not isinstance(fallback, str):
        return [name_of(one) for one in fallback]
    return name_of(fallback)


def _opened(  # noqa: PLR0913, PLR0917 - what all groups have in common
    where: str,
    agents: Sequence[Agent],
    stop: Guard | None,
    turns: int | None,
    human: HumanMode,
    person: Agent | None,
    options: Options,
) -> tuple[Floor, tuple[Agent, ...]]:
    if turns is not None:
        check_count(where, "turns", turns, options)
    limit = None if turns is None else turns_at_least(turns)
    floor = floor_of(where, stop, limit, human, person)
    return floor, gathered(where, agents, floor)


def _may_end(chooser: Chooser | None) -> bool:
    """Tell whether *chooser* is somebody who knows when it is over: a function or a person."""
    return isinstance(chooser, FunctionChooser | ByHuman)


def _check_ends(where: str, floor: Floor, rows: Iterable[Row]) -> None:
    done = any(None in row for row in rows)
    if not done and floor.stop is None and floor.limit is None and floor.human == "never":
        raise DefinitionError(
            f"{where}: nothing ends the chat; write stop=says('DONE') or turns=12"
        )


def _seat(agent: Agent, row: tuple[str | None, ...], choose: Chooser | None, told: str) -> Seat:
    """Return the seat of *agent*; a person's prompt is a question, so nothing is told there."""
    person = getattr(agent, "kind", "") == "human"
    return Seat(agent, row, choose, prompt="" if person else told)


def _introduced(agents: Sequence[Agent]) -> str:
    """Return who is there, a line each."""
    described = ((one.name, str(getattr(one, "description", "") or "")) for one in agents)
    lines = [f"- {name}: {line}" if line else f"- {name}" for name, line in described]
    return "\n".join(["In this conversation are:", *lines])
