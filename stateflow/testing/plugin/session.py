"""The hooks of a test session: what each test may ask, and what is told at the end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest

from stateflow.testing.plugin.case import WRITTEN, Case
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
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Stand at the gate while *item* is under way, its fixtures included."""
        from stateflow.models.gate import GATES

        case = Case(item, self._settings)
        gate = case.gate
        self._cases.append(case)
        GATES.append(gate)
        try:
            return (yield)
        finally:
            GATES.remove(gate)
            self._cases.remove(case)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Put in the cassettes of *item* before its fixtures start any run."""
        mark = item.get_closest_marker("cassette")
        if mark is not None:
            self.case.put_in(mark)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Hold the test to what it left unused; then write what it recorded."""
        case = self.case
        try:
            result = yield
        except Exception as error:
            if case.refused is not None:  # what failed since follows from that
                raise case.refused from error
            raise
        if case.refused is not None:
            raise case.refused
        case.settle()
        return result

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        """Take the cassettes out again once all fixtures are gone."""
        try:
            return (yield)
        finally:
            self.case.take_out()

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
