"""What a model has said so far, read from whatever its server sends.

Nothing is believed before it was looked at, field by field: a server may send anything.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from stateflow.conversation.message import ToolCall, Usage
from stateflow.value import Json

__all__ = [
    "ChatReading",
    "ErrorSent",
    "Reading",
    "count",
    "counted",
    "field",
    "free_input",
    "mapping",
    "rows",
    "string",
    "unique_calls",
    "whole",
]

_MOST = 10**12  # nobody has ever sent or read as many tokens


class ErrorSent(Exception):
    """The server sent an error where a piece of the reply was due."""

    def __init__(self, error: object) -> None:
        """Keep the *error* as it came."""
        self.error = error
        super().__init__()


class Reading(ABC):
    """What a model has said so far.  A subclass knows one wire format."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.stop = ""
        """Why it ended; empty while it has not."""
        self.request_id = ""
        self.size = 0
        """How much has been kept [characters]."""

    @abstractmethod
    def take(self, event: object) -> str:
        """Take one event, or a whole reply, in and return its piece of text.

        Raises:
            ValueError: it is nothing that this wire format has.
            ErrorSent: it is an error.
        """

    @property
    def unsaid(self) -> str:
        """Why it ended if the server only says that nothing follows; empty: it broke off."""
        return ""

    @abstractmethod
    def calls(self) -> tuple[ToolCall, ...]:
        """Return the calls of tools, in the model's order, each with an id of its own."""

    @abstractmethod
    def usage(self) -> Usage | None:
        """Return what the server counted; ``None``: it did not."""

    @property
    def cut(self) -> bool:
        """Whether it ended only because it may hold no more."""
        return self.stop == "length"

    def native(self) -> Json:
        """Return what the server wants back unchanged, if anything."""
        return None

    def keep(self, parts: list[str], piece: str) -> str:
        """Add *piece* to *parts* and return it."""
        self.size += len(piece)
        if piece:
            parts.append(piece)
        return piece


class ChatReading(Reading):
    """A chat completion: its chunks, or the whole of it."""

    def __init__(self) -> None:
        super().__init__()
        self._usage: object = None
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}

    def take(self, event: object) -> str:
        """See :meth:`Reading.take`."""
        usage = field(event, "usage")
        self._usage = self._usage if usage is None else usage
        choice = _first(rows(event, "choices", needed=True))
        if choice is None:
            return ""
        if error := field(choice, "error"):
            raise ErrorSent(error)
        self.stop = string(choice, "finish_reason") or self.stop
        delta = field(choice, "delta") or field(choice, "message")
        spoken = string(field(delta, "audio"), "transcript")
        text = self.keep(self.text, string(delta, "content") or spoken)
        self.keep(self.refusal, string(delta, "refusal"))
        thought = string(delta, "reasoning_content") or string(delta, "reasoning")
        self.keep(self.reasoning, thought)
        for call in rows(delta, "tool_calls"):
            self._take_call(call)
        if only := field(delta, "function_call"):  # the form that calls had first
            self._take_call({"index": 0, "function": only})
        return text

    def _take_call(self, said: object) -> None:
        """Take in one piece of a call.

        A piece belongs to the call that its index names.  Servers that send whole calls leave the
        index out, or send 0 for all of them: then a new id makes a new call.
        """
        said = mapping(said)
        index, key = said.get("index"), string(said, "id")
        free = said.get("custom")
        function = said.get("function") or free
        name = string(function, "name")
        call = self._at.get(index) if isinstance(index, int) else None
        if not isinstance(index, int) and not (key or name) and self._calls:
            call = self._calls[-1]
        if call is None or (key and name and call.key and key != call.key):
            call = _Call()
            self._calls.append(call)
        if isinstance(index, int):
            self._at[index] = call
        call.key, call.name = call.key or key, call.name or name
        call.free = call.free or free is not None
        self.keep(call.arguments, string(function, "arguments") or string(function, "input"))

    def calls(self) -> tuple[ToolCall, ...]:
        """See :meth:`Reading.calls`."""
        nothing = "" if self.cut else "{}"  # a tool without arguments may be called without any
        return unique_calls((call.key, call.name, call.said() or nothing) for call in self._calls)

    @property
    def unsaid(self) -> str:
        """See :attr:`Reading.unsaid`."""
        if self._calls:
            return "tool_calls"
        return "stop" if self.text else ""

    def usage(self) -> Usage | None:
        """See :meth:`Reading.usage`."""
        return counted(self._usage, "prompt_tokens", "completion_tokens")


class _Call:
    """A call of a tool that is being read."""

    def __init__(self) -> None:
        self.key = ""
        self.name = ""
        self.arguments: list[str] = []
        self.free = False
        """The arguments are no JSON, but one text."""

    def said(self) -> str:
        """Return the arguments as JSON, if the model wrote any."""
        said = "".join(self.arguments)
        return free_input(said) if self.free else said


def free_input(said: str) -> str:
    """Return as JSON what a model wrote for a tool that takes one free text.

    Example:
        >>> free_input("4 + 4")
        '{"input": "4 + 4"}'
    """
    return json.dumps({"input": said}, ensure_ascii=False)


def unique_calls(said: Iterable[tuple[str, str, str]]) -> tuple[ToolCall, ...]:
    """Return calls from their ids, names and arguments, each with an id of its own.

    Some servers repeat an id within a reply, or give none.  An id has no other use than to pair
    a call with its result, so a second ``x`` becomes ``x-2`` instead of costing the whole reply.

    Example:
        >>> [call.id for call in unique_calls([("x", "f", "{}"), ("x", "f", "{}"), ("", "f", "")])]
        ['x', 'x-2', 'call_2']
    """
    calls: list[ToolCall] = []
    taken: set[str] = set()
    for place, (key, name, arguments) in enumerate(said):
        wanted = whole(key) or f"call_{place}"
        unique, nth = wanted, 1
        while unique in taken:
            nth += 1
            unique = f"{wanted}-{nth}"
        taken.add(unique)
        calls.append(ToolCall(unique, whole(name), whole(arguments)))
    return tuple(calls)


def _first(choices: Sequence[object]) -> object:
    """Return the first choice, and never a piece of another that was asked for with ``n``."""
    return next((choice for choice in choices if not field(choice, "index")), None)


def field(value: object, name: str) -> object:
    """Return a field of *value*; ``None``: there is none."""
    return cast("Mapping[str, object]", value).get(name) if isinstance(value, Mapping) else None


def mapping(value: object) -> Mapping[str, object]:
    """Return *value*, which has fields.

    Raises:
        ValueError: it has none.
    """
    if not isinstance(value, Mapping):
        raise ValueError("object")  # noqa: TRY004 - told as garbage by our caller
    return cast("Mapping[str, object]", value)


def string(value: object, name: str) -> str:
    """Return a field that is a text, or nothing.

    Raises:
        ValueError: it is something else.
    """
    found = field(value, name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise ValueError(name)  # noqa: TRY004 - told as garbage by our caller
    return found


def rows(value: object, name: str, *, needed: bool = False) -> Sequence[object]:
    """Return a field that is a list.

    Raises:
        ValueError: it is something else, or *needed* and not there.
    """
    found = field(value, name)
    if found is None and not needed:
        return ()
    if not isinstance(found, list):
        raise ValueError(name)  # noqa: TRY004 - told as garbage by our caller
    return cast("list[object]", found)


def counted(said: object, read: str, written: str) -> Usage | None:
    """Return what a server counted, given what it calls the tokens *read* and *written*."""
    if field(said, read) is None and field(said, written) is None:
        return None
    details = field(said, f"{read}_details")
    return Usage(
        calls=1,
        input_tokens=count(said, read),
        output_tokens=count(said, written),
        cached_tokens=count(details, "cached_tokens"),
        written_tokens=count(details, "cache_write_tokens"),
        reasoning_tokens=count(field(said, f"{written}_details"), "reasoning_tokens"),
    )


def count(value: object, name: str) -> int:
    """Return a field that is a number of something, or 0 where it cannot be one."""
    found = field(value, name)
    return found if type(found) is int and 0 < found < _MOST else 0


def whole(text: str) -> str:
    """Return *text* without half characters, which no store can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
