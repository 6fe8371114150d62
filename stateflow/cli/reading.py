"""A journal that is read on a terminal: its nested runs, what was said, which guards were asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from stateflow.cli.chart import MUTED, Chart, clean, folded, path_strip
from stateflow.cli.console import say
from stateflow.cli.notes import came_to, files_line, notes_of
from stateflow.conversation.effect import Key
from stateflow.conversation.message import Message
from stateflow.journal.event import ChildEnded, Journal, RunPaused, RunStarted, TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.fold import fold as fold_of
from stateflow.journal.said import message_of
from stateflow.journal.stop import Stop

__all__ = [
    "Reading",
    "end_of",
    "labelled",
    "show_guards",
    "show_messages",
    "show_nested",
    "show_open",
]


@dataclass(frozen=True, slots=True)
class Reading:
    """A journal that is read: the run's own, or a nested run's."""

    journal: Journal
    chart: Chart
    path: str = ""
    """What the names of its places stand behind: ``write/`` of what runs in the state ``write``."""
    margin: str = ""
    """Indentation: deeper runs stand further right."""

    def turns(self) -> Iterator[Fold]:
        """Yield the fold at the end of each turn, and at the end of the journal."""
        fold = Fold()
        for recorded in self.journal.events:
            if isinstance(recorded.event, TurnTaken):
                yield fold
            fold.apply(recorded)
        yield fold

    def below(self, fold: Fold) -> Iterator[tuple[Key, Reading]]:
        """Yield the nested runs that began in the open turn of *fold*."""
        for path, key in self.chart.below(fold):
            journal = self.journal.children.get(str(key))
            started = journal.events[0].event if journal is not None and journal.events else None
            if journal is not None and isinstance(started, RunStarted):
                margin = f"{self.margin}    "
                yield key, Reading(journal, Chart(started), f"{self.path}{path}", margin)


def end_of(stop: Stop | None) -> str:
    """Return the state at the end of the path that has not spoken; ``""``: there is none."""
    return stop.state if stop is not None and stop.kind in {"final", "waiting"} else ""


def labelled(out: Console, word: str, text: Text | str) -> None:
    """Show *text* behind *word*, which says what it is."""
    say(out, Text(f"{clean(word):<8} ", MUTED) + (Text(text) if isinstance(text, str) else text))


def show_open(out: Console, one: Reading, fold: Fold) -> None:
    """Show what the turn that is not over has done so far."""
    labelled(out, f"{one.margin}open", f"turn {fold.turns + 1}, at {clean(one.path + fold.state)}")
    for ordinal in sorted(fold.answers):
        for line in notes_of(one.chart, fold, ordinal):
            _indented(out, one, line, MUTED)


def show_nested(out: Console, one: Reading, word: str) -> None:
    """Show the states that spoke in nested runs, and what came of each; *word* once, before."""
    for below, how in _nested(one):
        fold = fold_of(below.journal.events)
        line = Text(f"{clean(below.path[:-1])}: ", MUTED)
        strip = path_strip(below.chart, fold.path, end_of(fold.stop))
        line.append_text(strip).append(f" · {clean(how)}" if strip else clean(how), MUTED)
        labelled(out, word, line)
        word = " " * len(word)


def _nested(one: Reading) -> Iterator[tuple[Reading, str]]:
    """Yield the nested runs of *one*, deeper ones behind theirs, each with what came of it."""
    for fold in one.turns():
        for key, below in one.below(fold):
            ended = fold.answers.get(key.ordinal)
            if isinstance(ended, ChildEnded):
                how = came_to(ended)
            else:
                stop = fold_of(below.journal.events).stop
                how = "cut off, or still running" if stop is None else str(stop)
            yield below, f"visit {key.visit} · {how}" if key.visit > 1 else how
            yield from _nested(below)


def show_messages(out: Console, one: Reading) -> None:
    """Show all that was said, what could not be taken included; nested runs below their turn."""
    fold = Fold()
    for recorded in one.journal.events:
        event = recorded.event
        turn = event.turn if isinstance(event, RunPaused) else event
        if isinstance(turn, TurnTaken):
            _turn(out, one, turn, fold)
        if isinstance(event, TurnTaken):
            _messages_below(out, one, fold)
        fold.apply(recorded)
        if isinstance(event, RunStarted):
            for task in fold.transcript:
                _speaker(out, one, task.speaker)
                _message(out, one, task)
    if fold.stop is None:
        show_open(out, one, fold)
    _messages_below(out, one, fold)


def _messages_below(out: Console, one: Reading, fold: Fold) -> None:
    for _, below in one.below(fold):
        show_messages(out, below)


def _turn(out: Console, one: Reading, turn: TurnTaken, fold: Fold) -> None:
    """Show what each speaker said, and before it what the effects behind it came to."""
    left = sorted(fold.answers)
    for said in turn.said:
        _speaker(out, one, said.by, turn.state)
        last = said is turn.said[-1] or said.of is None
        while left and (last or left[0] <= (said.of or 0)):
            for line in notes_of(one.chart, fold, left.pop(0)):
                _indented(out, one, line, MUTED)
        if said.of is not None or said.part is not None:
            _message(out, one, message_of(said, fold.answers, turn.usage))
    if turn.fault is not None:
        _indented(out, one, str(turn.fault), "red")
    if turn.restart is not None:
        _indented(out, one, f"transcript restarted with: {turn.restart}", MUTED)


def _speaker(out: Console, one: Reading, speaker: str, state: str = "") -> None:
    """Say who speaks; in a nested run also where."""
    line = Text(one.margin).append(clean(speaker), "bold")
    if one.path:
        line.append(f"  {clean(one.path)}{clean(state)}".removesuffix("/"), MUTED)
    say(out, line)


def _message(out: Console, one: Reading, message: Message) -> None:
    _indented(out, one, message.text)
    if message.files:
        _indented(out, one, files_line(message.files), MUTED)


def _indented(out: Console, one: Reading, text: str, style: str = "") -> None:
    indent = f"{one.margin}    "
    for line in folded(clean(text).rstrip("\n"), out.width - len(indent)):
        say(out, f"{indent}{line.rstrip()}" if line.strip() else "", style)


def show_guards(out: Console, one: Reading) -> None:
    """Show which guards were asked; those of nested runs below their turn."""
    fold, number = Fold(), 0
    for recorded in one.journal.events:
        turn = recorded.event
        if isinstance(turn, TurnTaken):
            number += 1
            _steps(out, one, number, turn)
            _guards_below(out, one, fold)
        fold.apply(recorded)
    _guards_below(out, one, fold)


def _guards_below(out: Console, one: Reading, fold: Fold) -> None:
    for _, below in one.below(fold):
        show_guards(out, below)


def _steps(out: Console, one: Reading, number: int, turn: TurnTaken) -> None:
    for step in turn.steps:
        line = Text(f"{one.margin}{number:>3} ").append(clean(one.path), MUTED)
        line.append(clean(step.at), f"bold {one.chart.colour(step.at)}")
        say(out, line.append(f" → {clean(step.to or 'done')}", ""))
        for verdict in one.chart.verdicts(step):
            say(out, f"{one.margin}      {clean(verdict)}", MUTED)
