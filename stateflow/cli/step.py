"""``stateflow step``: a run turn by turn, forwards and backwards, from its journal alone."""

from __future__ import annotations

import asyncio
import shlex
import sys
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from stateflow.cli.chart import MUTED, clean, folded, short
from stateflow.cli.console import console, say
from stateflow.cli.find import in_file, store_option
from stateflow.cli.keys import key, line
from stateflow.cli.show import journal_in

if TYPE_CHECKING:
    from stateflow.journal.event import Journal
    from stateflow.journal.moment import Moment

__all__ = ["step"]

_HELP: Final = (
    "n next · p back · g turn · / search · s into nested · u up · d data · m messages · f fork · "
    "q quit"
)
_CLEAR: Final = "\x1b[H\x1b[2J"
_FORWARD: Final = frozenset({"n", " ", "\n", "\r", "right"})
_BACK: Final = frozenset({"p", "left"})


def step(
    run: str,
    /,
    *,
    at: Annotated[int, Parameter(help="Begin after this turn.", allow_leading_hyphen=True)] = 0,
    no_input: Annotated[
        bool, Parameter(help="Never ask at the terminal; print all turns instead.")
    ] = False,
    store: Annotated[Path | None, Parameter(help="SQLite file that keeps the runs.")] = None,
) -> int:
    """Step through a run, forwards and backwards; nothing is run again.

    Parameters
    ----------
    run
        id of a run, its beginning or end, last, or a file: .jsonl or a cassette
    """
    journal = asyncio.run(journal_in(run, store))
    out = console("stdout")
    if no_input or not (sys.stdin.isatty() and sys.stdout.isatty()):
        _print_all(out, journal)
        return 0
    option = None if in_file(run) else store_option(store)
    _Stepper(out, option, [_Place(journal)]).go(at)
    return 0


def _print_all(out: Console, journal: Journal) -> None:
    from stateflow.cli.moment import show_moment
    from stateflow.journal.moment import moments

    for one in moments(journal):
        show_moment(out, one, whole=True)
        say(out)


@dataclass(slots=True)
class _Place:
    """Where the person is: in which run, at which of its moments."""

    journal: Journal
    path: str = ""
    index: int = 0

    @property
    def last(self) -> int:
        from stateflow.journal.moment import count_moments

        return count_moments(self.journal) - 1

    def moment(self) -> Moment:
        from stateflow.journal.moment import moments

        return next(islice(moments(self.journal, self.path), self.index, None))


@dataclass(slots=True)
class _Stepper:
    """Shows a moment, and does what the keys say."""

    out: Console
    store: str | None
    """Option that finds the store again; ``None``: the run lies in a file."""
    stack: list[_Place]
    """The nested run that is looked at, below those around it."""
    told: list[str] = field(default_factory=list[str])
    """What is shown below the next screen, once."""

    @property
    def here(self) -> _Place:
        return self.stack[-1]

    def go(self, turn: int) -> None:
        """Begin after *turn*; return once the person has had enough."""
        self._to_turn(turn)
        actions = {
            "g": self._ask_turn,
            "/": self._search,
            "s": self._into,
            "u": self._up,
            "d": self._data,
            "m": self._messages,
            "f": self._fork,
        }
        while True:
            self._show()
            pressed = key()
            if pressed is None or pressed == "q":
                return
            if pressed in _FORWARD:
                self._move(1)
            elif pressed in _BACK:
                self._move(-1)
            elif pressed in actions:
                actions[pressed]()

    def _show(self) -> None:
        from stateflow.cli.moment import show_moment

        if self.out.is_terminal and not self.out.no_color:
            sys.stdout.write(_CLEAR)
        else:
            say(self.out)
        show_moment(self.out, self.here.moment())
        for text in self.told:
            for row in folded(clean(text), self.out.width):
                say(self.out, row.rstrip())
        self.told.clear()
        say(self.out, Text(_HELP, MUTED))
        sys.stdout.flush()

    def _move(self, by: int) -> None:
        to = self.here.index + by
        if 0 <= to <= self.here.last:
            self.here.index = to
        else:
            self.told.append("that was the last turn" if by > 0 else "that was before the first")

    def _ask_turn(self) -> None:
        said = line("turn: ")
        try:
            self._to_turn(int(said))
        except ValueError:
            self.told.append(f"{said!r} is no number of a turn")

    def _to_turn(self, turn: int) -> None:
        """Go to the moment after the spoken *turn*; less than none counts from the end."""
        from stateflow.journal.moment import moments

        place = self.here
        found = {
            one.number: index
            for index, one in enumerate(moments(place.journal))
            if one.stopped is None and (one.turn is None or one.turn.spoken)
        }
        wanted = turn + len(found) if turn < 0 else turn
        if wanted in found:
            place.index = found[wanted]
        else:
            self.told.append(f"there is no turn {turn}; there are {len(found) - 1}")

    def _search(self) -> None:
        from stateflow.journal.moment import moments

        wanted = line("/").casefold()
        place = self.here
        found = [
            index
            for index, one in enumerate(moments(place.journal))
            if wanted and any(wanted in text.casefold() for text in _texts(one))
        ]
        after = [index for index in found if index > place.index]
        if found:
            place.index = (after or found)[0]
        else:
            self.told.append(f"nobody said {wanted!r}")

    def _into(self) -> None:
        from stateflow.journal.event import ChildStarted

        one = self.here.moment()
        begun = [str(e.key) for e in one.before.begun.values() if isinstance(e, ChildStarted)]
        there = [name for name in begun if name in self.here.journal.children]
        if not there:
            self.told.append("no nested run began in this turn")
            return
        chosen = there[0]
        if len(there) > 1:
            listed = ", ".join(f"{number} {name}" for number, name in enumerate(there, 1))
            said = line(f"which: {clean(listed)}? ")
            if not said.isdigit() or not 1 <= int(said) <= len(there):
                self.told.append(f"{said!r} is none of them")
                return
            chosen = there[int(said) - 1]
        nested = self.here.journal.children[chosen]
        self.stack.append(_Place(nested, f"{self.here.path}{chosen}/"))

    def _up(self) -> None:
        if len(self.stack) > 1:
            self.stack.pop()
        else:
            self.told.append("this is the run itself; nothing is around it")

    def _data(self) -> None:
        import json

        self.told.append(json.dumps(self.here.moment().fold.data, ensure_ascii=False, indent=2))

    def _messages(self) -> None:
        transcript = self.here.moment().fold.transcript
        self.told.extend(f"{one.speaker}: {one.text}" for one in transcript)

    def _fork(self) -> None:
        if self.store is None:
            self.told.append("this run lies in a file; `stateflow fork` takes one of the store")
        elif len(self.stack) > 1:
            self.told.append("forks begin at turns of the run itself; go up first")
        else:
            run = shlex.quote(short(self.here.journal.run))
            turn = self.here.moment().number
            self.told.append(
                f"stateflow fork {run} --at {turn}{self.store}   "
                "(--set data.NAME=JSON, --reply TEXT change what it goes on with)"
            )


def _texts(one: Moment) -> list[str]:
    if one.turn is None:
        return [message.text for message in one.fold.transcript]
    fault = "" if one.turn.fault is None else str(one.turn.fault)
    return [*one.said, fault, one.turn.state]
