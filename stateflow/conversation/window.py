"""What a state sees of the transcript.

A message holds its tool calls with their results, and is seen whole or not at all, so no rule
ever cuts a call from its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from stateflow.conversation.message import Message
from stateflow.conversation.tokens import estimate_message
from stateflow.conversation.transcript import Transcript
from stateflow.errors import DefinitionError
from stateflow.value import Json, digest

__all__ = ["SUMMARISE", "Summarised", "Window", "Within", "last", "only", "summarised", "within"]


SUMMARISE: Final = (
    "Summarise the conversation for somebody who takes it up from here. Keep names, numbers, "
    "decisions, open questions and what was tried. Answer with the summary only."
)
"""What a model is told that summarises, if nobody says else."""


class Window(Protocol):
    """A rule that cuts the transcript for one state."""

    @property
    def form(self) -> Json:
        """The rule as small JSON: part of the print of every request."""
        ...

    def of(self, transcript: Transcript, /) -> Sequence[Message]:
        """Return what is seen of *transcript*, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Last:
    """The last messages only."""

    count: int

    @property
    def form(self) -> Json:
        """The rule as JSON."""
        return {"last": self.count}

    def of(self, transcript: Transcript, /) -> Sequence[Message]:
        """Return the last messages."""
        length = len(transcript)
        return transcript[max(0, length - self.count) : length]


def last(count: int) -> Window:
    """See the last *count* messages [messages].

    Raises:
        DefinitionError: *count* is less than one.

    Example:
        >>> last(1).of(Transcript().append(Message("a")).append(Message("b")))[0].text
        'b'
    """
    if count < 1:
        raise DefinitionError(f"last({count!r}) sees nothing; a state sees one message or more")
    return Last(count)


@dataclass(frozen=True, slots=True)
class Only:
    """What some speakers said."""

    speakers: tuple[str, ...]

    @property
    def form(self) -> Json:
        """The rule as JSON."""
        return {"only": list(self.speakers)}

    def of(self, transcript: Transcript, /) -> Sequence[Message]:
        """Return what they said."""
        return [message for message in transcript if message.speaker in self.speakers]


def only(*speakers: object) -> Window:
    """See what *speakers* (agents or names) said; the task is said by ``user``.

    Raises:
        DefinitionError: nobody is named.

    Example:
        >>> only("user").of(Transcript().append(Message("hi", "user")).append(Message("b", "bob")))
        [Message(text='hi', speaker='user', ...)]
    """
    names = [name for one in speakers if (name := _name(one)) is not None]
    if not names or len(names) < len(speakers):
        raise DefinitionError(
            f"only({', '.join(map(repr, speakers))}) names nobody; give agents or their names, "
            "and 'user' for the task"
        )
    return Only(tuple(names))


@dataclass(frozen=True, slots=True)
class Within:
    """The newest messages with which a request stays within so many tokens."""

    tokens: int

    @property
    def form(self) -> Json:
        """The rule as JSON."""
        return {"within": self.tokens}

    def of(self, transcript: Transcript, /) -> Sequence[Message]:
        """Return the newest that fit by the estimate; the last one always."""
        return transcript[self.start(transcript) : len(transcript)]

    def start(self, transcript: Transcript, fixed: float = 0.0, ratio: float = 1.0) -> int:
        """Return the position of the first message that fits; no older one is looked at.

        Args:
            transcript: what was said.
            fixed: estimate of the rest of the request [tokens].
            ratio: how many tokens a token of the estimate is.
        """
        left = self.tokens / ratio - fixed
        length = position = len(transcript)
        while position > 0:
            left -= estimate_message(transcript[position - 1])
            if left < 0 and position < length:
                break
            position -= 1
        return position


def within(*, tokens: int) -> Window:
    """See the newest messages with which the whole request is within *tokens*.

    The request is prompt, tools, schema and messages, as it is when the turn begins; what tools
    and repairs add in the course of the turn comes on top.  The last message is always seen, even
    where it does not fit: the provider then decides.

    Sizes go by the estimate, set right by how many tokens the provider found in this agent's last
    request from this state.  A provider that counts is asked, unless the request is far smaller.

    Args:
        tokens: the most that a request may be [tokens].

    Raises:
        DefinitionError: *tokens* is less than one.

    Example:
        >>> talk = Transcript().append(Message("x" * 400)).append(Message("Go on."))
        >>> [message.text for message in within(tokens=100).of(talk)]
        ['Go on.']
    """
    if tokens < 1:
        raise DefinitionError(f"within(tokens={tokens!r}) sees nothing; give a positive number")
    return Within(tokens)


@dataclass(frozen=True, slots=True)
class Summarised:
    """The newest messages, and a summary of those before."""

    beyond: int
    keep: int
    prompt: str
    model: object = None
    """Who summarises; ``None``: the model of the agent that speaks."""

    @property
    def form(self) -> Json:
        """The rule as JSON, the prompt by its digest."""
        form: dict[str, Json] = {
            "summarised": [self.beyond, self.keep],
            "prompt": digest(self.prompt),
        }
        return form if self.model is None else {**form, "model": _name(self.model)}

    def of(self, transcript: Transcript, /) -> Sequence[Message]:
        """Return the newest messages; only an assistant can make the summary."""
        length = len(transcript)
        start = length - self.keep if length > self.beyond else 0
        return transcript[start:length]


def summarised(
    *,
    beyond: int = 24,
    keep: int = 8,
    model: object = None,
    prompt: str = SUMMARISE,
) -> Window:
    """See a summary of what was said, and the newest messages.

    The summary is an effect of its own: a model call, made when more than *beyond* messages were
    said since the last one.  It is told the last summary and what was said since, so no message
    is summarised twice and the cost does not grow with the conversation.  Every state has its own.

    Args:
        beyond: how many messages may stand unsummarised [messages].
        keep: how many of the newest stay as they are when the others are summarised [messages].
        model: who summarises, a name, a ``Model`` or a ``FallbackModel``; the speaking agent's own
            model if not given.
        prompt: what that model is told.

    Raises:
        DefinitionError: the numbers make no sense, or *model* is none.

    Example:
        >>> summarised(beyond=24, keep=8, model="openai:gpt-5-mini").form["model"]
        'openai:gpt-5-mini'
    """
    if not 1 <= keep < beyond:
        raise DefinitionError(
            f"summarised(beyond={beyond!r}, keep={keep!r}): keep 1 or more, and less than beyond"
        )
    if model is not None and _name(model) is None:
        raise DefinitionError(
            f"summarised(model={model!r}): no model; give a name such as 'openai:gpt-5-mini', or "
            "leave it out to ask the speaking agent's own"
        )
    return Summarised(beyond, keep, prompt, model)


def _name(thing: object) -> str | None:
    """Return what an agent or a model is called; a text is its own name."""
    name = thing if isinstance(thing, str) else getattr(thing, "name", None)
    return name if isinstance(name, str) and name else None
