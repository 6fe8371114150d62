"""The words of a cassette."""

from __future__ import annotations

from typing import Final

__all__ = ["ASKED", "BEGINNING", "CAME", "EFFECT", "LIFTED", "OWN_OF_TURN", "ROOT", "TURN", "USAGE"]

CAME: Final = (
    *("language", "exit_code", "text", "calls", "stop", "outcome", "reply", "handoff", "ended"),
    *("ok", "stdout", "stderr", "fault", "detail", "reset", "files", "identity", "languages", "to"),
)
"""Fields of what an effect came to that stand with the effect itself, in the order of writing."""

LIFTED: Final = frozenset(CAME)

ASKED: Final = (
    *("tool", "of", "call", "sandbox", "agent", "summarise", "about", "after", "model", "settings"),
    *("prompt", "messages", "tools", "schema", "candidates"),
)
"""What an effect asks for, in the order of writing; the rest follows by name."""

BEGINNING: Final = frozenset(
    {
        *("print", "task", "data", "depth", "budget", "files", "models", "sandboxes", "version"),
        *("source", "table", "entered", "turns", "end", "events", "children"),
    }
)
"""What a run says of itself."""

ROOT: Final = BEGINNING | {"cassette", "flow"}

OWN_OF_TURN: Final = frozenset(
    {
        *("state", "visit", "by", "said", "does", "fault", "exhausted", "spoken", "total"),
        *("patch", "restart", "tried", "taken", "to", "open", "steps", "clock"),
    }
)

EFFECT: Final = (
    LIFTED
    | BEGINNING
    | {
        *("ordinal", "do", "asked", "unasked", "args", "tool", "begun", "result", "failed"),
        *("usage", "question", "options", "form", "default", "answer", "run", "given"),
        *("came", "cancelled", "clock"),
    }
)

TURN: Final = OWN_OF_TURN | EFFECT

USAGE: Final = {
    "calls": "calls",
    "input_tokens": "in",
    "output_tokens": "out",
    "cached_tokens": "cached",
    "reasoning_tokens": "reasoning",
    "usd": "usd",
    "written_tokens": "written",
}
"""Short words for what a model call cost."""
