"""The hooks of a test session: what each test may ask, and what is told at the end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from stateflow.testing.plugin.case import NOT_WRITTEN, WRITTEN, Case
from stateflow.testing.plugin.settings import Record, Settings

__all__ = ["Session"]

_CLAIMS = "stateflow_claims"
"""Under this name xdist's workers are told the folder of their session."""


class Session:
    """Watches over every test."""

    def __init__(self, config: pytest.Config) -> None:
        """Stand ready; a worker of xdist has its folder from whom it works for."""
        told: dict[str, Any] = getattr(config, "workerinput", {})
        claims = told.get(_CLAIMS)
        record = cast("Record", config.getoption("--stateflow-record"))
        self._settings = Settings(
            config.rootpath,
            record,
            bool(config.getoption("--stateflow-update")),
            None if claims is None else Path(claims),
        )
        self._cases: list[Case] = []
        self._folder: str | None = None
        self._written: list[str] = []

    @property
    def case(self) -> Case:
        """The test under way."""
        return self._cases[-1]

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Stand at the gate while modules of tests are imported."""
        with _standing(_while_collecting):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Stand at the gate while *item* is under way, its fixtures included."""
        case = Case(item, self._settings)
        self._cases.append(case)
        try:
            with _standing(case.gate):
                return (yield)
        finally:
            self._cases.remove(case)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Put in the cassettes of *item* before its fixtures start any run."""
        self.case.begin(item.get_closest_marker("cassette"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Hold the test to what it was refused, and to what it left unused."""
        case = self.case
        try:
            result = yield
        except (KeyboardInterrupt, SystemExit, pytest.exit.Exception):
            raise
        except BaseException as error:
            if case.refused is not None and case.refused is not error:
                raise case.refused from None  # what failed since follows from that
            raise
        if case.refused is not None:
            raise case.refused
        case.hold()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Hear whether the test has passed, which no exception tells of a ``TestCase``."""
        report = yield
        if call.when == "call":
            self.case.passed = report.passed
        return report

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        """Take the cassettes out once all fixtures are gone; then write what was recorded."""
        case = self.case
        try:
            result = yield
        finally:
            case.take_out()
        case.write()
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear which cassettes were written, here or in a worker."""
        if report.when == "teardown":
            told = [str(text) for name, text in report.user_properties if name == WRITTEN]
            self._written += told

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell which cassettes were written."""
        if self._written:
            terminalreporter.section("cassettes", "-")
            for line in sorted(self._written):
                terminalreporter.line(line)
            if not all(line.startswith(NOT_WRITTEN) for line in self._written):
                terminalreporter.line("look at them, and commit them with files/ beside them")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist's
        """Give a worker the folder in which it tells the others what it writes."""
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="stateflow-")
        node.workerinput[_CLAIMS] = self._folder

    def pytest_unconfigure(self) -> None:
        """Remove that folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def _standing(gate: Callable[[str], None]) -> Generator[None]:
    """Put *gate* before all models."""
    from stateflow.models.gate import GATES

    GATES.append(gate)
    try:
        yield
    finally:
        GATES.remove(gate)


def _while_collecting(model: str) -> None:
    sentence = f"the model {model!r} would be asked while tests are collected: ask it in a test"
    raise pytest.fail.Exception(sentence, pytrace=False)
