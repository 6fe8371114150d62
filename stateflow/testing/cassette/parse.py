"""YAML as plain values, and nothing that people do not expect of it.

Only what JSON knows: ``null`` (or ``~``), ``true``, ``false``, numbers, texts, lists, mappings
with texts as keys.  ``no``, ``1_000``, ``12:30:00`` and dates are texts.  No anchors, no tags, no
key twice.  It reads the events of the parser itself: that is three times as fast as a loader, and
there is no object to be made that nobody asked for.
"""

# pyright: reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# What is parsed is any JSON.
from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from stateflow.testing.cassette.trouble import CassetteError

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined]
except ImportError:  # PyYAML without libyaml: slower, and the same otherwise
    from yaml import SafeLoader as _Parser  # type: ignore[assignment]

__all__ = ["line_of", "parse"]

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DEEPEST: Final = 1000
"""Values in values: no writer comes so far, and the parser takes its time with more."""
_NAMED: Final[dict[str, Any]] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
    ".nan": float("nan"),
    ".inf": float("inf"),
    "-.inf": float("-inf"),
}
_MAPPING: Final = yaml.MappingStartEvent
_SEQUENCE: Final = yaml.SequenceStartEvent
_SCALAR: Final = yaml.ScalarEvent
_ENDS: Final = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def parse(text: str, path: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what the YAML *text* of the file *path* holds.

    Raises:
        CassetteError: it is no YAML, or holds more than JSON could.
    """
    try:
        return _Builder(None).build(_events(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = f"{error.context}, {error.problem}" if error.context else str(error.problem)
        sentence = f"this is not YAML: {said}; {_cure(str(error.problem))}"
        line = None if mark is None else mark.line + 1
        raise CassetteError(sentence, path=path, line=line) from error
    except yaml.YAMLError as error:
        found = str(error).splitlines()[0]
        sentence = f"this is not YAML: {found}; write it in double quotes, as \\u0000 and the like"
        raise CassetteError(sentence, path=path) from error
    except _At as error:
        raise CassetteError(error.sentence, path=path, line=error.line) from error


def line_of(text: str, keys: list[str | int]) -> int:
    """Return the line, from 1, of what *keys* lead to in the YAML *text*, or of what is near."""
    lines: dict[tuple[str | int, ...], int] = {}
    _Builder(lines).build(_events(text))
    for end in range(len(keys), -1, -1):
        if tuple(keys[:end]) in lines:
            return lines[tuple(keys[:end])]
    return 1


def _events(text: str) -> Iterator[Any]:
    parser: Any = _Parser(text)
    while True:
        event = parser.get_event()
        if event is None or type(event) is yaml.StreamEndEvent:
            return
        yield event


def _cure(problem: str) -> str:
    if "tab" in problem or "cannot start any token" in problem:
        return "indent with spaces, never with tabs, and put odd texts in quotes"
    if "mapping values" in problem:
        return 'put a text with ": " in it in quotes'
    return "check the indentation and the quotes, or record it anew"


class _At(Exception):
    def __init__(self, sentence: str, event: Any) -> None:  # noqa: ANN401 - of the parser
        self.sentence = sentence
        self.line = event.start_mark.line + 1
        super().__init__(sentence)


class _Builder:
    """Puts values together."""

    def __init__(self, lines: dict[tuple[str | int, ...], int] | None) -> None:
        self.lines = lines
        self.root: Any = None
        self.open: list[Any] = []
        """Mappings and lists that are not closed yet."""
        self.keys: list[str | None] = []
        """Of each, the key that waits for its value."""
        self.documents = 0

    def build(self, events: Iterator[Any]) -> Any:  # noqa: ANN401 - any JSON
        for event in events:
            kind = type(event)
            if kind is _SCALAR:
                self.scalar(event)
            elif kind is _MAPPING or kind is _SEQUENCE:
                self.plain(event)
                self.add({} if kind is _MAPPING else [], event)
            elif kind in _ENDS:
                self.open.pop()
                self.keys.pop()
                if self.keys:
                    self.keys[-1] = None
            else:
                self.other(event)
        return self.root

    def scalar(self, event: Any) -> None:  # noqa: ANN401 - of the parser
        if event.anchor is not None or event.tag is not None:
            self.plain(event)
        text: str = event.value
        if self.open and type(self.open[-1]) is dict and self.keys[-1] is None:
            if text in self.open[-1]:
                raise _At(f"{text[:60]!r} stands here twice; keep one of the two", event)
            self.keys[-1] = text
            if self.lines is not None:
                self.lines[self.path()] = event.start_mark.line + 1
        elif event.implicit[0]:
            self.add(_value(text, event), event)
        else:
            self.add(text, event)

    def add(self, value: Any, event: Any) -> None:  # noqa: ANN401 - any JSON; of the parser
        if not self.open:
            self.root = value
        elif type(self.open[-1]) is list:
            self.open[-1].append(value)
            if self.lines is not None:
                self.lines[self.path()] = event.start_mark.line + 1
        else:
            key = self.keys[-1]
            if key is None:
                raise _At("a key is a text, not a list or a mapping; put it in quotes", event)
            self.open[-1][key] = value
            if type(value) is not dict and type(value) is not list:
                self.keys[-1] = None
        if (type(value) is dict or type(value) is list) and type(event) is not _SCALAR:
            if len(self.open) == _DEEPEST:
                raise _At(f"this is nested more than {_DEEPEST} deep; record it anew", event)
            self.open.append(value)
            self.keys.append(None)

    def path(self) -> tuple[str | int, ...]:
        """Return the keys that lead to where the last value was put."""
        return tuple(
            len(one) - 1 if type(one) is list else str(key)
            for one, key in zip(self.open, self.keys, strict=True)
        )

    def plain(self, event: Any) -> None:  # noqa: ANN401 - of the parser
        if event.anchor is not None:
            raise _At(f"&{event.anchor} is an anchor, which no cassette has; remove it", event)
        if event.tag is not None:
            sentence = f"{event.tag[:60]!r} is a tag, which no cassette has; put the text in quotes"
            raise _At(sentence, event)

    def other(self, event: Any) -> None:  # noqa: ANN401 - of the parser
        if type(event) is yaml.AliasEvent:
            sentence = (
                f"*{event.anchor} is an alias, which no cassette has; write it out, in quotes"
            )
            raise _At(sentence, event)
        if type(event) is yaml.DocumentStartEvent:
            self.documents += 1
            if self.documents > 1:
                raise _At("a second document begins here; a cassette is a file of its own", event)


def _value(text: str, event: Any) -> Any:  # noqa: ANN401 - any JSON; of the parser
    """Return what *text* without quotes means."""
    if text in _NAMED:
        return _NAMED[text]
    first = text[0]
    if first != "-" and not first.isdigit():
        return text
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text
    try:
        return float(text) if found[1] or found[2] else int(text)
    except ValueError as error:
        raise _At(f"{text[:20]!r}… is too long a number; put it in quotes", event) from error
