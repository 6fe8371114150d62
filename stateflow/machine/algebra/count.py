"""Counts: visits, turns, messages and what was spent, within the bounds that guards ask for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final as Constant
from typing import TypeAlias, cast

from stateflow.conversation.message import NO_USAGE, Message, Usage
from stateflow.conversation.transcript import Transcript
from stateflow.machine.algebra.setting import Setting
from stateflow.machine.algebra.trait import Lack

__all__ = ["Bounds", "Counts"]

Bounds: TypeAlias = Mapping[tuple[str, str], tuple[float, float]]
"""For what is counted (and the state, for visits): at least so much, and less than so much."""

_MOST_MESSAGES: Constant = 2_000
"""Of a transcript that is made up."""
_FREE: Constant = {("turns", ""), ("messages", "")}
_FIGURES: Constant = ("calls", "input_tokens", "output_tokens", "tokens")


@dataclass(slots=True)
class Counts:
    """What is counted, as it was met."""

    visits: dict[str, int]
    turns: int
    messages: int
    usage: Usage
    strained: bool = False

    @classmethod
    def met(
        cls, bounds: Bounds, setting: Setting, usual: Mapping[str, int], spoken: int = 1
    ) -> Counts | Lack:
        """Return counts within *bounds*, the visits as is *usual* where that may be.

        Args:
            bounds: to be within.
            setting: of the turn.
            usual: visits on the shortest way to it.
            spoken: messages of the turn itself.
        """
        strained, visits = False, dict(usual)
        for (what, state), asked in bounds.items():
            if what == "visits":
                count = _between(asked, setting.visits(state), visits.get(state, 0))
                if count is None:
                    return Lack.NEVER
                strained |= count < visits.get(state, 0)
                visits[state] = int(count)
        turns = max(sum(visits.values()) - 1, 0)
        taken = _between(bounds.get(("turns", "")), (0, math.inf), turns)
        said = turns + 1 + spoken  # the task, and one message a turn
        heard = _between(bounds.get(("messages", "")), (0, math.inf), said)
        usage = _usage(bounds)
        if taken is None or heard is None or usage is Lack.NEVER:
            return Lack.NEVER
        if heard > _MOST_MESSAGES or not isinstance(usage, Usage):
            return Lack.UNKNOWN
        strained |= taken < turns or heard < said
        return cls(
            {name: count for name, count in visits.items() if count},
            int(taken),
            int(heard),
            usage,
            strained,
        )

    def transcript(self, messages: Sequence[Message]) -> Transcript:
        """Return a transcript of so many messages that ends in *messages*."""
        transcript = Transcript()
        for number in range(max(self.messages - len(messages), 0)):
            transcript = transcript.append(Message("…", "somebody" if number else "user"))
        for message in messages[-self.messages :] if self.messages else ():
            transcript = transcript.append(message)
        return transcript


def _between(
    asked: tuple[float, float] | None, base: tuple[float, float], usual: float
) -> float | None:
    """Return a whole number within *asked* and *base*, at least *usual* if that may be."""
    low, high = asked or (-math.inf, math.inf)
    if low == math.inf:
        return None
    least = max(base[0], math.ceil(low) if low > -math.inf else base[0])
    if least >= high or least > base[1]:
        return None
    return usual if least < usual < high and usual <= base[1] else least


def _usage(bounds: Bounds) -> Usage | Lack:
    if bounds.keys() <= _FREE or all(state for _, state in bounds):
        return NO_USAGE
    asked = {what: bounds.get((what, "")) for what in _FIGURES}
    found = {what: _between(one, (0, math.inf), 0) for what, one in asked.items()}
    low, high = bounds.get(("usd", ""), (0.0, math.inf))
    if None in found.values() or max(low, 0.0) >= high:
        return Lack.NEVER
    calls, read, written, all_tokens = (int(cast("float", found[one])) for one in _FIGURES)
    over, room, rest = (
        (asked[one] or (0, math.inf))[1] for one in ("tokens", "input_tokens", "output_tokens")
    )
    more = max(all_tokens - read - written, 0)
    first = more if room == math.inf else min(more, math.ceil(room) - 1 - read)
    read, written = read + first, written + more - first
    if read + written >= over or written >= rest:
        return Lack.NEVER  # no other figures are smaller, or hold more
    return Usage(calls, read, written, usd=max(low, 0.0))
