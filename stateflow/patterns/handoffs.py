"""Who may hand the floor to whom: a row for each agent, from its tools or from a table.

The rows are what is executed and drawn.  A handoff that they do not hold is not offered to a
model, and where a message names it all the same no guard holds for it: nobody gets the floor who
may not have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from stateflow.conversation.agent import Agent
from stateflow.conversation.view import View
from stateflow.errors import DefinitionError
from stateflow.patterns.frame import name_of
from stateflow.tools.handoff import Handoff

__all__ = ["Handoffs", "handed_over", "handoffs_of", "refuse_unreached", "tools_of"]

Handoffs: TypeAlias = Mapping[Agent, Sequence[Agent | str]]
"""For an agent, whom it may hand off to: agents or their names."""


def handed_over(view: View) -> str:
    """Return what the last speaker said, and what its tools gave: a handoff gives its message.

    Example:
        >>> from stateflow.conversation.message import Message, ToolCall
        >>> call = ToolCall("1", "transfer_to_user", "{}", "Which flight?")
        >>> handed_over(View(last=Message("", "desk", calls=(call,))))
        'Which flight?'
    """
    parts = (view.last.text, *(call.result for call in view.last.calls))
    return "\n\n".join(part for part in parts if part)


def tools_of(agent: Agent) -> list[str]:
    """Return the names that *agent* has ``handoff(...)`` tools for."""
    toolbox: Iterable[object] = getattr(agent, "toolbox", ())
    return [tool.target for tool in toolbox if isinstance(tool, Handoff)]


def handoffs_of(
    where: str, agents: Sequence[Agent], given: Handoffs | None, known: Sequence[str]
) -> dict[str, list[str]]:
    """Return for each of *agents*, by name, the names of those it may hand off to.

    Args:
        where: pattern and name, for the sentence.
        agents: who hands off.
        given: rows that hold instead of the tools.
        known: names of all who can be handed off to.

    Raises:
        DefinitionError: a row belongs to nobody, or somebody hands off to one who is not there.
    """
    names = [agent.name for agent in agents]
    rows = {name_of(agent): row for agent, row in (given or {}).items()}
    for stranger in rows:
        if stranger not in names:
            raise DefinitionError(
                f"{where}: handoffs= has a row for {stranger!r}, who is not in it; there are: "
                f"{', '.join(map(repr, names))}"
            )
    table: dict[str, list[str]] = {}
    for agent in agents:
        row = rows.get(agent.name)
        targets = tools_of(agent) if row is None else _row(where, agent.name, row)
        for target in targets:
            if target not in known:
                raise DefinitionError(
                    f"{where}: {agent.name!r} hands off to {target!r}, who is not in it; add that "
                    "agent, or leave the handoff out"
                )
        table[agent.name] = [one for one in dict.fromkeys(targets) if one != agent.name]
    return table


def _row(where: str, agent: str, row: Sequence[Agent | str]) -> list[str]:
    if isinstance(row, str) or not isinstance(row, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance] - tables are written by hand
        raise DefinitionError(f"{where}: the row of {agent!r} in handoffs= is no list: {row!r}")
    targets = [name_of(one) for one in row]
    if not all(targets):
        raise DefinitionError(
            f"{where}: the row of {agent!r} in handoffs= names nobody: {row!r}; give agents"
        )
    return targets


def refuse_unreached(where: str, first: str, table: Mapping[str, Sequence[str]]) -> None:
    """Refuse a table in which somebody can never get the floor.

    Raises:
        DefinitionError: nobody who can be reached from *first* hands off to one of them.
    """
    reached, ahead = [first], [first]
    while ahead:
        for target in table.get(ahead.pop(), ()):
            if target not in reached:
                reached.append(target)
                ahead.append(target)
    for name in table:
        if name not in reached:
            raise DefinitionError(
                f"{where}: nobody hands off to {name!r}; give somebody handoff({name!r}), a row "
                "in handoffs=, or leave that agent out"
            )
