"""What is asked of a model and what comes back, in nobody's wire format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from stateflow.conversation.message import NO_USAGE, ToolCall, Usage
from stateflow.models.price import Price
from stateflow.value import Json, canonical_json

__all__ = [
    "ChatMessage",
    "Model",
    "ModelReply",
    "ModelRequest",
    "Settings",
    "estimate_text",
    "estimate_tokens",
]

_BYTES_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is to speak; ``None`` leaves it to the provider.

    Example:
        >>> Settings(temperature=0.0).json()
        {'temperature': 0.0, 'max_tokens': 1024}
    """

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int = 1024
    """Most that one reply may hold [tokens]; what a budget reserves."""

    def json(self) -> dict[str, Json]:
        """Return only what is set."""
        chosen: dict[str, Json] = {
            name: value
            for name in ("temperature", "top_p", "seed")
            if (value := getattr(self, name)) is not None
        }
        return {**chosen, "max_tokens": self.max_tokens}


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a request.

    A ``tool`` message is what one call came to, under the ``call_id`` of that call.
    """

    role: Literal["user", "assistant", "tool"]
    text: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Everything a model is told."""

    model: str
    system: str = ""
    messages: tuple[ChatMessage, ...] = ()
    settings: Settings = field(default_factory=Settings)
    schema: Json = None
    """A JSON schema that the reply must follow; ``None`` asks for plain text."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a model answered.

    Example:
        >>> ModelReply("hi", stop="stop").to_json()
        {'text': 'hi', 'stop': 'stop'}
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    stop: str = ""
    """Why it ended, in the provider's word: ``stop``, ``length``, ``tool_calls``, ..."""
    usage: Usage = NO_USAGE
    request_id: str = ""

    def to_json(self) -> dict[str, Json]:
        """Return what is set, text first; the usage is journaled beside it, not in it."""
        said: dict[str, Json] = {"text": self.text}
        if self.calls:
            said["calls"] = [
                {"id": call.id, "name": call.name, "arguments": call.arguments}
                for call in self.calls
            ]
        for name in ("reasoning", "stop", "request_id"):
            if value := getattr(self, name):
                said[name] = value
        return said

    @classmethod
    def from_json(cls, said: Mapping[str, Any], usage: Usage = NO_USAGE) -> ModelReply:
        """Return the reply that :meth:`to_json` wrote, with its *usage* put back."""
        rest = {key: value for key, value in said.items() if key != "calls"}
        calls = tuple(ToolCall(**call) for call in said.get("calls", ()))
        return cls(**rest, calls=calls, usage=usage)


class Model(Protocol):
    """Something that completes a conversation.  Bound to one event loop until closed."""

    @property
    def name(self) -> str:
        """What flows and error sentences call it, such as ``openai:gpt-5``."""
        ...

    @property
    def price(self) -> Price | None:
        """What it costs; ``None`` where that is not known."""
        ...

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        """Return the reply; hand every piece of its text to *on_delta* as it comes.

        Raises:
            FaultError: there is no reply; the subclass says why.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections; a later request opens them again."""
        ...


def estimate_text(text: str) -> int:
    """Return about how many tokens *text* is: its UTF-8 bytes over 4, rounded up.

    Example:
        >>> estimate_text("hello")
        2
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)


def estimate_tokens(request: ModelRequest) -> int:
    """Return about how many tokens *request* is.

    This is the estimate that budgets and bounds name: no tokenizer is asked, so it is the same
    for all models.  English costs less, dense code and rare scripts may cost more.
    """
    texts = [request.system]
    for message in request.messages:
        texts.append(message.text)
        texts.extend(call.name + call.arguments for call in message.calls)
    if request.schema is not None:
        texts.append(canonical_json(request.schema))
    return sum(map(estimate_text, texts)) + _TOKENS_PER_MESSAGE * len(request.messages)
