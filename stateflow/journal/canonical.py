"""The canonical form: what two runs must share to be called the same, byte for byte.

Left out: run ids, times, durations, attempts, pauses and resumes, and where the code lies.
What failed and was made again is not told, nor how far a branch had come that was cancelled.
Effects of a turn stand in the order of their keys, whoever finished first; nested journals stand
at their place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from stateflow.conversation.effect import Key
from stateflow.journal.codec import event_json
from stateflow.journal.event import (
    ChildEnded,
    EffectBegun,
    EffectDone,
    EffectFailed,
    Event,
    HumanAnswered,
    HumanAsked,
    Journal,
    RunChanged,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    TurnTaken,
)
from stateflow.value import Json, canonical_json

__all__ = ["canonical", "canonical_events"]

_VOLATILE: Final = frozenset(
    {
        "attempts",
        "seconds",
        "source",
        "forked",
        "budget",
        "grant",
        "prices",
        "due",
        "lost",
        "lost_turns",
    }
)
_SETTLED: Final = (EffectFailed, HumanAnswered, ChildEnded)


def canonical(journal: Journal) -> str:
    """Return the canonical text of *journal*, one event a line."""
    return "".join(f"{canonical_json(line)}\n" for line in _lines(journal, ""))


def _lines(journal: Journal, place: str) -> Iterator[Json]:
    cancelled: set[str] = set()
    for number, event in enumerate(canonical_events(r.event for r in journal.events), 1):
        fields = {k: v for k, v in event_json(event).items() if k not in _VOLATILE}
        if isinstance(event, ChildEnded) and event.cancelled:
            cancelled.add(str(event.key))
        result = fields.get("result")
        if isinstance(result, dict):
            fields["result"] = {k: v for k, v in result.items() if k != "request_id"}
        yield {"seq": number, "kind": type(event).__name__, "place": place, **fields}
    for key in sorted(journal.children.keys() - cancelled, key=_place):
        yield from _lines(journal.children[key], f"{place}/{key}")


def _place(key: str) -> tuple[str, int, int]:
    """Return *key*, ``state#visit.ordinal``, in the order of the run."""
    state, _, place = key.rpartition("#")
    visit, _, ordinal = place.partition(".")
    return state, int(visit), int(ordinal)


def canonical_events(events: Iterable[Event]) -> list[Event]:
    """Return *events* without pauses and superseded attempts, each turn's in key order."""
    ordered: list[Event] = []
    turn: dict[tuple[int, int], Event] = {}
    for event in events:
        match event:
            case EffectDone():  # of most kinds there are few
                turn[event.key.ordinal, True] = event
            case TurnTaken() | RunStarted() | RunChanged() | RunEnded():
                ordered += _in_order(turn)
                turn.clear()
                ordered.append(event)
            case RunPaused() | RunResumed():
                continue
            case HumanAsked() if isinstance(turn.get((event.key.ordinal, False)), EffectBegun):
                continue  # whether it was done: told by what it came to
            case _:
                key: Key = event.key
                turn[key.ordinal, isinstance(event, _SETTLED)] = event
    return ordered + _in_order(turn)


def _in_order(turn: Mapping[tuple[int, int], Event]) -> list[Event]:
    return [turn[place] for place in sorted(turn)] if len(turn) > 1 else [*turn.values()]
