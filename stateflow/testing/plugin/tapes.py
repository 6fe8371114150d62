"""What a recording answers for, and where a run leaves it.

Effects are looked up by their place: run, state, visit and number within the turn.  A run that
asks for something else than was recorded has left the recording; what happens then is up to the
way in which the tape is played.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, NoReturn, TypeAlias

from stateflow.conversation.effect import Effect, Key
from stateflow.engine.drifting import request_lines
from stateflow.engine.matching import Asked, Match, asked_before, asked_now, matches
from stateflow.engine.tape import Asking
from stateflow.journal.canonical import canonical_events
from stateflow.journal.event import ChildEnded, EffectDone, EffectFailed, Journal
from stateflow.journal.fold import open_answers
from stateflow.journal.said import Answer
from stateflow.stores.base import Store
from stateflow.stores.content import files_of
from stateflow.value import Json, canonical_json

__all__ = ["Played", "Tape", "Way"]

Way: TypeAlias = Literal["answer", "accept", "go_on", "record"]
"""How a tape is played.

* ``answer``: whatever was not recorded so is an error.
* ``accept``: requests may differ; what was not recorded is an error.
* ``go_on``: from where the run leaves the recording, it is live.
* ``record``: all is live.
"""

_PATIENCE_S: Final = 5.0
"""How long a branch that nobody needed waits to be cancelled, as it was when recorded [s]."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a run came to that had a tape."""

    journal: Journal
    files: dict[str, bytes]
    """Content of its files, by hash."""


@dataclass(eq=False, slots=True)
class Tape:
    """One recording, played for one root run."""

    recording: Journal | None
    """``None``: there is none yet."""
    way: Way
    match: Match
    refuse: Callable[[str], NoReturn]
    """Ends the run and the test with a sentence."""
    played: Played | None = None
    """Set once the run has stopped; anew each time it does."""
    _runs: dict[str, Journal] = field(default_factory=dict[str, Journal])
    _known: dict[str, dict[Key, Answer]] = field(default_factory=dict[str, "dict[Key, Answer]"])
    _left: list[str] = field(default_factory=list[str])
    """Runs that have left the recording, by their paths."""
    _agreed: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        """Index the recording."""
        if self.recording is not None:
            self._runs = dict(_runs(self.recording))
            self._known = {path: _answers(run) for path, run in self._runs.items()}

    async def answer(
        self, asking: Asking, effect: Effect, args: Json
    ) -> EffectDone | EffectFailed | None:
        """Return what was recorded of *effect*; ``None``: it is live."""
        path = asking.path
        if self.way == "record" or self._is_live(path):
            return None
        known = self._known.get(path, {}).get(effect.key)
        if not isinstance(known, EffectDone | EffectFailed) or known.op != effect.call.op:
            await self._wait_where_cancelled(path)
            self._missing(path, effect, known)
            return None
        if self.way != "accept" and canonical_json(known.args) != canonical_json(args):
            table = self._runs[path].started.table
            before = asked_before(known.key, known.op, known.args, table, asking.scene)
            now = asked_now(effect.key, effect.call.op, args, asking.scene)
            if not matches(self.match, before, now):
                self._drifted(asking, before, now)
                return None
        self._agreed[path] = len(asking.scene.turn.view.transcript)
        return known

    async def stopped(self, journal: Journal, store: Store) -> None:
        """Keep what the run came to."""
        files = {sha: await store.file(sha) for sha in files_of(journal)}
        self.played = Played(journal, files)

    @property
    def fits(self) -> bool:
        """Whether the run kept to the recording, down to its end."""
        return not self._left and not self.unused()

    def unused(self) -> list[str]:
        """Return what was recorded and not asked for, once the run has stopped."""
        if self.recording is None or self.played is None:
            return []
        now = {path: _answers(run) for path, run in _runs(self.played.journal)}
        return [
            f"{_op(answer)} {path}{key}"
            for path, known in self._known.items()
            for key, answer in known.items()
            if key not in now.get(path, {})
            and not (isinstance(answer, ChildEnded) and answer.cancelled)
        ]

    def _is_live(self, path: str) -> bool:
        """Tell whether the run at *path* has left the recording, or one in or around it has."""
        return any(path.startswith(left) or left.startswith(path) for left in self._left)

    async def _wait_where_cancelled(self, path: str) -> None:
        """Wait to be cancelled in a branch that nobody needed when it was recorded."""
        parts = path.split("/")[:-1]
        for depth, part in enumerate(parts):
            above = "".join(f"{one}/" for one in parts[:depth])
            for key, answer in self._known.get(above, {}).items():
                if str(key) == part and isinstance(answer, ChildEnded) and answer.cancelled:
                    await asyncio.sleep(_PATIENCE_S)

    def _missing(self, path: str, effect: Effect, known: Answer | None) -> None:
        what = f"{effect.call.op} {path}{effect.key}"
        held = f"there it holds {_op(known)}" if known is not None else "it holds nothing there"
        if self.way == "go_on":
            self._left.append(path)
            return
        self.refuse(f"the run asks for {what}, which was not recorded: {held}")

    def _drifted(self, asking: Asking, before: Asked, now: Asked) -> None:
        path = asking.path
        if self.way == "go_on":
            self._left.append(path)
            return
        started = asking.fold.started
        tables = self._runs[path].started.table, started.table if started is not None else {}
        heard = list(asking.scene.turn.view.transcript)
        lines = request_lines(before, now, tables, heard, self._agreed.get(path, 0))
        told = "".join(f"\n    {line}" for line in lines)
        self.refuse(f"request {path}{now.key} ({now.op}) is not the recorded one:{told}")


def _runs(journal: Journal, path: str = "") -> Iterator[tuple[str, Journal]]:
    """Yield *journal* and those nested in it, each with its path."""
    yield path, journal
    for key, child in journal.children.items():
        yield from _runs(child, f"{path}{key}/")


def _answers(journal: Journal) -> dict[Key, Answer]:
    return open_answers(canonical_events(recorded.event for recorded in journal.events))


def _op(answer: Answer) -> str:
    if isinstance(answer, EffectDone | EffectFailed):
        return answer.op
    return "nested run" if isinstance(answer, ChildEnded) else "human.ask"
