"""The marker ``cassette``: the runs that a test starts itself, answered from its cassettes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from stateflow.engine.matching import Match, check_match
from stateflow.errors import DefinitionError, ReplayDivergence
from stateflow.testing.cassette.cassette import dump_cassette
from stateflow.testing.plugin.case import Case
from stateflow.testing.plugin.tapes import Tape, Way

if TYPE_CHECKING:
    import pytest

    from stateflow.journal.event import Journal
    from stateflow.journal.stop import Stop
    from stateflow.machine.flow import Flow

__all__ = ["Marked"]

_SHOWN = 3
"""Effects that a sentence names."""


@dataclass(eq=False, slots=True)
class _Turned:
    """One cassette that has its run."""

    path: Path
    flow: Flow
    tape: Tape


@dataclass(eq=False, slots=True)
class Marked:
    """Gives each root run of a test the next of its cassettes."""

    case: Case
    names: tuple[str, ...]
    match: Match
    turned: list[_Turned] = field(default_factory=list[_Turned])
    _by_run: dict[str, Tape] = field(default_factory=dict[str, Tape])

    @classmethod
    def of(cls, case: Case, mark: pytest.Mark) -> Marked:
        """Return the cassettes that *mark* names; refuse what makes no sense."""
        names: tuple[Any, ...] = mark.args
        options = dict(mark.kwargs)
        match = options.pop("match", "strict")
        if not names or options or len({*names}) < len(names):
            case.refuse(
                f"test {case.name!r}: its marker names no cassette, one twice, or something else; "
                'write @pytest.mark.cassette("x.yaml", match="state"), a name for each run'
            )
        try:
            check_match(match)
        except DefinitionError as error:
            case.refuse(f"test {case.name!r}: {error}")
        return cls(case, names, match)

    def tape(self, flow: Flow, run: str, *, begins: bool) -> Tape:
        """Return the tape of *run*: its own, or that of the next cassette."""
        if not begins and run in self._by_run:
            return self._by_run[run]
        number = len(self.turned)
        if number == len(self.names):
            shown = ", ".join(map(repr, self.names))
            self.case.refuse(
                f"test {self.case.name!r} starts a run of flow {flow.name!r} that it has no "
                f"cassette for, after {number} that it has: {shown}; name one more in its marker"
            )
        turned = self._turn(self.names[number], flow)
        self.turned.append(turned)
        self._by_run[run] = turned.tape
        return turned.tape

    def _turn(self, name: str, flow: Flow) -> _Turned:
        case, path = self.case, self.case.place(name)
        way = self._way(path)
        if way is None:
            case.missing(name)
        if way == "record":
            case.claim(path)
        if way in {"record", "go_on"}:
            case.recording += 1
        recording = None if way == "record" else case.read(path)

        def refuse(sentence: str) -> NoReturn:
            cures = case.cures()
            if way == "accept":
                cures = f"\nto go on live from there:  {case.command('--stateflow-record=new')}"
            self._refuse(path, flow, sentence + _parting(flow, recording) + cures)

        return _Turned(path, flow, Tape(recording, way, self.match, refuse))

    def _refuse(self, path: Path, flow: Flow, told: str) -> NoReturn:
        shown = self.case.settings.shown(path)
        self.case.refuse(f"cassette {shown!r} does not fit the run of flow {flow.name!r}: {told}")

    def _way(self, path: Path) -> Way | None:
        """Return how the cassette at *path* is played; ``None``: there is none to play."""
        settings = self.case.settings
        there = path.is_file()
        if settings.record == "none" and not there:
            return None
        if settings.record == "all" or not there:
            return "record"
        if settings.record == "new":
            return "go_on"
        return "accept" if settings.update else "answer"

    def settle(self) -> None:
        """Refuse what was recorded and not used; keep what is to be written."""
        case = self.case
        for one in self.turned:
            if one.tape.way == "answer" and one.tape.played is not None:
                self._refuse_unused(one)
            elif _is_interrupted(one.tape):
                case.refuse(
                    f"test {case.name!r} leaves a run of flow {one.flow.name!r} under way, and "
                    "where it is then is chance; await it to its end"
                )
            else:
                self._keep(one)
        left = self.names[len(self.turned) :]
        if left:
            shown = ", ".join(map(repr, left))
            case.refuse(
                f"test {case.name!r} starts {len(self.turned)} of the {len(self.names)} runs that "
                f"its marker has cassettes for; not used: {shown}"
            )

    def _refuse_unused(self, one: _Turned) -> None:
        unused = one.tape.unused()
        if not unused:
            return
        shown = ", ".join(unused[:_SHOWN]) + (", …" if unused[_SHOWN:] else "")
        few = "1 effect that it" if len(unused) == 1 else f"{len(unused)} effects that it"
        told = f"it holds {few} did not ask for: {shown}{_parting(one.flow, one.tape.recording)}"
        self._refuse(one.path, one.flow, told + self.case.cures())

    def _keep(self, one: _Turned) -> None:
        """Keep what the run came to, if that is another than was recorded."""
        tape = one.tape
        assert tape.played is not None  # noqa: S101 - asked before
        journal = tape.played.journal
        word = {"record": "recorded", "go_on": "recorded more of"}.get(tape.way, "updated")
        if tape.way == "go_on" and tape.fits:
            return
        if tape.recording is not None:
            if dump_cassette(tape.recording) == dump_cassette(journal):
                return
            self.case.claim(one.path)
        self.case.pending[one.path] = (journal, tape.played.files, word)


def _is_interrupted(tape: Tape) -> bool:
    """Tell whether the run has not come to a stop of its own."""
    events = tape.played.journal.events if tape.played is not None else ()
    stop: Stop | None = getattr(events[-1].event, "stop", None) if events else None
    return stop is None or stop.kind in {"paused", "cancelled"}


def _parting(flow: Flow, recording: Journal | None) -> str:
    """Return at which turn *flow* goes another way than was recorded, as a replay tells it."""
    from stateflow.engine.run import replay

    if recording is None:
        return ""
    try:
        replay(flow, recording, match="state")
    except ReplayDivergence as error:
        return f"\n{error}"
    return ""
