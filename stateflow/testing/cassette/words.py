"""Small parts of a run as a cassette writes them."""

# pyright: reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# What is parsed is any JSON.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stateflow.conversation.effect import ChildResult
from stateflow.conversation.message import NO_USAGE, Fault, Usage, usage_json
from stateflow.journal.event import ChildEnded, Event
from stateflow.testing.cassette.course import Did
from stateflow.testing.cassette.names import ASKED, USAGE
from stateflow.value import canonical_json

__all__ = [
    "change",
    "ended",
    "fault_json",
    "figures",
    "loses",
    "one_or_all",
    "order_of",
    "place_of",
    "raised_by",
    "same",
    "tool_of",
]


def tool_of(args: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the tool that the arguments of a call name."""
    return args.get("tool") if isinstance(args, Mapping) else None


def place_of(did: Did) -> str:
    """Return the place of an effect, as a nested journal is kept under."""
    one = did.begun or did.came
    return str(one.key) if one is not None else ""


def differing(result: ChildResult, old: ChildResult) -> dict[str, Any]:
    """Return what *result* says that *old* does not."""
    more: dict[str, Any] = {
        name: getattr(result, name)
        for name in ("text", "ended", "ok", "turns", "data")
        if getattr(result, name) != getattr(old, name)
    }
    if result.usage != old.usage:
        more["usage"] = figures(result.usage, 0)
    return more


def raised_by(fault: Fault, did: Sequence[Did]) -> int | None:
    """Return the effect that *fault* came from."""
    for one in did:
        if getattr(one.came, "fault", None) == fault:
            return one.ordinal
    return None


def fault_json(fault: Fault, ordinal: int | None = None) -> dict[str, Any]:
    """Return *fault*; the effect at *ordinal* is understood."""
    fields: dict[str, Any] = {"name": fault.name}
    if fault.text:
        fields["text"] = fault.text
    if fault.kinds:
        fields["kinds"] = list(fault.kinds)
    if fault.ordinal != ordinal:
        fields["ordinal"] = fault.ordinal
    if fault.which:
        fields["which"] = fault.which
    return fields


def figures(usage: Usage, calls: int) -> dict[str, Any]:
    """Return what *usage* says; so many *calls* are understood."""
    figures = {USAGE[name]: value for name, value in usage_json(usage).items()}
    if usage.calls == calls:
        figures.pop("calls", None)
    elif not usage.calls:
        figures = {"calls": 0, **figures}
    return figures


def one_or_all(values: Sequence[Any]) -> Any:  # noqa: ANN401 - JSON
    """Return the only one of *values*, or all."""
    return values[0] if len(values) == 1 else list(values)


def loses(old: Any, new: Any) -> bool:  # noqa: ANN401 - JSON
    """Tell whether *new* lacks a key that *old* has."""
    return isinstance(old, Mapping) and isinstance(new, Mapping) and bool(old.keys() - new.keys())


def change(old: Any, new: Any) -> Any:  # noqa: ANN401 - JSON
    """Return what *new* says that *old* does not."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {k: v for k, v in new.items() if k not in old or not same(old[k], v)}
    return new


def order_of(part: tuple[str, Any]) -> tuple[int, str]:
    """Return where an argument is written."""
    name = part[0]
    return (ASKED.index(name) if name in ASKED else len(ASKED)), name


def same(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON
    """Tell whether two JSON values are one, ``1`` and ``true`` apart."""
    return one == other and (isinstance(one, str) or canonical_json(one) == canonical_json(other))


def ended(
    came: Event | None, expected: ChildResult | None, usage: Usage, turns: int
) -> dict[str, Any]:
    """Return what *came* of a nested run, beyond what is *expected* of its journal."""
    if not isinstance(came, ChildEnded):
        return {} if expected is None else {"came": None}
    item: dict[str, Any] = {}
    if came.fault is not None:
        item["failed"] = fault_json(came.fault, came.key.ordinal)
    if came.cancelled:
        item["cancelled"] = True
    more: dict[str, Any] = {}
    if came.result is not None:
        more = differing(came.result, expected or ChildResult("", "done", ok=True))
        usage, turns = came.result.usage, came.result.turns
    elif expected is not None and came.fault is None and not came.cancelled:
        more["result"] = None
    more |= _spent(came, usage, turns)
    bare = expected is None and came.result is not None
    return {**item, **({"came": more} if more or bare else {})}


def _spent(came: ChildEnded, usage: Usage, turns: int) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if came.usage != usage:
        more["spent"] = figures(came.usage, 0)
    if came.turns != turns:
        more["took"] = came.turns
    if came.lost != NO_USAGE:
        more["lost"] = figures(came.lost, 0)
    if came.lost_turns:
        more["lost_turns"] = came.lost_turns
    return more
