"""What a person says in place of the next speaker of a fork, who is not asked.

The reply is on the record before anything happens (``RunChanged``), and becomes what the speaker's
own effect came to, with the arguments that the speaker asked with: so a crash in between loses
nothing, and a replay finds what it asks for.  What comes before a speech, such as a summary of what
was said, is made as ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.agents.human import Human, fitting
from stateflow.agents.structured import read_reply
from stateflow.conversation.effect import Effect
from stateflow.errors import RunError
from stateflow.journal.event import EffectDone, HumanAnswered, HumanAsked
from stateflow.journal.fold import Fold
from stateflow.journal.said import Answer
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.state import State
from stateflow.value import Json

__all__ = ["check_reply", "said_instead", "speeches"]

_ASIDE: Final = ("keep", "summarise", "candidates")
"""Arguments of calls of a model that are no speech."""


def said_instead(
    fold: Fold, answers: Iterable[Answer], effect: Effect, args: Json, asked: HumanAsked | None
) -> EffectDone | HumanAnswered | None:
    """Return what *effect* comes to where a person has said it; ``None``: it is to be made.

    Args:
        fold: where the run stands.
        answers: what the open turn has come to.
        effect: what is asked for.
        args: its arguments, without secrets.
        asked: the question it puts to a person, if it does.
    """
    reply = fold.reply
    if reply is None or not _speaks(effect.call.op, args):
        return None
    if any(_spoke(one) for one in answers):
        return None
    if asked is not None:
        fits = None if asked.form is not None else fitting(reply, asked.options)
        return HumanAnswered(effect.key, reply if fits is None else fits)
    return EffectDone(effect.key, effect.call.op, {"text": reply}, args)


def _speaks(op: str, args: Json) -> bool:
    """Tell whether the effect is one by which somebody says something."""
    if op == "model.call":
        return not (isinstance(args, dict) and any(word in args for word in _ASIDE))
    return op in {"agent.reply", "human.ask"}


def _spoke(answer: Answer) -> bool:
    if isinstance(answer, HumanAnswered):
        return True
    return isinstance(answer, EffectDone) and _speaks(answer.op, answer.args)


def speeches(fold: Fold) -> int:
    """Return how many have spoken in the open turn of *fold*; who calls tools has not yet."""
    return sum(_spoke(one) and not _calls(one) for one in fold.answers.values())


def _calls(answer: Answer) -> bool:
    result = answer.result if isinstance(answer, EffectDone) else None
    return isinstance(result, dict) and bool(result.get("calls"))


def check_reply(flow: Flow, fold: Fold, reply: str) -> None:
    """Refuse a reply that nobody can give where *fold* stands.

    Raises:
        RunError: nobody speaks there, or a reply is not all that the one who does has to give.
    """
    place = flow.places.get(fold.state)
    if not isinstance(place, State):
        raise RunError(f"at {fold.state!r} nobody speaks next; leave out the reply")
    agent: Any = place.agents[0]
    if isinstance(agent, FlowAgent):
        raise RunError(
            f"in state {place.name!r} a nested flow speaks next, of many turns; give the reply to "
            "a fork at a turn after which an agent speaks"
        )
    if isinstance(agent, CodeRunner):
        raise RunError(
            f"in state {place.name!r} {agent.name!r} runs code next, and what code comes to is no "
            "reply; fork one turn earlier and give the code"
        )
    wrong = _wrong(agent, reply)
    if wrong:
        raise RunError(f"{agent.name!r} speaks next in {place.name!r}: {wrong}")


def _wrong(agent: object, reply: str) -> str:
    """Return why *agent* cannot have said *reply*; empty: it can."""
    if isinstance(agent, Human):
        return agent.read(reply)[1]
    if isinstance(agent, Assistant) and agent.reply_type is not None:
        return read_reply(agent.reply_type, reply)[1]
    return ""
