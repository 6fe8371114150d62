"""Carryover: what a nested chat is told of the chat around it.

It stands below the task, under a heading, each message with its speaker, as AutoGen's users know
it.
"""

from __future__ import annotations

from collections.abc import Sequence

from stateflow.conversation.message import Message

__all__ = ["with_carryover"]


def with_carryover(task: str, said: Sequence[Message]) -> str:
    """Return *task* with *said* below it.

    Example:
        >>> print(with_carryover("Sum them up.", [Message("16", "adder")]))
        Sum them up.
        <BLANKLINE>
        Context:
        adder: 16
    """
    if not said:
        return task
    context = "\n".join(f"{one.speaker}: {one.text}" for one in said)
    return f"{task}\n\nContext:\n{context}" if task else f"Context:\n{context}"
