"""About how many tokens a text is: the one estimate that budgets, bounds and windows name.

It is UTF-8 bytes over 4, rounded up.  No tokenizer is asked, so it is the same for all models;
English costs less, dense code and rare scripts may cost more.
"""

from __future__ import annotations

from stateflow.conversation.message import Message

__all__ = ["estimate_message", "estimate_text"]

_BYTES_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4


def estimate_text(text: str) -> int:
    """Return about how many tokens *text* is.

    Example:
        >>> estimate_text("hello")
        2
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)


def estimate_message(message: Message) -> int:
    """Return about how many tokens *message* is, its tool calls included."""
    texts = [message.speaker + message.text]
    texts += [call.name + call.arguments + call.result for call in message.calls]
    return _TOKENS_PER_MESSAGE + sum(map(estimate_text, texts))
