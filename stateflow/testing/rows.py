"""Outlines: a run as plain rows, for snapshots in tests.

A row is made of three texts, and the repr of all of them can be pasted into a test.
"""

from __future__ import annotations

from stateflow.engine.result import Result
from stateflow.journal.event import Journal, RunPaused, TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.said import message_of
from stateflow.testing.path import journal_at

__all__ = ["outline"]


def outline(result: Result | Journal, /, *, at: str | None = None) -> list[tuple[str, str, str]]:
    """Return what was said, in order: state, speaker and text.

    A turn that raised has a row that names the fault, as ``!RateLimited``; one without a word has
    none.  Nested runs show as what they brought their parent; *at* has a look inside.

    Args:
        result: what the run came to, or its journal.
        at: nested run that is meant, such as ``"research#1.0"``; ``None``: the run itself.

    Raises:
        DefinitionError: the result has no journal, or there is no such nested run.

    Example:
        >>> from stateflow import Flow, Scripted, State, run_sync, to
        >>> flow = Flow("hello", State("greet", Scripted("host", ["Welcome."]), to(None)))
        >>> outline(run_sync(flow, "Say hello."))
        [('', 'user', 'Say hello.'), ('greet', 'host', 'Welcome.')]
    """
    fold = Fold()
    rows: list[tuple[str, str, str]] = []
    for recorded in journal_at(result, at).events:
        event = recorded.event
        if isinstance(event, TurnTaken):
            rows += _rows(event, fold)
        elif isinstance(event, RunPaused) and event.turn is not None and event.retry is None:
            rows += _rows(event.turn, fold)
        fold.apply(recorded)
        if fold.seq == 1 and len(fold.transcript):
            rows.append(("", fold.transcript.last.speaker, fold.transcript.last.text))
    return rows


def _rows(turn: TurnTaken, fold: Fold) -> list[tuple[str, str, str]]:
    messages = [
        message_of(said, fold.answers, turn.usage)
        for said in turn.said
        if said.of is not None or said.part is not None
    ]
    rows = [(turn.state, message.speaker, message.text) for message in messages]
    if turn.fault is not None:
        silent = [said.by for said in turn.said if said.of is None and said.part is None]
        rows.append((turn.state, silent[-1] if silent else "", f"!{turn.fault.name}"))
    return rows
