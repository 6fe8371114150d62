"""The crew: processes that run tests against mutants, several at once.

Each is a pytest that is set up once and forks itself for every mutant; where there is no fork, a
mutant is a pytest of its own.  They stand in groups of their own, so that Ctrl-C ends the command
and not a test in the middle, and what a test leaves running is ended with it.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final as Constant
from typing import Literal, NamedTuple, TypeAlias

from stateflow.errors import StateflowError
from stateflow.testing.mutate.job import Job, Outcome
from stateflow.testing.mutate.look import Look

__all__ = ["Crew", "Finished", "MutateError"]

Word: TypeAlias = Literal["killed", "survived", "late"]

_PLUGIN: Constant = "stateflow.testing.plugin.mutating"
_QUIETING: Constant = (
    ("pytest_cov", ("--no-cov",)),
    ("pytest_randomly", ("-p", "no:randomly")),
    ("xdist", ("-n0",)),
    ("hypothesis", ("--hypothesis-seed=0",)),
)
"""Plugins that would run tests elsewhere, in any order, or measure them; and what stops that."""
_NOT_BEGUN: Constant = (3, 4)
"""Exit codes of a pytest that cannot run: trouble of its own, words that it does not know."""
_BROKEN: Constant = (
    "pytest ended while mutants were tried, though it ran the tests before; try --jobs 1, or leave "
    "out plugins with -- -p no:NAME"
)
_START_S: Constant = 30.0
"""What a process of its own may take beside its tests [s]."""
_END_S: Constant = 5.0
"""What a process that is asked to end may take for it [s]."""


class MutateError(StateflowError):
    """Mutants cannot be tried: the tests are wrong, or pytest is."""


class Finished(NamedTuple):
    """What came of a job."""

    number: int
    word: Word
    outcome: Outcome | None
    """``None``: the process of the tests was ended, by itself or for being late."""


class Crew:
    """Runs jobs."""

    def __init__(self, tests: Sequence[str], args: Sequence[str], folder: Path) -> None:
        """Know what to run.

        Args:
            tests: files and folders.
            args: more words for pytest.
            folder: for what passes between the processes; whoever made it removes it.
        """
        self._folder = folder
        self._look = folder / "look.json"
        alone = not os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
        quiet = [word for name, words in _QUIETING if alone and find_spec(name) for word in words]
        self._begin = [sys.executable, "-m", "pytest", "-p", _PLUGIN, *quiet]
        self._end = ["-o", f"cache_dir={folder / 'cache'}", *args, *tests]

    def look(self) -> tuple[Look | None, str]:
        """Run all tests without a mutant; return what they showed, and what pytest said.

        ``None``: pytest did not come so far.
        """
        path = self._look
        words = [*self._begin, "-q", "--tb=short", f"--stateflow-mutants-look={path}", *self._end]
        done = subprocess.run(  # noqa: S603 - the user's own tests
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        said = done.stdout.decode("utf-8", "replace")
        return (Look.read(path) if path.exists() else None), said

    def run(self, jobs: Sequence[Job], at_once: int) -> Iterator[Finished]:
        """Run *jobs*, and yield each as it is finished.

        Args:
            jobs: in the order in which they are begun.
            at_once: so many processes.

        Raises:
            MutateError: pytest ends before it is done.
        """
        ahead: queue.SimpleQueue[tuple[int, Job]] = queue.SimpleQueue()
        done: queue.SimpleQueue[Finished | None] = queue.SimpleQueue()
        for number, job in enumerate(jobs):
            ahead.put((number, job))
        words = [*self._begin, "-x", "-q", "--tb=no", "--no-header"]
        kind = _Server if hasattr(os, "fork") else _Single
        over = threading.Event()
        threads: list[threading.Thread] = []
        members: list[_Member] = []
        try:
            for number in range(min(at_once, len(jobs))):
                base = f"--basetemp={self._folder / f'tmp{number}'}"
                member = kind([*words, base, *self._end], self._look)
                members.append(member)
                given = (member, ahead, done, over)
                threads.append(threading.Thread(target=_work, args=given, daemon=True))
                threads[-1].start()
            for _ in jobs:
                finished = done.get()
                if finished is None:
                    raise MutateError(_BROKEN)
                yield finished
        finally:
            over.set()
            for member in members:
                member.end()
            for thread in threads:
                thread.join()
            for member in members:
                member.close()


def _work(
    member: _Member,
    ahead: queue.SimpleQueue[tuple[int, Job]],
    done: queue.SimpleQueue[Finished | None],
    over: threading.Event,
) -> None:
    """Do one job after another; ``None`` is that pytest itself has ended."""
    with suppress(queue.Empty):
        while not over.is_set():
            number, job = ahead.get_nowait()
            came = member.do(job)
            outcome = Outcome.read(Path(job.result))
            noticed = outcome is None or bool(outcome.failed)
            word: Word = "killed" if noticed else "survived"
            word = "late" if came == "late" else word
            done.put(Finished(number, word, outcome) if came else None)


class _Server:
    """A pytest that forks itself for every job."""

    def __init__(self, words: list[str], look: Path) -> None:
        asked, self._asks = os.pipe()
        tells, told = os.pipe()
        self._process = _started([*words, f"--stateflow-mutants-serve={asked},{told}"], asked, told)
        os.close(asked)
        os.close(told)
        self._told = os.fdopen(tells, encoding="utf-8")
        self._ask(f"{look}\n")

    def do(self, job: Job) -> str:
        """Have *job* done; tell whether it ended or was late; nothing: there is no server."""
        self._ask(job.line())
        return self._told.readline().strip()

    def _ask(self, line: str) -> None:
        with suppress(BrokenPipeError):  # it was ended; there is no outcome then
            os.write(self._asks, line.encode())

    def end(self) -> None:
        """End it, whatever it does: it is asked first, so that it can end its fork."""
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """Close the pipes, once nobody asks any more."""
        os.close(self._asks)
        self._told.close()


class _Single:
    """A pytest for each job."""

    def __init__(self, words: list[str], look: Path) -> None:
        del look  # of use to many mutants only
        self._words = words
        self._process: subprocess.Popen[bytes] | None = None

    def do(self, job: Job) -> str:
        """Have *job* done; tell whether it ended or was late; nothing: pytest did not begin."""
        path = Path(f"{job.result}.job")
        path.write_text(job.line(), "utf-8")
        self._process = _started([*self._words, f"--stateflow-mutants-job={path}"])
        try:
            self._process.wait(job.seconds + _START_S)
        except subprocess.TimeoutExpired:
            self.end()
            return "late"
        return "" if self._process.returncode in _NOT_BEGUN else "ended"

    def end(self) -> None:
        """End it, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """Close nothing: it has no pipes."""


_Member: TypeAlias = _Server | _Single


def _started(words: list[str], *pipes: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the user's own tests
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=pipes,
        start_new_session=True,
    )
