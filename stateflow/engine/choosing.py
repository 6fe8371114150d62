"""Asking a chooser: the chat it sees, and how its answer is held against the table."""

from __future__ import annotations

from typing import Any

from stateflow.conversation.effect import Call, FaultRaised
from stateflow.conversation.message import Fault
from stateflow.conversation.view import View
from stateflow.engine.faults import fault_of
from stateflow.engine.naming import about
from stateflow.engine.operations import pick
from stateflow.engine.turn import EngineTurn
from stateflow.errors import StoreError
from stateflow.machine.choose import Chat, Chooser
from stateflow.machine.flow import Flow
from stateflow.machine.state import Place, State

__all__ = ["chat_of", "choose"]


def chat_of(flow: Flow, state: State, enabled: list[int], view: View) -> Chat:
    """Return the chat with the targets of the *enabled* transitions, each once, in order."""
    targets = list(dict.fromkeys(state.transitions[index].target for index in enabled))
    places = [flow.places[target] if target is not None else None for target in targets]
    agents = tuple(place.agent if isinstance(place, State) else None for place in places)
    spoke = next((a for a in state.agents if a.name == view.last.speaker), state.agent)
    describe = tuple(_description(place) for place in places)
    return Chat(view, tuple(targets), agents, spoke, describe, tuple(flow.places))


def _description(place: Place | None) -> str:
    """Return what the agents of *place* say they are for; never what they are told."""
    agents = place.agents if isinstance(place, State) else ()
    told = (str(getattr(agent, "description", "") or "") for agent in agents)
    return "; ".join(line for line in told if line)


async def choose(chooser: Chooser, chat: Chat, turn: EngineTurn) -> str | Fault | None:
    """Return the candidate that *chooser* picks, or why it picked none.

    A composed chooser makes effects of its own; any other is one effect.  What it is told of the
    candidates stands in the turn's role, where an agent finds the state's prompt.
    """
    try:
        if chooser.composed:
            turn.role = about(chat)
            return pick(chooser.name, await chooser.choose(chat, turn), chat)
        candidates: list[Any] = list(chat.candidates)
        (result,) = await turn.perform(Call("speaker.choose", {"candidates": candidates}))
        answer: Any = result.unwrap()
        return pick(chooser.name, answer["to"], chat)
    except StoreError:
        raise
    except FaultRaised as error:
        return error.fault
    except Exception as error:  # noqa: BLE001 - a chooser is the user's; its error is a fault
        return fault_of(error)
