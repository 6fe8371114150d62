"""What is asked of a model and what comes back, in nobody's wire format."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias, cast, get_args

from stateflow.conversation.file import File
from stateflow.conversation.message import NO_USAGE, ToolCall, Usage
from stateflow.conversation.tokens import estimate_text
from stateflow.errors import DefinitionError
from stateflow.models.price import Price
from stateflow.value import Json, canonical_json

__all__ = [
    "ChatMessage",
    "Effort",
    "ModelClient",
    "ModelReply",
    "ModelRequest",
    "Settings",
    "ToolChoice",
    "ToolSpec",
    "estimate_text",
    "estimate_tokens",
]

_TOKENS_PER_MESSAGE = 4


Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How hard a reasoning model thinks, in the vendors' own words."""

ToolChoice: TypeAlias = Literal["auto", "required", "none"]
"""Whether the model may, must, or must not call a tool."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is to speak; ``None`` leaves it to the provider.

    What is set is sent.  A vendor that does not take it refuses the request and names the field;
    nothing is dropped in silence.

    Raises:
        DefinitionError: a field is of another type, or ``max_tokens`` less than one.

    Example:
        >>> Settings(temperature=0.0).json()
        {'temperature': 0.0, 'max_tokens': 1024}
    """

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int = 1024
    """Most that one reply may hold [tokens]; what a budget reserves."""
    effort: Effort | None = None
    extra: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """Fields of the vendor's own, sent as they are, such as ``{"top_k": 40}``."""

    def __post_init__(self) -> None:
        """Refuse what no vendor takes; what each allows is theirs to say."""
        for name, fits, wanted in (
            ("temperature", _is_number(self.temperature), "a number, such as 0.2"),
            ("top_p", _is_number(self.top_p), "a number, such as 0.9"),
            ("seed", self.seed is None or type(self.seed) is int, "a whole number"),
            (
                "max_tokens",
                type(self.max_tokens) is int and self.max_tokens > 0,
                "a whole number of 1 or more",
            ),
            (
                "effort",
                self.effort is None or self.effort in get_args(Effort),
                f"one of {', '.join(get_args(Effort))}",
            ),
            (
                "extra",
                isinstance(cast("object", self.extra), Mapping),
                "a mapping, such as {'top_k': 40}",
            ),
        ):
            if not fits:
                raise DefinitionError(
                    f"Settings: {name}={getattr(self, name)!r} cannot be sent; give {wanted}"
                )

    def json(self) -> dict[str, Json]:
        """Return only what is set."""
        chosen: dict[str, Json] = {
            name: value
            for name in ("temperature", "top_p", "seed", "effort")
            if (value := getattr(self, name)) is not None
        }
        if self.extra:
            chosen["extra"] = dict(self.extra)
        return {**chosen, "max_tokens": self.max_tokens}

    def varied(self, by: int) -> Settings:
        """Return the settings with a seed that is *by* larger; without a seed, as they are."""
        return self if self.seed is None else replace(self, seed=self.seed + by)


def _is_number(value: object) -> bool:
    """Tell whether *value* is a number that JSON can hold, or not set."""
    return value is None or (type(value) in {int, float} and math.isfinite(cast("float", value)))


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What a model is told of a tool."""

    name: str
    description: str
    parameters: Mapping[str, Json]
    """JSON schema of the object that holds its arguments."""

    def json(self) -> dict[str, Json]:
        """Return it as JSON, for the print of a request."""
        return {
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
        }


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a request.

    A ``tool`` message is what one call came to, under the ``call_id`` of that call.
    """

    role: Literal["user", "assistant", "tool"]
    text: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    ok: bool = True
    """False: the tool failed, and ``text`` says how."""
    files: tuple[File, ...] = ()
    """Images and documents, with their content by the time a client gets them."""
    native: Json = None
    """What :attr:`ModelReply.native` held when the model said this, to be sent back unchanged."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Everything a model is told."""

    model: str
    system: str = ""
    messages: tuple[ChatMessage, ...] = ()
    settings: Settings = field(default_factory=Settings)
    schema: Json = None
    """A JSON schema that the reply must follow; ``None`` asks for plain text."""
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = "auto"


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
    """As the provider counted, or estimated where it did not; money is not the client's."""
    request_id: str = ""
    native: Json = None
    """What the provider wants to get back unchanged while the turn goes on, such as signed
    thinking; nobody else reads it."""
    model: str = ""
    """Which model answered, where it is not the one that was asked first."""
    cached: bool = False
    """Nobody was asked: it was answered before, and kept."""

    def to_json(self) -> dict[str, Json]:
        """Return what is set, text first; the usage is journaled beside it, not in it."""
        said: dict[str, Json] = {"text": self.text}
        if self.calls:
            said["calls"] = [
                {"id": call.id, "name": call.name, "arguments": call.arguments}
                for call in self.calls
            ]
        for name in ("reasoning", "stop", "native", "model", "cached", "request_id"):
            if value := getattr(self, name):
                said[name] = value
        return said

    @classmethod
    def from_json(cls, said: Mapping[str, Any], usage: Usage = NO_USAGE) -> ModelReply:
        """Return the reply that :meth:`to_json` wrote, with its *usage* put back."""
        rest = {key: value for key, value in said.items() if key != "calls"}
        calls = tuple(ToolCall(**call) for call in said.get("calls", ()))
        return cls(**rest, calls=calls, usage=usage)


class ModelClient(Protocol):
    """The way to one model.  Bound to one event loop until closed."""

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

    async def count(self, request: ModelRequest, /) -> int | None:
        """Return how many tokens *request* is, as the provider counts; ``None``: it does not.

        Raises:
            FaultError: it does, and could not now.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections; a later request opens them again."""
        ...


def estimate_tokens(request: ModelRequest) -> int:
    """Return about how many tokens *request* is; its files count as nothing."""
    texts = [request.system]
    for message in request.messages:
        texts.append(message.text)
        texts.extend(call.name + call.arguments for call in message.calls)
    if request.schema is not None:
        texts.append(canonical_json(request.schema))
    texts.extend(canonical_json(tool.json()) for tool in request.tools)
    return sum(map(estimate_text, texts)) + _TOKENS_PER_MESSAGE * len(request.messages)
