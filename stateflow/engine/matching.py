"""Matching: whether what is asked now is what was asked when the run was recorded.

Strict by default, so that a test fails where a prompt, a model, a setting or a tool has changed.
A looser way is chosen by name, or by a function of both requests; what it lets pass is answered
from the recording all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from stateflow.conversation.effect import Key
from stateflow.errors import DefinitionError
from stateflow.value import Json, canonical_json

__all__ = ["Asked", "Match", "check_match", "matches"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an effect asks for, as it was recorded or as it is now."""

    key: Key
    """Its place: state, visit, and number within the turn."""
    op: str
    """What it is: ``model.call``, ``tool.call``, ``human.ask``, ``child``, ``code.run``, ..."""
    args: Any
    """The print of the request, as the journal holds it."""
    agent: str = ""
    """Who asks."""
    prompts: tuple[str, ...] | None = None
    """Of a model's request: the agent's prompt, and the state's; ``None``: they are not known."""


_Named: TypeAlias = Literal["strict", "state", "whitespace"]

Match: TypeAlias = _Named | Callable[[Asked, Asked], bool]
"""How requests are held against recorded ones.

* ``strict``: they are the same.
* ``state``: not at all; state and visit decide what is answered.
* ``whitespace``: the same but for white space in prompts.
* a function of the recorded request and the one now, asked only where they differ.
"""

_PROMPTS: Final = frozenset({"prompt"})
"""What the prompts decide in the print of a request."""


def check_match(match: object) -> None:
    """Refuse what is no way to match.

    Raises:
        DefinitionError: it is neither a name nor a function.
    """
    if match not in get_args(_Named) and not callable(match):
        known = ", ".join(map(repr, get_args(_Named)))
        raise DefinitionError(
            f"match={match!r} is no way to match; give {known}, or a function of two requests"
        )


def matches(match: Match, recorded: Asked, now: Asked) -> bool:
    r"""Tell whether *now* may be answered with what *recorded* came to; they are not the same.

    Example:
        >>> was = Asked(Key("s", 1, 0), "model.call", {"prompt": "1"}, "w", ("Write  one.",))
        >>> now = Asked(Key("s", 1, 0), "model.call", {"prompt": "2"}, "w", ("Write one.\n",))
        >>> matches("whitespace", was, now), matches("strict", was, now)
        (True, False)
    """
    if callable(match):
        return bool(match(recorded, now))
    if match == "whitespace":
        return (
            recorded.prompts is not None
            and now.prompts is not None
            and [one.split() for one in recorded.prompts] == [one.split() for one in now.prompts]
            and _but_prompts(recorded.args) == _but_prompts(now.args)
        )
    return match == "state"


def _but_prompts(args: Json) -> str:
    if isinstance(args, Mapping):
        args = {key: part for key, part in args.items() if key not in _PROMPTS}
    return canonical_json(args)
