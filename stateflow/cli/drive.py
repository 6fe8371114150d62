"""Taking a run to its stop: progress, Ctrl-C, questions, and what is said at the end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeAlias

from cyclopts import Parameter

from stateflow.cli.find import store_option, store_path
from stateflow.cli.trouble import INTERRUPTED
from stateflow.cli.watch import Listener, WatchedStore
from stateflow.engine.outside import OUTSIDE
from stateflow.engine.result import Result, result_from
from stateflow.engine.runner import Live, Runner
from stateflow.errors import AnswerRefused, StoreError
from stateflow.journal.codec import event_json
from stateflow.journal.event import Journal, Recorded
from stateflow.journal.fold import Fold
from stateflow.journal.stop import Stop
from stateflow.machine.budget import Budget
from stateflow.models.cache import ReplyCache
from stateflow.stores.open import open_store

if TYPE_CHECKING:
    from stateflow.cli.progress import Progress

__all__ = ["Begin", "Driving", "Then", "drive", "exit_code", "resume_command"]

_CODES: Mapping[str, int] = {
    "budget": 3,
    "waiting": 4,
    "stuck": 5,
    "paused": INTERRUPTED,
}

_LIMITS = frozenset(field.name for field in fields(Budget))
"""What a larger budget helps against; visits are the flow's own."""

Begin: TypeAlias = Callable[[Runner], Awaitable[Live]]
"""Starts a run, or takes one up."""

Then: TypeAlias = Callable[[Runner, Result], Awaitable[None]]
"""Does something with a run that stopped, whose journal the result has."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Driving:
    """Options of every command that makes a run go on."""

    store: Annotated[Path | None, Parameter(help="SQLite file that keeps the runs.")] = None
    record: Annotated[
        Path | None,
        Parameter(
            help="Write the journal to this file, too, as JSON lines, or .yaml, as a cassette; "
            "attached files beside it."
        ),
    ] = None
    cache: Annotated[
        Path | None,
        Parameter(help="SQLite file that keeps replies of models; equal requests get them again."),
    ] = None
    json: Annotated[bool, Parameter(help="Print each journaled event as a line of JSON.")] = False
    no_input: Annotated[bool, Parameter(help="Never ask at the terminal; exit with 4 instead.")] = (
        False
    )
    allow_local: Annotated[
        bool,
        Parameter(
            help="Let code run in a sandbox that does not isolate it: with your rights, on this "
            "machine."
        ),
    ] = False
    verbose: Annotated[
        bool,
        Parameter(alias="-v", help="Show whole texts and tool calls, and every guard's verdict."),
    ] = False
    then: Annotated[Then | None, Parameter(parse=False)] = None
    """What else is done with a run that stopped."""


def exit_code(stop: Stop) -> int:
    """Return the exit code that tells of *stop*.

    Example:
        >>> exit_code(Stop("stuck", "review", "no guard held"))
        5
    """
    return _CODES.get(stop.kind, 0 if stop.ok else 1)


async def drive(
    driving: Driving,
    begin: Begin,
    models: Mapping[str, str] | None = None,
    sandboxes: Mapping[str, str] | None = None,
) -> int:
    """Take the run that *begin* begins to its stop, and return the exit code."""
    from stateflow.cli.progress import Progress

    progress = Progress(verbose=driving.verbose)
    async with _runner(driving, models, sandboxes) as (runner, watched):
        live = await begin(runner)
        watched.listener = _Lines() if driving.json else progress
        live.door.control.publish = None if driving.json else progress.heard
        try:
            with _warnings_told(progress):
                result = await _until_stop(runner, live, progress, driving)
        except asyncio.CancelledError:  # stopped before its first event
            progress.note("stopped before anything was written")
            return INTERRUPTED
        result = replace(result, journal=await runner.journal(result.run))
        if driving.record is not None and result.journal is not None:
            await _write(result.journal, driving.record, runner)
        if driving.then is not None:
            await driving.then(runner, result)
    _tell_end(result, driving)
    return exit_code(result.stop)


async def _write(journal: Journal, path: Path, runner: Runner) -> None:
    from stateflow.stores.content import files_of

    files = {sha: await runner.store.file(sha) for sha in files_of(journal)}
    if path.suffix == ".yaml":
        from stateflow.testing.cassette.cassette import write_cassette

        write_cassette(journal, path, files)
    else:
        from stateflow.stores.file import write_file

        write_file(journal, path, files)


@asynccontextmanager
async def _runner(
    driving: Driving, models: Mapping[str, str] | None, sandboxes: Mapping[str, str] | None
) -> AsyncGenerator[tuple[Runner, WatchedStore], None]:
    watched = WatchedStore(open_store(store_path(driving.store)))
    try:
        cache = await _cache(driving.cache)
        async with Runner(
            store=watched,
            models=models,
            cache=cache,
            sandboxes=sandboxes,
            allow_local=driving.allow_local,
        ) as runner:
            yield runner, watched
    finally:
        await watched.aclose()


async def _cache(path: Path | None) -> ReplyCache | None:
    """Return the cache in the file *path*, read once, so that trouble is told before a run begins.

    Raises:
        StoreError: it is no cache.
    """
    if path is None:
        return None
    from stateflow.stores.cache import SqliteReplyCache

    cache = SqliteReplyCache(path)
    try:
        await cache.get("")
    except StoreError:
        await cache.aclose()
        raise
    return cache


async def _until_stop(runner: Runner, live: Live, progress: Progress, driving: Driving) -> Result:
    """Wait for the run to stop; where a person is to answer and is there, go on."""
    from stateflow.cli.chart import clean
    from stateflow.cli.human import ask_all, can_ask

    asking = not driving.no_input and not driving.json and can_ask()
    result: Result | None = None
    given: Mapping[str, str] = {}
    while True:
        late = False
        try:
            with _interruptible(live, progress):
                result = await live
            given = {}
        except AnswerRefused as refused:  # nothing was written
            if result is None:
                raise
            if live.door.fold.ended:  # somebody stopped it while we asked
                return result_from(live.flow, live.run, live.door.fold)
            progress.note(clean(str(refused)))
            asking, late = True, _is_late(result.stop, runner.store.now())
        if result.stop.kind != "waiting" or not asking:
            return result
        try:
            command = resume_command(result, driving)
            given = {} if late else ask_all(result.stop.questions, command, given)
        except KeyboardInterrupt:
            progress.note("")
            return result
        if not given and not late:
            return result
        asking = late or len(given) == len(result.stop.questions)  # no question twice
        live = runner.resume(live.flow, result.run, answers=given)
        live.door.control.publish = progress.heard


def _is_late(stop: Stop, now: float) -> bool:
    """Tell whether the deadline of a question has passed, so that no answer is taken any more."""
    return any(one.due is not None and now >= one.due for one in stop.questions)


@contextmanager
def _interruptible(live: Live, progress: Progress) -> Generator[None, None, None]:
    """Let the first Ctrl-C pause the run after its turn, and the second stop it now."""
    presses = 0

    def pressed() -> None:
        nonlocal presses
        presses += 1
        if presses == 1:
            live.pause()
            progress.note("pausing after this turn; Ctrl-C again stops now")
        else:
            live.stop()

    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, pressed)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def _warnings_told(progress: Progress) -> Generator[None, None, None]:
    """Show what Python warns of as a line among the others, without where in the code."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        del category, filename, lineno, file, line
        progress.note(f"warning: {message}")

    before, warnings.showwarning = warnings.showwarning, show
    try:
        yield
    finally:
        warnings.showwarning = before


def resume_command(result: Result, driving: Driving) -> str:
    """Return the command that goes on with the run."""
    from stateflow.cli.chart import short
    from stateflow.cli.human import answer_options

    command = f"stateflow resume {short(result.run)}"
    if result.stop.kind == "waiting":
        command += f" {answer_options(result.stop.questions)}"
    if result.stop.kind == "budget" and result.stop.which in _LIMITS:
        command += f" --budget {result.stop.which}=N"
    if driving.allow_local:
        command += " --allow-local"
    return command + store_option(driving.store)


def _tell_end(result: Result, driving: Driving) -> None:
    """Say how it ended on stdout; beside JSON, only how to go on, on stderr."""
    from stateflow.cli.chart import MUTED
    from stateflow.cli.console import console, say
    from stateflow.cli.show import tell_result

    if driving.json:
        if result.stop.resumable:
            say(
                console("stderr"), f"{result.stop}; go on: {resume_command(result, driving)}", MUTED
            )
        elif result.stop.why == OUTSIDE:  # no line of JSON told of it
            say(console("stderr"), str(result.stop), MUTED)
        return
    tell_result(result, driving, resume_command(result, driving))


class _Lines(Listener):
    """Prints each event as a line, in the form of a journal's file."""

    def event(self, run: str, fold: Fold, recorded: Recorded, /) -> None:
        """Print *recorded*."""
        del fold
        root, _, path = run.partition("/")
        line: dict[str, Any] = {"id": root, "run": path, "seq": recorded.seq, "at": recorded.at}
        line |= {"kind": type(recorded.event).__name__, **event_json(recorded.event)}
        sys.stdout.write(f"{json.dumps(line, ensure_ascii=False)}\n")
        sys.stdout.flush()
