"""The first difference between a recorded run and its replay, as a report.

It says which turn, what was expected and what came, every guard with both verdicts, what has
changed in the request, and what has changed in the flow since the recording where that explains
it.  Nothing of this is reckoned before there is a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stateflow.conversation.effect import Key
from stateflow.conversation.message import Message
from stateflow.engine.drifting import AS_IT_WAS, bounded, fields, parts, request_lines
from stateflow.engine.matching import Asked
from stateflow.engine.verdicts import nth, side_by_side, target, verdicts_of, way, ways
from stateflow.errors import ReplayDivergence
from stateflow.journal.event import Event, RunEnded, TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.stop import Stop
from stateflow.machine.difference.change import Change
from stateflow.machine.difference.difference import difference
from stateflow.machine.difference.words import SIGNS, is_text, text_lines, told
from stateflow.machine.table_json import Table
from stateflow.value import canonical_json

__all__ = ["Differing"]

_MOST: Final = 16
"""So many lines are told of what has changed in the flow."""
_LONGEST: Final = 600
"""Longer facts are cut [characters]."""
_PARTS: Final = ("said", "fault", "exhausted", "usage", "spoken", "restart", "state", "visit")


@dataclass(frozen=True, slots=True)
class Differing:
    """Tells the first difference of one run."""

    before: Table
    """The flow when the run was recorded."""
    now: Table
    path: str
    """Of a nested run, with a slash behind each part; empty: the run itself."""

    def turn(self, fold: Fold, recorded: Event, now: Event) -> ReplayDivergence:
        """Tell how a turn, or the end, came out otherwise."""
        if isinstance(recorded, TurnTaken) and isinstance(now, TurnTaken):
            if recorded.steps != now.steps:
                return self._step(fold, recorded, now)
            if recorded.patch != now.patch:
                return self._patch(fold, recorded, now)
            name, *others = [n for n in _PARTS if getattr(recorded, n) != getattr(now, n)]
            before, after = _fact(recorded, name), _fact(now, name)
            text = f"{name} recorded: {before}; now: {after}"
            more = list(_facts(recorded, now, others))
            return self._told(
                fold, "turn", text, expected=before, actual=after, details=more, of=recorded
            )
        before, after = _named(recorded), _named(now)
        kind = "unused" if isinstance(now, RunEnded) and isinstance(recorded, TurnTaken) else "stop"
        text = f"recorded: {before}; now: {after}"
        if kind == "unused":
            text += "; the rest of the recording is not used"
        return self._told(fold, kind, text, expected=before, actual=after, of=recorded)

    def stop(self, fold: Fold, recorded: Stop | TurnTaken | None, now: Stop) -> ReplayDivergence:
        """Tell that the run stops now; *recorded*: how it stopped then, or how it went on."""
        expected = "the run went on" if recorded is None else str(recorded)
        tried: Sequence[tuple[str, bool | None]] = ()
        if isinstance(recorded, TurnTaken):
            step = next((one for one in recorded.steps if one.at == now.state), None)
            step = step or nth(recorded.steps, 0)
            expected = f"the run went on, {way(self.before, step)}"
            tried = verdicts_of(self.before, step)
        elif recorded is not None:
            tried = recorded.tried
        verdicts = side_by_side(tried, now.tried) if now.tried else []
        return self._told(
            fold,
            "stop",
            f"recorded: {expected}; now: {now}",
            expected=expected,
            actual=str(now),
            verdicts=verdicts,
            details=self._unexplained(verdicts),
        )

    def request(
        self, fold: Fold, before: Asked, now: Asked, heard: Sequence[Message], agreed: int
    ) -> ReplayDivergence:
        """Tell how a request has drifted."""
        names = ", ".join(parts(before.args, now.args)) or "all of it"
        tables = (self.before, self.now)
        return self._told(
            fold,
            "request",
            f"the request has changed: {names}",
            place=f"request {now.key} ({now.op})",
            asked=now,
            expected=canonical_json(before.args),
            actual=canonical_json(now.args),
            request=bounded(request_lines(before, now, tables, heard, agreed), 80),
        )

    def unmatched(self, fold: Fold, asked: Asked, error: Exception) -> ReplayDivergence:
        """Tell that the function which was to match a request raised."""
        text = f"the function of match= raised {type(error).__name__}: {error}; mend it"
        place = f"request {asked.key} ({asked.op})"
        return self._told(fold, "request", text, place=place, asked=asked)

    def missing(self, fold: Fold, asked: Asked) -> ReplayDivergence:
        """Tell that the recording holds nothing for what is asked."""
        return self._told(
            fold,
            "missing",
            f"the flow now asks for {asked.op!r}, and the journal holds nothing here",
            place=f"effect {asked.key}",
            asked=asked,
            actual=asked.op,
        )

    def other(self, fold: Fold, recorded: str, asked: Asked) -> ReplayDivergence:
        """Tell that another effect is asked for than was *recorded*."""
        return self._told(
            fold,
            "request",
            f"the journal holds {recorded!r}; the flow now asks for {asked.op!r}",
            place=f"effect {asked.key}",
            asked=asked,
            expected=recorded,
            actual=asked.op,
        )

    def refused(self, fold: Fold, asked: Asked, limit: str, why: str) -> ReplayDivergence:
        """Tell that the budget of now, by its *limit*, would not have let a call be made."""
        whose = "nested run's" if self.path else "flow's"
        return self._told(
            fold,
            "budget",
            f"the {whose} budget {limit} would refuse this call: {why}",
            place=f"effect {asked.key}",
            asked=asked,
            expected="made",
            actual="refused",
        )

    def unused(self, fold: Fold, key: Key, op: str, more: int) -> ReplayDivergence:
        """Tell that the recording holds an effect that nothing asks for, and *more* of them."""
        others = f" ({more:,} more are not used)" if more else ""
        return self._told(
            fold,
            "unused",
            f"the journal holds it ({op!r}), and the flow no longer asks for it{others}",
            place=f"effect {key}",
            asked=Asked(key, op, None),
            expected=op,
        )

    def left(self, fold: Fold, recorded: Event, more: int) -> ReplayDivergence:
        """Tell that the run is over, and the recorded one went on for *more* turns and ends."""
        text = f"the run is over, and {_named(recorded)} follows in the recording"
        text += f" ({more - 1:,} more are not used)" if more > 1 else ""
        return self._told(fold, "unused", text, expected=_named(recorded), of=recorded)

    def data(
        self,
        text: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> ReplayDivergence:
        """Tell that the data at the start are not as recorded."""
        lines = _data_lines(before or {}, after or {})
        shown = [None if one is None else canonical_json(one) for one in (before, after)]
        return self._told(
            Fold(),
            "data",
            text,
            place="the beginning",
            details=lines,
            expected=shown[0],
            actual=shown[1],
        )

    def gone(self, name: str, text: str, turn: int, of: TurnTaken | None) -> ReplayDivergence:
        """Tell that *name*, which *turn* number is about, is not in the flow any more."""
        fold = Fold()
        fold.turns = turn - 1
        place = "the beginning" if of is None else ""
        return self._told(fold, "gone", text, place=place, expected=name, of=of)

    def unsteady(self, fold: Fold, text: str) -> ReplayDivergence:
        """Tell that a function does not depend on the view alone."""
        return self._told(fold, "unsteady", text)

    def _step(self, fold: Fold, recorded: TurnTaken, now: TurnTaken) -> ReplayDivergence:
        at = next(
            (
                n
                for n, (old, new) in enumerate(zip(recorded.steps, now.steps, strict=False))
                if old != new
            ),
            min(len(recorded.steps), len(now.steps)),
        )
        old, new = (nth(turn.steps, at) for turn in (recorded, now))
        verdicts = side_by_side(verdicts_of(self.before, old), verdicts_of(self.now, new))
        details = [] if at == 0 else [f"after {ways(now.steps[:at])}, as recorded"]
        changed = [n for n in ("patch", *_PARTS) if getattr(recorded, n) != getattr(now, n)]
        details += _facts(recorded, now, changed)
        details += [] if changed else self._unexplained(verdicts)
        return self._told(
            fold,
            "step",
            f"recorded: {way(self.before, old)}; now: {way(self.now, new)}",
            expected=target(old),
            actual=target(new),
            verdicts=verdicts,
            details=details,
            of=recorded,
        )

    def _patch(self, fold: Fold, recorded: TurnTaken, now: TurnTaken) -> ReplayDivergence:
        before, after = recorded.patch or {}, now.patch or {}
        return self._told(
            fold,
            "data",
            "the data comes out otherwise",
            expected=canonical_json(before),
            actual=canonical_json(after),
            details=_data_lines(before, after),
            of=recorded,
        )

    def _unexplained(self, verdicts: Sequence[tuple[str, bool | None, bool | None]]) -> list[str]:
        """Return a line for a verdict that differs, though neither flow nor answers do."""
        if self._changes():
            return []
        return [
            f"the flow is as it was recorded, so guard {name!r} depends on more than the view: on "
            "something it closes over, a clock, chance or a file; or the recording was edited"
            for name, before, now in verdicts
            if before != now and None not in {before, now}
        ][:1]

    def _told(  # noqa: PLR0913 - the facts of a report
        self,
        fold: Fold,
        kind: str,
        text: str,
        *,
        place: str = "",
        asked: Asked | None = None,
        of: Event | None = None,
        expected: str | None = None,
        actual: str | None = None,
        verdicts: Sequence[tuple[str, bool | None, bool | None]] = (),
        details: Sequence[str] = (),
        request: Sequence[str] = (),
    ) -> ReplayDivergence:
        state, visit = fold.state, fold.visit
        if isinstance(of, TurnTaken):
            state, visit = of.state, of.visit
        turn = fold.turns + 1
        where = place or f"turn {turn} (state {state!r}, visit {visit})"
        return ReplayDivergence(
            self._inner() + where,
            _short(text),
            kind=kind,
            run=self.path.rstrip("/"),
            turn=turn,
            state=asked.key.state if asked is not None else state,
            visit=asked.key.visit if asked is not None else visit,
            key=str(asked.key) if asked is not None else "",
            op=asked.op if asked is not None else "",
            expected=None if expected is None else _short(expected),
            actual=None if actual is None else _short(actual),
            verdicts=verdicts,
            details=details,
            request=request,
            changes=self._changes(asked if request else None),
        )

    def place(self, fold: Fold) -> str:
        """Return where *fold* stands, in words."""
        if not fold.state:
            return f"{self._inner()}the end, after {fold.turns:,} turns"
        return f"{self._inner()}turn {fold.turns + 1} (state {fold.state!r}, visit {fold.visit})"

    def _inner(self) -> str:
        return f"nested run {self.path.rstrip('/')}, " if self.path else ""

    def _changes(self, drifted: Asked | None = None) -> list[str]:
        """Return what has changed in the flow since the recording.

        Args:
            drifted: a request whose own changes have been told.
        """
        if not ({"places", "agents"} <= self.before.keys()):
            return []
        lines: list[str] = []
        for change in difference(self.before, self.now).changes:
            if drifted is not None and _is_told(change, drifted):
                continue
            if change.part.startswith("tool ") or change.part == "reply":
                where = f"agent {change.path!r}: {change.part}"
                lines += fields(f"{SIGNS[change.kind]} {where}", change.before, change.after)
                continue
            lines.append(f"{SIGNS[change.kind]} {told(change)}")
            if is_text(change):
                lines += [f"  {line}" for line in text_lines(change)]
        return bounded(lines, _MOST)


def _is_told(change: Change, asked: Asked) -> bool:
    """Tell whether the lines of the request *asked* say what *change* is."""
    name = change.path.rpartition("/")[2]
    if change.part == "prompt":
        return asked.prompts is not None and name in {asked.agent, asked.key.state}
    return name == asked.agent and change.part.startswith(("tool", "reply", "model"))


def _facts(recorded: TurnTaken, now: TurnTaken, names: Sequence[str]) -> Iterator[str]:
    """Yield what else differs of two turns; what follows from a step is told by the step."""
    for name in names:
        if name == "patch":
            yield from _data_lines(recorded.patch or {}, now.patch or {})
        else:
            yield f"{name} recorded: {_fact(recorded, name)}; now: {_fact(now, name)}"


def _fact(turn: TurnTaken, name: str) -> str:
    value: object = getattr(turn, name)
    return _short(str(value) if value or isinstance(value, bool) else "none")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _data_lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return how two patches of data differ, a line for each field."""
    both = (before, after)
    return bounded(
        [
            line
            for name in sorted({*before, *after})
            for line in fields(f"data.{name}", *(patch.get(name, AS_IT_WAS) for patch in both))
        ]
    )


def _named(event: Event) -> str:
    if isinstance(event, RunEnded):
        return f"the run ends, {event.stop}"
    return f"a turn of {event.state!r}" if isinstance(event, TurnTaken) else type(event).__name__
