"""The fixture ``replay``: a cassette repeated with the flow as it is now, and compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from stateflow.testing.plugin.case import Case

if TYPE_CHECKING:
    from pydantic import BaseModel

    from stateflow.engine.given import AnyFile
    from stateflow.engine.matching import Match
    from stateflow.engine.result import Result
    from stateflow.journal.event import Journal
    from stateflow.machine.budget import Budget
    from stateflow.machine.flow import Flow
    from stateflow.models.base import ModelClient
    from stateflow.testing.plugin.again import Beginning
    from stateflow.testing.plugin.tapes import Way

__all__ = ["Replay"]


class Replay:
    """Replays cassettes: what the fixture ``replay`` is."""

    def __init__(self, case: Case) -> None:
        """Replay for the test of *case*."""
        self._case = case

    def __call__(  # noqa: PLR0913 - what can be said of a run, all but the cassette with a default
        self,
        name: str,
        flow: Flow | str | None = None,
        *,
        match: Match = "strict",
        secrets: Iterable[str] = (),
        task: str | None = None,
        data: Mapping[str, Any] | BaseModel | None = None,
        models: Mapping[str, str | ModelClient] | None = None,
        budget: Budget | None = None,
        files: Sequence[AnyFile] = (),
        answers: Mapping[str, str] | None = None,
    ) -> Result:
        """Repeat the run of a cassette with nobody asked, and return what it came to.

        Args:
            name: of the cassette, such as ``"slogan.yaml"``: in ``cassettes/`` beside the test,
                beside the test, or in ``cassettes/`` of a folder above.
            flow: as it is now, or a reference to it; ``None``: where the cassette says it lies.
            match: how requests are held against the recorded ones: ``strict``, ``state``,
                ``whitespace``, or a function of both.
            secrets: texts that are in no cassette, beside those that the environment names.
            task: used to record: the first message.
            data: used to record: initial values of the flow's typed data.
            models: used to record: model for an agent, by the agent's name.
            budget: used to record: limits that replace the flow's.
            files: used to record: images and documents of the task.
            answers: used to record: what people answer, by question, such as ``approve#1.0``.

        What is not given to record is taken from the cassette, where there is one.
        """
        __tracebackhide__ = True
        given: dict[str, Any] = {
            "task": task,
            "data": data,
            "models": models,
            "budget": budget,
            "files": files or None,
            "answers": answers,
            "secrets": tuple(secrets),
        }
        given = {what: value for what, value in given.items() if value is not None}
        return _Replaying(self._case, name, match, given).result(flow)


class _Replaying:
    """One cassette, for one test."""

    def __init__(self, case: Case, name: str, match: Match, given: Mapping[str, Any]) -> None:
        """Look where it is."""
        self._case = case
        self._name = name
        self._match: Match = match
        self._given = given
        self._path: Path = case.place(name)
        self._shown = case.settings.shown(self._path)
        self._there = self._path in case.pending or self._path.is_file()

    def result(self, flow: Flow | str | None) -> Result:
        """Return what the run came to."""
        record = self._case.settings.record
        if not self._there:
            if record == "none":
                self._case.missing(self._name)
            return self._record(flow)
        known = flow is not None and "task" in self._given
        if record == "all" and known and self._case.is_broken(self._path):
            return self._record(flow)
        journal = self._case.read(self._path)
        found, _ = self._flow(flow, journal)
        if record == "all":
            return self._again(found, journal, "record", "recorded")
        return self._repeated(found, journal)

    def _repeated(self, flow: Flow, journal: Journal) -> Result:
        """Replay; where the run has left the recording, go on as the session was told to."""
        from stateflow.engine.run import replay
        from stateflow.errors import ReplayDivergence

        settings = self._case.settings
        try:
            result = replay(flow, journal, match=self._match, secrets=self._secrets)
        except ReplayDivergence as error:
            if settings.record == "new":
                return self._again(flow, journal, "go_on", "recorded more of")
            if settings.update:
                return self._again(flow, journal, "accept", "updated")
            of = journal.started.flow
            other = ""
            if of != flow.name:
                other = f"; it was recorded of flow {of!r}, and this one is {flow.name!r}"
            cures = self._case.cures()
            self._case.refuse(f"cassette {self._shown!r} no longer fits{other}\n{error}{cures}")
        if settings.record == "new" and self._goes_on(result):
            return self._again(flow, journal, "go_on", "recorded more of")
        if settings.update and self._match != "strict" and not _is_changed(journal):
            return self._again(flow, journal, "accept", "updated")  # requests that were let pass
        return result

    def _goes_on(self, result: Result) -> bool:
        """Tell whether the recording was cut off, or waits for what the test answers."""
        answers: Mapping[str, str] = self._given.get("answers", {})
        asked = [one.id for one in result.stop.questions]
        return result.stop.kind == "paused" or any(one in answers for one in asked)

    @property
    def _secrets(self) -> tuple[str, ...]:
        secrets: tuple[str, ...] = self._given["secrets"]
        return secrets

    def _record(self, given: Flow | str | None) -> Result:
        """Run live, for there is no cassette yet."""
        from stateflow.testing.plugin.again import Beginning

        if given is None:
            self._case.refuse(
                f"there is no cassette {self._shown!r} to say which flow it is of; to record it, "
                f'give the flow and a task: replay("{self._name}", flow, task="...")'
            )
        flow, task = self._flow(given, None)
        if "task" not in self._given and task is None:
            self._case.refuse(
                f"there is no cassette {self._shown!r}; to record it, give a task: "
                f'replay("{self._name}", flow, task="...")'
            )
        source = given if isinstance(given, str) else None
        start = Beginning(task or "", source=source)
        return self._run(flow, None, start, "record", "recorded")

    def _again(self, flow: Flow, journal: Journal, way: Way, word: str) -> Result:
        """Run once more what was recorded."""
        from stateflow.testing.plugin.again import beginning_of

        if _is_changed(journal):
            self._case.refuse(
                f"cassette {self._shown!r} holds a fork that a person changed, which cannot be run "
                "again from its beginning; fork it anew and record that"
            )
        start = beginning_of(journal, self._content)
        recording = journal if way != "record" else None
        return self._run(flow, recording, start, way, word)

    def _content(self, sha256: str) -> bytes:
        """Return the content of a file that the cassette names."""
        from stateflow.testing.cassette.beside import FOLDER

        try:
            return (self._path.parent / FOLDER / sha256).read_bytes()
        except OSError as error:
            self._case.refuse(
                f"the content of a file that cassette {self._shown!r} names cannot be read "
                f'({error.strerror}); give it: replay("{self._name}", files=[...])'
            )

    def _run(
        self, flow: Flow, recording: Journal | None, start: Beginning, way: Way, word: str
    ) -> Result:
        from stateflow.engine.run import blocking
        from stateflow.errors import StateflowError
        from stateflow.testing.cassette.cassette import dump_cassette
        from stateflow.testing.plugin.again import run_again
        from stateflow.testing.plugin.tapes import Tape

        case = self._case
        if way != "accept":  # before anybody is asked
            case.claim(self._path)
        answers = {**start.answers, **self._given.get("answers", {})}
        start = replace(start, **{**self._given, "answers": answers})
        tape = Tape(recording, way, self._match, self._refuse_unrecorded)
        try:
            with case.live() if way != "accept" else nullcontext():
                blocking(run_again(flow, start, tape))
        except StateflowError as error:
            case.refuse(f"cassette {self._shown!r} was not written: {error}")
        played = tape.played
        assert played is not None  # noqa: S101 - a run that was awaited has stopped
        if recording is None or dump_cassette(recording) != dump_cassette(played.journal):
            case.claim(self._path)
            case.pending[self._path] = (played.journal, played.files, word)
        return self._checked(flow, played.journal)

    def _checked(self, flow: Flow, journal: Journal) -> Result:
        """Return the result of what is to be written, which has to replay."""
        from stateflow.engine.run import replay
        from stateflow.errors import ReplayDivergence

        try:
            return replay(flow, journal, secrets=self._secrets)
        except ReplayDivergence as error:
            told = f"flow {flow.name!r} does not do the same twice, and cannot be replayed"
            self._case.refuse(f"cassette {self._shown!r} was not written: {told}\n{error}")

    def _refuse_unrecorded(self, sentence: str) -> NoReturn:
        new = self._case.command("--stateflow-record=new")
        self._case.refuse(
            f"cassette {self._shown!r} cannot be brought up to date with nobody asked: {sentence}"
            f"\nto go on live from there:  {new}"
        )

    def _flow(self, given: Flow | str | None, journal: Journal | None) -> tuple[Flow, str | None]:
        """Return the flow, and the task that its module names."""
        from stateflow.errors import FlowNotFound
        from stateflow.testing.plugin.flows import found_flow

        if given is not None and not isinstance(given, str):
            return given, None
        reference = given or (journal.started.source if journal is not None else None)
        if reference is None:
            self._case.refuse(
                f"cassette {self._shown!r} does not say where its flow lies; give it: "
                f'replay("{self._name}", flow)'
            )
        try:
            found = found_flow(reference, self._case.settings)
        except FlowNotFound as error:
            where = "is given" if given else f"cassette {self._shown!r} names"
            self._case.refuse(
                f"the flow {reference!r}, which {where}, was not found: {error}; "
                f'put it there, or give it: replay("{self._name}", flow)'
            )
        return found.flow, found.task or None


def _is_changed(journal: Journal) -> bool:
    """Tell whether *journal* is of a fork that a person changed."""
    from stateflow.journal.event import RunChanged

    return any(isinstance(one.event, RunChanged) for one in journal.events)
