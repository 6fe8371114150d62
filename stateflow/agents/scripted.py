"""An agent that says what it was told to, for tests and examples."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from stateflow.conversation.agent import Kind, Reply, Turn
from stateflow.conversation.message import Message, Pass
from stateflow.conversation.view import View
from stateflow.errors import DefinitionError, NoReply

if TYPE_CHECKING:
    from stateflow.journal.event import Journal

__all__ = ["Line", "Ran", "Scripted"]

_SHOWN: Final = 3
"""Lines that a sentence shows."""
_LONGEST: Final = 60
"""So much of each of them is shown [characters]."""

Line: TypeAlias = (
    str | Message | Pass | BaseException | Callable[[View], Reply | Awaitable[Reply]] | None
)
"""One reply: a text, a message, an exception to raise, or a function of the view."""


@dataclass(frozen=True, slots=True, eq=False)
class Scripted:
    """Says its lines in order.

    Which line is next follows from how often it has had its turn in this run, so it resumes
    right, and one object serves many runs.

    Example:
        >>> Scripted("critic", ["too long", "APPROVED"]).kind
        'llm'
    """

    name: str
    lines: Sequence[Line] = field(repr=False)
    kind: Kind = "llm"
    description: str = ""

    async def reply(self, turn: Turn, /) -> Reply:
        """Say the next line.

        Raises:
            NoReply: the script is over.
        """
        position = turn.view.spoken.get(self.name, 0)
        if position >= len(self.lines):
            raise NoReply(
                f"script of {self.name!r} is over: it has {len(self.lines)} lines, and this is its "
                f"turn {position + 1}"
            )
        line = self.lines[position]
        if isinstance(line, BaseException):
            raise line
        if callable(line):
            said = line(turn.view)
            return await said if inspect.isawaitable(said) else said
        return line

    def assert_complete(self, run: Journal | Ran, /) -> None:
        """Hold that every line was said in *run* or one of its nested runs.

        Args:
            run: what it came to, or its journal.

        Raises:
            AssertionError: lines are left; the sentence shows them.
            DefinitionError: what it came to has no journal.

        Example:
            >>> from stateflow import Flow, State, run_sync, says, to
            >>> critic = Scripted("critic", ["too long", "good", "never heard"])
            >>> state = State("review", critic, to(None, when=says("good")), to("review"))
            >>> critic.assert_complete(run_sync(Flow("review", state)))
            Traceback (most recent call last):
                ...
            AssertionError: 'critic' said 2 of its 3 lines; not said: 'never heard'
        """
        from stateflow.journal.event import Journal

        __tracebackhide__ = True
        journal = run if isinstance(run, Journal) else run.journal
        if journal is None:
            sentence = "the result has no journal; give `await runner.journal(result.run)`"
            raise DefinitionError(sentence)
        said = _turns_of(self.name, journal)
        if left := self.lines[said:]:
            shown = ", ".join(map(_shown, left[:_SHOWN])) + (", …" if left[_SHOWN:] else "")
            count = f"{said} of its {len(self.lines)} lines"
            raise AssertionError(f"{self.name!r} said {count}; not said: {shown}")


class Ran(Protocol):
    """A run that stopped, with its journal."""

    @property
    def journal(self) -> Journal | None:
        """Everything that happened."""
        ...


def _turns_of(name: str, journal: Journal) -> int:
    """Return the most turns that *name* had in one run: each nested run begins with its first."""
    from stateflow.journal.fold import fold as fold_of

    fold = fold_of(journal.events)
    turns = fold.spoken.get(name, 0)
    if fold.paused is not None and fold.paused.turn is not None:  # heard, and not taken
        turns += sum(said.by == name for said in fold.paused.turn.said)
    return max([turns, *(_turns_of(name, child) for child in journal.children.values())])


def _shown(line: Line) -> str:
    """Return *line* in few words."""
    if callable(line):
        return f"{getattr(line, '__name__', type(line).__name__)}()"
    text = line.text if isinstance(line, Message) else line
    return repr(f"{text[:_LONGEST]}…" if isinstance(text, str) and text[_LONGEST:] else text)
