"""Fences of code in a text, with the containers of CommonMark and the slips of models.

Lists and quotes are those of markdown-it.  The rule for fences is ours, as models write some that
CommonMark takes for something else, and code that is torn apart must not run:

* a fence may be indented by four or more outside a list, where CommonMark sees indented code or
  goes on with a paragraph;
* in a list item, a fence goes on to its closing fence even if its lines stand left of the item;
* a fence may hold fences of the same length, if each has a language and all are closed;
* a fence without a language is passed over if the next one has a language before that is closed:
  it is the end of a fence that began within a line, or stands around the other.

An element of HTML hides nothing, as models wrap code in ``<answer>``; a comment hides what it
holds.

The only module that imports ``markdown_it``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

__all__ = ["Fence", "fences_of"]


@dataclass(frozen=True, slots=True)
class Fence:
    """One fence and what stands in it."""

    info: str
    """What follows the opening marks."""
    content: str
    """Its lines, without the indentation of the fence."""
    closed: bool
    """Whether it has an end of its own, or ends with what it stands in."""


def fences_of(text: str) -> list[Fence]:
    r"""Return the fences of *text* in order, in time that is linear in it.

    Example:
        >>> fences_of("- Run it:\n  ~~~py\n  x = 1\n  ~~~")
        [Fence(info='py', content='x = 1\n', closed=True)]
    """
    fences: list[Fence] = []
    _parser().parse(text, {_FOUND: fences})
    return fences


_SHORTEST: Final = 3
_CODE: Final = 4
"""So far right of where it belongs, nothing is a closing fence."""
_FOUND: Final = "found"
_NEXT: Final = "next"
_FLAT: Final = "flat"
_RULES: Final = ["comment", "any_fence", "blockquote", "hr", "list", "heading", "paragraph"]
_INTERRUPTS: Final[Any] = {"alt": ["paragraph", "blockquote", "list"]}


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.block.ruler.before("code", "comment", _comment, _INTERRUPTS)
    parser.block.ruler.before("code", "any_fence", _fence, _INTERRUPTS)
    parser.block.ruler.at("paragraph", _line)
    parser.block.ruler.enableOnly(_RULES)
    return parser


@dataclass(frozen=True, slots=True)
class _Marks:
    """Three or more backticks or tildes at the beginning of a line, and what follows."""

    sign: str
    length: int
    info: str

    def closes(self, opening: _Marks) -> bool:
        return not self.info and self.sign == opening.sign and self.length >= opening.length

    def opens_in(self, outer: _Marks) -> bool:
        return bool(self.info) and self.sign == outer.sign and self.length >= outer.length


def _marks(state: StateBlock, line: int) -> _Marks | None:
    start = state.bMarks[line] + state.tShift[line]
    sign = state.src[start : start + 1]
    if sign not in {"`", "~"} or not state.src.startswith(sign * _SHORTEST, start):
        return None
    whole = state.src[start : state.eMarks[line]]
    info = whole.lstrip(sign)
    if sign == "`" and "`" in info:
        return None  # code within a line
    return _Marks(sign, len(whole) - len(info), info.strip())


def _fence(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    opening = _marks(state, start)
    if opening is None or _stray(state, start, opening):
        return False
    if not silent:
        last, closed = _closing(state, start, end, opening)
        content = state.getLines(start + 1, last, state.sCount[start], keepLastLF=True)
        if content and not content.endswith("\n"):
            content += "\n"  # the text ends here
        state.env[_FOUND].append(Fence(opening.info, content, closed))
        state.line = last + closed
    return True


def _closing(state: StateBlock, start: int, end: int, opening: _Marks) -> tuple[int, bool]:
    """Return the line at which the fence of line *start* ends, and whether that closes it."""
    depth = 0
    first = None
    for line, marks in _ahead(state, start, end):
        if marks is None:
            if first is None:
                return _closing_left(state, line, opening)
            break
        if marks.closes(opening):
            if depth == 0 or _FLAT in state.env:
                return line, True
            first = line if first is None else first
            depth -= 1
        elif marks.opens_in(opening):
            depth += 1
    if first is None:
        return end, False
    state.env[_FLAT] = True  # what nests is looked for once, or the time would not be linear
    return first, True


def _ahead(state: StateBlock, start: int, end: int) -> Iterator[tuple[int, _Marks | None]]:
    """Yield the lines with marks after line *start*; at last one left of the item, without."""
    indented = state.sCount[start] - state.blkIndent >= _CODE
    most = (state.sCount[start] if indented else state.blkIndent) + _CODE
    for line in range(start + 1, end):
        if state.sCount[line] < state.blkIndent and not state.isEmpty(line):
            yield line, None
            return
        marks = _marks(state, line) if state.sCount[line] < most else None
        if marks is not None:
            yield line, marks


def _closing_left(state: StateBlock, line: int, opening: _Marks) -> tuple[int, bool]:
    """Go on from *line*, which stands left of the list item, if a closing fence comes next."""
    found, marks = _next(state, line)
    return (found, True) if marks is not None and marks.closes(opening) else (line, False)


def _stray(state: StateBlock, start: int, opening: _Marks) -> bool:
    if opening.info:
        return False
    _, marks = _next(state, start + 1)
    return marks is not None and marks.opens_in(opening)


def _next(state: StateBlock, line: int) -> tuple[int, _Marks | None]:
    """Return the next line from *line* on that has marks, and these; each line is read once."""
    known: dict[int, tuple[int, int]] = state.env.setdefault(_NEXT, {})
    since, found = known.get(state.lineMax, (0, 0))  # a quote has an end, and marks, of its own
    if not since <= line < found:
        found = line
        while found < state.lineMax and _marks(state, found) is None:
            found += 1
        known[state.lineMax] = (line, found)
    return found, _marks(state, found) if found < state.lineMax else None


def _comment(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    first = state.bMarks[start] + state.tShift[start]
    if not state.src.startswith("<!--", first):
        return False
    if not silent:
        line = start
        while line < end and "-->" not in state.src[state.bMarks[line] : state.eMarks[line]]:
            line += 1
        state.line = min(line + 1, end)
    return True


def _line(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: ARG001, FBT001 - markdown-it calls it so
    """Pass over one line of text, with those that a quote goes on to without its sign."""
    line = start + 1
    while line < end and state.sCount[line] < 0:
        line += 1
    state.line = line
    return True
