"""What was heard in a turn: one message, or one of each branch, that a formula asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from stateflow.conversation.message import SILENCE, Message
from stateflow.machine.algebra.atom import Trait
from stateflow.machine.algebra.message import message_of
from stateflow.machine.algebra.setting import Setting
from stateflow.machine.algebra.speech import Speech
from stateflow.machine.algebra.trait import Lack

__all__ = ["Heard", "heard"]

Heard: TypeAlias = "Sequence[Message]"
"""The last message is the turn's; a silent one stands where nobody spoke."""


def heard(said: Sequence[Trait], unsaid: Sequence[Trait], setting: Setting) -> Heard | Lack:
    """Return messages of a turn in *setting*, in which all of *said* is and none of *unsaid*."""
    if setting.need:
        return _at_once(said, unsaid, setting)
    lack = Lack.NEVER
    quiet_first = setting.limit == "yes"  # a limit of the budget lets nobody speak
    for voice in sorted(setting.voices, key=lambda one: one.silent is not quiet_first):
        found = message_of(voice, said, unsaid)
        if isinstance(found, Message):
            return [found]
        if found is Lack.UNKNOWN:
            lack = found
    if not setting.several or len(said) < 2:  # noqa: PLR2004 - one message says one thing
        return lack
    each = [_one(setting.voices, [trait], unsaid) for trait in said]
    if Lack.NEVER in each:
        return Lack.NEVER
    messages = [one for one in each if isinstance(one, Message)]
    return messages if len(messages) == len(each) else Lack.UNKNOWN


def _one(voices: Sequence[Speech], must: Sequence[Trait], never: Sequence[Trait]) -> Message | Lack:
    found = [message_of(voice, must, never) for voice in voices]
    said = (one for one in found if isinstance(one, Message) and one is not SILENCE)
    return next(said, Lack.UNKNOWN if Lack.UNKNOWN in found else Lack.NEVER)


def _at_once(said: Sequence[Trait], unsaid: Sequence[Trait], setting: Setting) -> Heard | Lack:
    """Return what branches said: each demand is met by one of them, no other by any."""
    quiet = [message_of(one, (), unsaid) for one in setting.voices]
    able = [one for one in quiet if one is not Lack.NEVER]
    each = [_one(setting.voices, [trait], unsaid) for trait in said]
    if len(able) < setting.need or Lack.NEVER in each:
        return Lack.NEVER
    left, messages = list(said), list[Message]()
    for voice, plain in zip(setting.voices, quiet, strict=True):
        message, left = _most(voice, plain, left, unsaid)
        if isinstance(message, Message):
            messages.append(message)
    return messages if not left and len(messages) >= setting.need else Lack.UNKNOWN


def _most(
    voice: Speech, plain: Message | Lack, left: list[Trait], unsaid: Sequence[Trait]
) -> tuple[Message | Lack, list[Trait]]:
    """Return what *voice* says to meet as many of *left* as it can, and what is left then."""
    met: list[Trait] = []
    message = plain
    for trait in left:
        tried = message_of(voice, [*met, trait], unsaid)
        if isinstance(tried, Message):
            met.append(trait)
            message = tried
    return message, [one for one in left if one not in met]
