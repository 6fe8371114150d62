"""Matching: whether what is asked now is what was asked when the run was recorded.

Strict by default, so that a test fails where a prompt, a model, a setting or a tool has changed.
A looser way is chosen by name, or by a function of both requests; what it lets pass is answered
from the recording all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from stateflow.conversation.effect import Key
from stateflow.engine.scene import Scene
from stateflow.errors import DefinitionError
from stateflow.machine.table_json import Table, places_in
from stateflow.value import Json, canonical_json, digest

__all__ = [
    "Asked",
    "Match",
    "agent_in",
    "asked_before",
    "asked_now",
    "check_match",
    "matches",
]


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


def asked_now(key: Key, op: str, args: Json, scene: Scene) -> Asked:
    """Return what is asked for now, with its texts; *args* without secrets."""
    prompt: object = getattr(scene.agent, "prompt", None)
    known = isinstance(prompt, str) and _has_prompts(op, scene)
    prompts = (str(prompt), scene.turn.role) if known else None
    return Asked(key, op, args, scene.turn.agent, prompts)


def asked_before(key: Key, op: str, args: Json, table: Table, scene: Scene) -> Asked:
    """Return what was asked for, with the texts that *args* are the print of, if they are known.

    They are looked up in the *table* of the flow when it was recorded, and are told only where
    their print is the recorded one.  A prompt that a function makes is taken to be as it is now.
    """
    turn = scene.turn
    if not (_has_prompts(op, scene) and isinstance(args, Mapping)):
        return Asked(key, op, args, turn.agent)
    role = places_in(table).get(turn.state, {}).get("prompt", "")
    prompts = (
        str(agent_in(table, turn.agent).get("prompt", "")),
        role if isinstance(role, str) else turn.role,
    )
    known = args.get("prompt") == digest([*prompts])
    return Asked(key, op, args, turn.agent, prompts if known else None)


def _has_prompts(op: str, scene: Scene) -> bool:
    return op == "model.call" and scene.chooser is None


def agent_in(table: Table, name: str) -> Table:
    """Return what *table* holds of the agent *name*; nothing, if it has none of that name."""
    rows: Sequence[Table] = table.get("agents", ())
    nobody: Table = {}
    return next((row for row in rows if row.get("name") == name), nobody)


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
