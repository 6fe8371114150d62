"""Progress of a run on stderr: an append-only log, a line a turn, its text below.

Lines of nested runs are indented, and every one names its place by path, ``write/outline``:
branches of a parallel state speak at once, so the line above may be another's.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from stateflow.cli.block import Block
from stateflow.cli.chart import MUTED, Chart, clean, cut, folded, spent
from stateflow.cli.console import console, is_lively, say
from stateflow.cli.notes import files_line, notes_of
from stateflow.conversation.effect import Key
from stateflow.conversation.message import Message
from stateflow.engine.door import Delta
from stateflow.journal.event import (
    EffectDone,
    EffectFailed,
    HumanAnswered,
    Recorded,
    RunPaused,
    RunResumed,
    RunStarted,
    TurnTaken,
)
from stateflow.journal.fold import Fold
from stateflow.journal.renaming import restarted
from stateflow.journal.said import message_of
from stateflow.machine.deadline import instant

__all__ = ["Progress"]

_LINES: Final = 8
"""Lines of a text that are shown, unless all are asked for."""
_ALL: Final = 1_000_000


@dataclass(slots=True)
class _Scene:
    """One run, the root or a nested one, on its way."""

    fold: Fold
    chart: Chart
    since: float
    """When the turn began [s since the epoch]."""
    path: str = ""
    """What the names of its places stand behind: ``write/`` of what runs in the state ``write``."""


class Progress:
    """Tells of a run and its nested runs as they go."""

    def __init__(self, *, verbose: bool) -> None:
        """Write to stderr as it is now."""
        self.console = console("stderr")
        self.lively = is_lively("stderr")
        self.verbose = verbose
        self.most = _ALL if verbose else _LINES
        self._scenes: dict[str, _Scene] = {}
        self._block: Block | None = None
        self._unheard: set[tuple[str, Key]] = set()
        """What was not shown from its first word on; it is shown whole at its end."""
        self._later: list[Text] = []
        """Lines that came while another turn's text streamed."""

    def note(self, text: str) -> None:
        """Say something about the run, between its lines."""
        self._end()
        if self.lively:
            sys.stderr.write("\r\x1b[K")  # over the ^C that the terminal shows
        say(self.console, text, MUTED)

    def event(self, run: str, fold: Fold, recorded: Recorded, /) -> None:
        """Tell of an event that *fold* has not seen yet."""
        event = recorded.event
        started = event if isinstance(event, RunStarted) else fold.started
        if started is None:
            return
        scene = self._scenes.get(run)
        if scene is None:
            path = self._path(run, started.flow)
            scene = self._scenes[run] = _Scene(fold, Chart(started), recorded.at, path)
            self._head(run, scene, started if event is started else None)
        scene.fold = fold
        match event:
            case RunResumed():
                scene.since = recorded.at
                scene.chart = Chart(restarted(started, event))
            case HumanAnswered():
                where = f"{scene.path}{event.key.state} " if scene.path else ""
                self._text(run, f"{where}> {event.answer}", "")
            case EffectDone() | EffectFailed():
                self._effect(run, scene, event)
            case TurnTaken():
                self._turn(run, scene, event, recorded.at)
            case RunPaused():
                self._paused(run, scene, event, recorded.at)
            case _:
                pass

    def heard(self, heard: Recorded | Delta, /) -> None:
        """Show a piece of text as it streams.  Events come through :meth:`event`."""
        if not isinstance(heard, Delta) or not self.lively or heard.run not in self._scenes:
            return
        if (heard.run, heard.key) in self._unheard:
            return
        block = self._present(heard.run, heard.key)
        if block is not None:
            block.hear(heard)
        else:
            self._unheard.add((heard.run, heard.key))

    def _effect(self, run: str, scene: _Scene, event: EffectDone | EffectFailed) -> None:
        """Tell at once what an effect came to; without a terminal it is told after the turn."""
        ordinal = event.key.ordinal
        if not self.lively or event.op == "agent.reply":
            return
        block = self._block
        if block is not None and block.stream is not None:
            if (block.run, block.stream.key) != (run, event.key):
                return  # it must not break in
            block.end()
        columns = None if self.verbose else self._columns(run)
        notes = notes_of(scene.chart, scene.fold, ordinal, columns, event)
        block = self._present(run, event.key) if notes else None
        if block is not None:
            block.told.add(ordinal)
            for note in notes:
                block.note(note)

    def _present(self, run: str, key: Key) -> Block | None:
        """Return the block of a turn that is not over, begun if need be.

        ``None``: another turn's text is streaming, and must not be broken.
        """
        block = self._block
        if block is not None and block.is_of(run, key.state, key.visit):
            return block
        if block is not None and block.stream is not None:
            return None
        scene = self._scenes[run]
        self._line_up(self._line(run, scene, key.state, key.visit))
        alone = len(scene.chart.speakers(key.state)) == 1 and not scene.chart.chooses(key.state)
        indent = self._margin(run) + " " * 7
        block = Block(run, key.state, key.visit, self.console, indent, self.most, alone)
        self._block = block
        for ordinal, notes in self._notes(run, scene, ()):
            block.told.add(ordinal)
            for note in notes:
                block.note(note)
        return block

    def _head(self, run: str, scene: _Scene, started: RunStarted | None) -> None:
        """Say which run it is that starts, or goes on."""
        nested = "/" in run
        how = "goes on" if started is None else scene.chart.size()
        head = Text(self._margin(run)[2:] + "  └ " if nested else "")
        if nested:
            head.append(f"{clean(scene.path[:-1])}  FLOW ", MUTED)
        head.append(scene.chart.name, "bold")
        head.append(f"  {how}", MUTED)
        if not nested:
            head.append(" · run ", MUTED)
            head.append(clean(run), "cyan")
        if self._block is not None and self._block.stream is not None:
            self._later.append(head)  # it must not break in
        else:
            self._end()
            self._line_up(head)
        if started is not None and started.files:
            self._text(run, files_line(started.files), MUTED)

    def _turn(self, run: str, scene: _Scene, turn: TurnTaken, at: float) -> None:
        """Show a turn: its line, its texts, its edge."""
        messages = list(_messages(scene.fold, turn))
        right = "  ".join(spent(turn.usage, at - scene.since if turn.spoken else None))
        scene.since = at
        texts = [message.text for message in messages]
        block = self._finished(run, turn, texts)
        line = self._line(run, scene, turn.state, turn.visit, right)
        if block is not None:
            block.rewrite(line, right)
        elif turn.spoken:
            self._line_up(line)
        self._tell(run, scene, block)
        self._said(run, turn, messages, shown=block is not None and block.shows(texts))
        if turn.fault is not None:
            late = turn.fault.is_a("DeadlinePassed")  # which the flow may have foreseen
            self._text(run, str(turn.fault), "yellow" if late else "red")
        self._edges(run, scene.chart, turn)
        if turn.restart is not None:
            restart = f"transcript restarted with: {turn.restart}"
            self._text(run, restart if self.verbose else cut(restart, self._columns(run)), MUTED)

    def _said(self, run: str, turn: TurnTaken, messages: list[Message], *, shown: bool) -> None:
        """Show what was said, but for a text that has been *shown* as it streamed."""
        for message in messages:
            ok = None if message.outcome is None else message.outcome.ok
            text = message.text or (message.outcome.detail if message.outcome is not None else "")
            by = f"{message.speaker}: " if len(turn.said) > 1 else ""
            if not shown:
                self._text(run, f"{by}{text}", {True: "green", False: "red", None: ""}[ok])
            if message.files:
                self._text(run, files_line(message.files), MUTED)
        if turn.spoken and not messages and turn.fault is None:
            self._text(run, "(passed)", MUTED)

    def _paused(self, run: str, scene: _Scene, event: RunPaused, at: float) -> None:
        if event.turn is not None:
            self._turn(run, scene, event.turn, at)
        elif event.stop.kind == "waiting" and not any(
            question.id.count("/") > run.count("/") for question in event.stop.questions
        ):
            state, visit = scene.fold.state, scene.fold.visit
            due = min(
                (one.due for one in event.stop.questions if one.due is not None), default=None
            )
            right = "waits for an answer" + (f" until {instant(due)}" if due is not None else "")
            line = self._line(run, scene, state, visit, right)
            block = self._end()
            if block is not None and block.is_of(run, state, visit):
                block.rewrite(line, right)
            else:
                self._line_up(line)
                self._tell(run, scene, None)
        else:
            self._end()

    def _finished(self, run: str, turn: TurnTaken, texts: list[str]) -> Block | None:
        """End the present block; return it if it is this turn's, and shows nothing else."""
        block = self._end()
        self._unheard = {one for one in self._unheard if one[0] != run}
        if block is None or not block.is_of(run, turn.state, turn.visit):
            return None
        return None if block.misleads(texts) else block

    def _end(self) -> Block | None:
        """End the present block, and return it."""
        block, self._block = self._block, None
        if block is not None:
            if block.stream is not None:
                self._unheard.add((block.run, block.stream.key))
            block.end()
        return block

    def _line_up(self, line: Text) -> None:
        """Say *line* behind those that had to wait."""
        for one in [*self._later, line]:
            say(self.console, one)
        self._later.clear()

    def _tell(self, run: str, scene: _Scene, block: Block | None) -> None:
        """Tell what *block* has not told of the present turn, beside its texts."""
        for _, notes in self._notes(run, scene, block.told if block is not None else ()):
            for note in notes:
                self._text(run, note, MUTED)

    def _notes(
        self, run: str, scene: _Scene, told: Collection[int]
    ) -> Iterator[tuple[int, list[str]]]:
        """Yield what is told beside the texts of the present turn, by effect."""
        columns = None if self.verbose else self._columns(run)
        for ordinal in sorted(scene.fold.answers):
            if ordinal not in told:
                yield ordinal, notes_of(scene.chart, scene.fold, ordinal, columns)

    def _columns(self, run: str) -> int:
        return self.console.width - len(self._margin(run)) - 9

    def _line(self, run: str, scene: _Scene, state: str, visit: int, right: str = "") -> Text:
        """Return the line of a turn: number, dot, state, who; on the right what it cost."""
        chart = scene.chart
        colour = chart.colour(state)
        agents = chart.speakers(state)
        by = [one for agent in agents if (one := chart.by(agent))]
        line = Text(f"{self._margin(run)}{len(scene.fold.path) + 1:>3} ")
        line.append("● ", colour)
        line.append(clean(scene.path), MUTED)
        line.append(clean(state), f"bold {colour}")
        who = chart.who(state) + "".join(f" · {one}" for one in by[-1:])
        line.append(f"  {clean(who)}", MUTED)
        limit = chart.limit(state)
        if visit > 1:
            line.append(f"  visit {visit}" + (f"/{limit}" if limit else ""), MUTED)
        if right:
            room = (
                self.console.width - line.cell_len - len(right) if self.console.is_terminal else 0
            )
            line.append(" " * max(room, 2) + right, MUTED)
        return line

    def _text(self, run: str, text: str, style: str) -> None:
        self._end()
        indent = self._margin(run) + " " * 7
        lines = folded(clean(text).strip("\n"), self.console.width - len(indent))
        shown = lines[: self.most]
        if len(shown) < len(lines):
            shown[-1] = f"{shown[-1].rstrip()} … ({len(lines) - len(shown)} more lines)"
        for line in map(str.rstrip, shown):
            say(self.console, Text(indent).append(line, style) if line else "")

    def _edges(self, run: str, chart: Chart, turn: TurnTaken) -> None:
        """Show which transitions were taken; with --verbose every verdict."""
        for step in turn.steps:
            lines = [chart.edge(step, turn.exhausted)]
            if self.verbose and step.tried:
                lines = chart.verdicts(step) + ([lines[0]] if step.taken is None else [])
            for line in filter(None, lines):
                edge = f"{self._margin(run)}     │ {clean(line)}"
                say(self.console, Text(edge, f"italic {MUTED}"))

    def _path(self, run: str, flow: str) -> str:
        """Return what the names of places of the nested *run* of *flow* stand behind."""
        above, _, key = run.rpartition("/")
        state, _, place = key.rpartition("#")
        around = self._scenes.get(above)
        if around is None:  # the root
            return ""
        return f"{around.path}{around.chart.nested(state, int(place.partition('.')[2]), flow)}/"

    def _margin(self, run: str) -> str:
        return "    " * run.count("/")


def _messages(fold: Fold, turn: TurnTaken) -> Iterator[Message]:
    for said in turn.said:
        if said.part is not None or said.of in fold.answers:
            yield message_of(said, fold.answers, turn.usage)
