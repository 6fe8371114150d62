"""Progress of a run on stderr: an append-only log, a line a turn, its text below."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from stateflow.cli.chart import MUTED, Chart, clean, folded, spent
from stateflow.cli.console import console, is_lively, say
from stateflow.cli.streaming import Streaming
from stateflow.conversation.effect import Key
from stateflow.conversation.message import Message
from stateflow.engine.door import Delta
from stateflow.journal.event import (
    HumanAnswered,
    Recorded,
    RunPaused,
    RunResumed,
    RunStarted,
    TurnTaken,
)
from stateflow.journal.fold import Fold, message_of

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


class Progress:
    """Tells of a run and its nested runs as they go."""

    def __init__(self, *, verbose: bool) -> None:
        """Write to stderr as it is now."""
        self.console = console("stderr")
        self.lively = is_lively("stderr")
        self.verbose = verbose
        self.most = _ALL if verbose else _LINES
        self._scenes: dict[str, _Scene] = {}
        self._stream: Streaming | None = None
        self._unheard: tuple[str, Key] | None = None
        """What was interrupted while it streamed; it is shown whole at its end."""

    def note(self, text: str) -> None:
        """Say something about the run, between its lines."""
        if self._stream is not None:
            self._unheard = (self._stream.run, self._stream.key)
        self._break_stream()
        if self.lively:
            sys.stderr.write("\r\x1b[K")  # over the ^C that the terminal shows
        say(self.console, text, MUTED)

    def event(self, run: str, fold: Fold, recorded: Recorded, /) -> None:
        """Tell of an event that *fold* has not seen yet."""
        event = recorded.event
        started = event if isinstance(event, RunStarted) else fold.started
        if started is None:
            return
        known = run in self._scenes
        scene = self._scenes.setdefault(run, _Scene(fold, Chart(started), recorded.at))
        scene.fold = fold
        match event:
            case RunStarted():
                self._head(run, scene, scene.chart.size())
            case RunResumed():
                scene.since = recorded.at
                if not known:
                    self._head(run, scene, "goes on")
            case HumanAnswered():
                self._text(run, f"> {event.answer}", "")
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
        stream = self._stream
        if (heard.run, heard.key) == self._unheard:
            return
        if stream is None:
            scene = self._scenes[heard.run]
            say(self.console, self._line(heard.run, scene, heard.key.state, heard.key.visit))
            indent = self._margin(heard.run) + " " * 7
            columns = self.console.width - len(indent) - 2
            stream = Streaming(heard.run, heard.key, sys.stderr, indent, columns, self.most)
            stream.begin()
            self._stream = stream
        if (stream.run, stream.key) == (heard.run, heard.key):
            stream.add(heard.text)

    def _head(self, run: str, scene: _Scene, how: str) -> None:
        nested = "/" in run
        head = Text(self._margin(run)[2:] + "  └ " if nested else "")
        head.append(scene.chart.name, "bold")
        head.append(f"  {how}", MUTED)
        if not nested:
            head.append(" · run ", MUTED)
            head.append(clean(run), "cyan")
        say(self.console, head)

    def _turn(self, run: str, scene: _Scene, turn: TurnTaken, at: float) -> None:
        """Show a turn: its line, its texts, its edge."""
        messages = list(_messages(scene.fold, turn))
        right = "  ".join(spent(turn.usage, at - scene.since if turn.spoken else None))
        scene.since = at
        streamed = self._finished(run, turn, messages)
        line = self._line(run, scene, turn.state, turn.visit, right)
        if streamed is None:
            if turn.spoken:
                say(self.console, line)
            self._said(run, turn, messages)
        else:
            self._rewrite(line, streamed, right)
        if turn.fault is not None:
            self._text(run, str(turn.fault), "red")
        self._edges(run, scene.chart, turn)

    def _said(self, run: str, turn: TurnTaken, messages: list[Message]) -> None:
        for message in messages:
            ok = None if message.outcome is None else message.outcome.ok
            text = message.text or (message.outcome.detail if message.outcome is not None else "")
            by = f"{message.speaker}: " if len(turn.said) > 1 else ""
            self._text(run, f"{by}{text}", {True: "green", False: "red", None: ""}[ok])
        if turn.spoken and not messages and turn.fault is None:
            self._text(run, "(passed)", MUTED)

    def _paused(self, run: str, scene: _Scene, event: RunPaused, at: float) -> None:
        if event.turn is not None:
            self._turn(run, scene, event.turn, at)
        elif event.stop.kind == "waiting" and not any(
            question.id.count("/") > run.count("/") for question in event.stop.questions
        ):
            state, visit = scene.fold.state, scene.fold.visit
            self._break_stream()
            say(self.console, self._line(run, scene, state, visit, "waits for an answer"))
        else:
            self._break_stream()

    def _finished(self, run: str, turn: TurnTaken, messages: list[Message]) -> Streaming | None:
        """End what streamed; return it if it was all that this turn said."""
        stream, self._stream = self._stream, None
        if stream is None:
            return None
        stream.end()
        same = (stream.run, stream.key.state, stream.key.visit) == (run, turn.state, turn.visit)
        return stream if same and [m.text for m in messages] == [stream.text] else None

    def _break_stream(self) -> None:
        if self._stream is not None:
            self._stream.end()
            self._stream = None

    def _rewrite(self, line: Text, streamed: Streaming, right: str) -> None:
        """Put the figures on the line above what streamed, or below if that has scrolled away."""
        rows = streamed.rows + 1
        if rows >= self.console.height or line.cell_len > self.console.width:
            say(self.console, f"{streamed.indent}{right}", MUTED)
            return
        sys.stderr.write(f"\x1b[{rows}A\r")
        say(self.console, line)
        if rows > 1:
            sys.stderr.write(f"\x1b[{rows - 1}B\r")
        sys.stderr.flush()

    def _line(self, run: str, scene: _Scene, state: str, visit: int, right: str = "") -> Text:
        """Return the line of a turn: number, dot, state, who; on the right what it cost."""
        chart = scene.chart
        colour = chart.colour(state)
        agents = chart.speakers(state)
        models = [model for agent in agents if (model := chart.model(agent))]
        line = Text(f"{self._margin(run)}{scene.fold.turns + 1:>3} ")
        line.append("● ", colour)
        line.append(clean(state), f"bold {colour}")
        who = " → ".join(agents) + "".join(f" · {model}" for model in models[-1:])
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
        self._break_stream()
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

    def _margin(self, run: str) -> str:
        return "    " * run.count("/")


def _messages(fold: Fold, turn: TurnTaken) -> Iterator[Message]:
    for said in turn.said:
        if said.part is not None or said.of in fold.answers:
            yield message_of(said, fold.answers, turn.usage)
