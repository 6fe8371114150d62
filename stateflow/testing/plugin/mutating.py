"""The part of the pytest plugin that runs tests against mutants; only loaded with ``-p``.

``stateflow mutate`` starts pytest with it: once to see which tests run the flow, then as a server,
which has pytest set up and forks itself for every mutant, so that each costs no more than the
collection of its tests.  People start it with one mutant, to see what their tests say of it.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import sysconfig
import time
import warnings
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import stateflow.testing
from stateflow.engine.finding import find_flow
from stateflow.engine.observing import OBSERVERS
from stateflow.errors import FlowNotFound
from stateflow.testing.home import home_of
from stateflow.testing.mutate.job import Job, Outcome
from stateflow.testing.mutate.look import Look, Looked, Seen, Watch
from stateflow.testing.mutate.mutants import of_one
from stateflow.testing.mutate.seat import Seat

__all__ = ["pytest_addoption", "pytest_configure", "pytest_load_initial_conftests"]

_SEAT = pytest.StashKey[Seat]()
_POLL_S = 0.003


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("stateflow mutants")
    group.addoption(
        "--stateflow-mutant",
        metavar="FLOW::ID",
        help="Run the tests against this mutant of a flow, as `stateflow mutate` names it.",
    )
    for name in ("look", "job", "serve"):
        group.addoption(f"--stateflow-mutants-{name}", help="What `stateflow mutate` starts.")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Look at every flow that is made, those of conftest files included."""
    early_config.stash[_SEAT] = Seat()


def pytest_configure(config: pytest.Config) -> None:
    """Set up what the options ask for."""
    seat = config.stash[_SEAT]
    config.add_cleanup(seat.close)
    look, job, serve = (
        config.getoption(f"--stateflow-mutants-{name}") for name in ("look", "job", "serve")
    )
    named: str | None = config.getoption("--stateflow-mutant")
    watch = Watch()
    OBSERVERS.append(watch)
    config.add_cleanup(lambda: OBSERVERS.remove(watch))
    if look:
        config.pluginmanager.register(_Looking(Path(look), watch), "stateflow-mutants-look")
    if job or serve or named:
        running = _Running(config, seat, watch)
        config.pluginmanager.register(running, "stateflow-mutants-running")
        if job:
            running.begin(Job.of(Path(job).read_text("utf-8")))
        elif serve:
            asked, told = map(int, serve.split(","))
            serving = _Serving(running, asked, told)
            config.pluginmanager.register(serving, "stateflow-mutants-serve")
        elif named:
            running.begin(_job_of(named))
            seat.changed = 0  # that was the flow which was found here, not one of the tests'
            running.named = named


def _job_of(named: str) -> Job:
    """Return the mutant that somebody named.

    Raises:
        pytest.UsageError: there is none.
    """
    reference, colons, mutant = named.rpartition("::")
    if not colons:
        raise pytest.UsageError(
            f"--stateflow-mutant={named}: write FLOW::ID; `stateflow mutate FLOW --list` tells ids"
        )
    try:
        flow = find_flow(reference).flow
    except FlowNotFound as error:
        raise pytest.UsageError(f"--stateflow-mutant: {error}") from error
    for one in flow.flows:
        if any(other.id == mutant for other in of_one(one)):
            return Job(home_of(one), mutant, "")
    raise pytest.UsageError(
        f"--stateflow-mutant: flow {flow.name!r} has no mutant {mutant!r}; "
        f"`stateflow mutate {reference} --list` tells those it has"
    )


class _Looking:
    """Notes which test comes by which places; what many tests share counts for all of them."""

    def __init__(self, path: Path, watch: Watch) -> None:
        self._path = path
        self._watch = watch
        self._look = Look()
        self._shared: dict[str, Seen] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """Note what a module runs while it is imported."""
        with _Turned(self._watch, self._shared.setdefault(f"file {collector.path}", {})):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:  # noqa: ANN401 - pytest's own
        """Note what a fixture runs that several tests share."""
        if fixturedef.scope == "function":
            return (yield)
        with _Turned(self._watch, self._shared.setdefault(fixturedef.argname, {})):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Note what a test runs."""
        seen: Seen = {}
        begun = time.perf_counter()
        with _Turned(self._watch, seen):
            result = yield
        for name in (f"file {item.path}", *getattr(item, "fixturenames", ())):
            for home, shared in self._shared.get(name, {}).items():
                seen.setdefault(home, {}).update(shared)
        seconds = time.perf_counter() - begun
        places = {home: list(names) for home, names in seen.items()}
        self._look.tests[item.nodeid] = Looked(str(item.path), seconds, places)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that fails."""
        self._failed(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be collected."""
        self._failed(report)

    def _failed(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed:
            self._look.failed.append(report.nodeid)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write it down."""
        ended = {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR}
        self._look.modules = list(_installed())
        self._look.whole = exitstatus not in ended or bool(self._look.failed)
        self._look.write(self._path)


def _installed() -> Iterator[str]:
    """Yield the modules that were imported and are no part of what is tested."""
    paths = sysconfig.get_paths()
    folders = [f"{paths[name]}{os.sep}" for name in ("stdlib", "purelib", "platlib")]
    begins = (*folders, str(Path(stateflow.testing.__file__).parents[1]))
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(begins):
            yield name


class _Turned:
    """Turns what is seen to another page, and back."""

    def __init__(self, watch: Watch, seen: Seen) -> None:
        self._watch = watch
        self._seen = seen

    def __enter__(self) -> None:
        self._before, self._watch.seen = self._watch.seen, self._seen

    def __exit__(self, *_: object) -> None:
        self._watch.seen = self._before


class _Running:
    """Runs the tests of one job."""

    def __init__(self, config: pytest.Config, seat: Seat, watch: Watch) -> None:
        self._config = config
        self._seat = seat
        self._watch = watch
        self._job: Job | None = None
        self._failed: list[str] = []
        self.forked = False
        self.named = ""

    def begin(self, job: Job) -> None:
        """Take *job*, before anything is collected."""
        self._job = job
        self._seat.seat(job.home, job.mutant)
        if job.files:
            self._config.args = list(job.files)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out tests that have nothing to say."""
        others = frozenset(self._job.others if self._job is not None else ())
        items[:] = [item for item in items if item.nodeid not in others]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that notices."""
        if report.failed:
            self._failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that does not even import with the mutant."""
        if report.failed:
            self._failed.append(report.nodeid)

    def pytest_internalerror(self) -> None:
        """Count what pytest itself cannot bear as noticed."""
        self._failed.append("pytest")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Tell the outcome; where nothing was changed, refuse."""
        met = self._met()
        if self.named and not met and not self._failed:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        if self._job is None or not self._job.result:
            return
        if exitstatus == pytest.ExitCode.INTERRUPTED and not self._failed:
            self._failed.append("the tests were ended")
        Outcome(self._failed, met).write(Path(self._job.result))
        if self.forked:
            os._exit(0)  # what the parent set up is the parent's to take down

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's own
        """Say that the mutant was never met."""
        if self.named and not self._met():
            sentence = (
                f"error: the tests neither made nor ran the flow of {self.named!r}, so they say "
                "nothing of this mutant; run those that do"
            )
            terminalreporter.write_line(sentence, red=True)

    def _met(self) -> bool:
        seen = self._job is not None and self._job.home in self._watch.seen
        return seen or self._seat.changed > 0


class _Serving:
    """Forks for each job that is asked for, and tells when it is over."""

    def __init__(self, running: _Running, asked: int, told: int) -> None:
        self._running = running
        self._asked = asked
        self._told = told
        self._child = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> bool | None:
        """Serve; in a fork, go on and collect the tests of its job."""
        signal.signal(signal.SIGTERM, self._ended)
        with open(self._asked, encoding="utf-8") as asked:  # noqa: PTH123 - a pipe has no path
            for name in Look.read(Path(asked.readline().strip())).modules:
                with suppress(Exception):  # the tests will say what is wrong with it
                    importlib.import_module(name)
            for line in asked:
                job = Job.of(line)
                if self._forked():
                    os.setpgid(0, 0)
                    signal.signal(signal.SIGTERM, signal.SIG_DFL)
                    self._running.forked = True
                    self._running.begin(job)
                    return None
                word = "ended" if self._waited(job.seconds) else "late"
                os.write(self._told, f"{word}\n".encode())
        return True

    def _forked(self) -> bool:
        """Tell whether this is the fork."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of threads, which a fork does not have
            self._child = os.fork()
        return not self._child

    def _waited(self, seconds: float) -> bool:
        """Wait for the fork; tell whether it came to its end in time."""
        until = time.monotonic() + seconds
        while not os.waitpid(self._child, os.WNOHANG)[0]:
            if time.monotonic() > until:
                self._kill()
                return False
            time.sleep(_POLL_S)
        return True

    def _kill(self) -> None:
        for kill in (os.killpg, os.kill):  # it may not have become a group of its own yet
            try:
                kill(self._child, signal.SIGKILL)
            except ProcessLookupError:
                continue
        os.waitpid(self._child, 0)

    def _ended(self, *_: object) -> None:
        if self._child:
            with suppress(ChildProcessError):
                self._kill()
        os._exit(1)
