"""Flow coverage of a test session: counted in every process, told once at the end.

Under xdist each worker counts its own runs and hands the numbers over as it goes down; the flows
to cover are imported by the controller alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from stateflow.machine.flow import Flow
    from stateflow.testing.coverage.coverage import Coverage
    from stateflow.testing.coverage.report import Report
    from stateflow.testing.reasons import Exemptions

__all__ = ["Covering", "add_options", "covering"]

_TERM: Final = ("term", "term-missing")
_FORMS: Final = "term, term-missing, json:PATH or svg:FOLDER"
_KEY: Final = "stateflow_coverage"
_WHOLE: Final = 100.0


def add_options(group: pytest.OptionGroup) -> None:
    """Declare the options of flow coverage."""
    group.addoption(
        "--stateflow-cov",
        action="append",
        nargs="?",
        const="",
        metavar="FLOWS",
        help="Tell which transitions of FLOWS the tests take: a file, a folder or pkg.mod:attr; "
        "without a value, of every flow that runs.  Repeatable.",
    )
    group.addoption(
        "--stateflow-cov-report",
        action="append",
        type=_form,
        metavar="FORM",
        help=f"{_FORMS}; else term-missing.  Repeatable.",
    )
    group.addoption(
        "--stateflow-cov-fail-under",
        type=_percent,
        metavar="PERCENT",
        help="Fail if less than so many of the transitions are taken [%%].",
    )


def covering(config: pytest.Config) -> Covering | None:
    """Return what gathers flow coverage in this process; ``None``: nobody asked for it.

    Raises:
        pytest.UsageError: what was asked for cannot be had.
    """
    asked: list[str] | None = config.getoption("stateflow_cov")
    if asked is None:
        for option in ("stateflow_cov_report", "stateflow_cov_fail_under"):
            if config.getoption(option) is not None:
                name = option.replace("_", "-")
                raise pytest.UsageError(
                    f"--{name} tells of nothing without --stateflow-cov=FLOWS; add that"
                )
        return None
    if config.getoption("collectonly", default=False):
        return None
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is not None:
        return Covering(config, [], _received(given[_KEY]), {})
    return _controlling(config, list(filter(None, asked)))


def _controlling(config: pytest.Config, references: list[str]) -> Covering:
    """Return what gathers and tells, once all that was asked for is found to be there."""
    from stateflow.errors import StateflowError
    from stateflow.testing.coverage.coverage import nothing_seen
    from stateflow.testing.coverage.wanted import wanted
    from stateflow.testing.reasons import exemptions

    drawn = any(form.startswith("svg:") for form in _forms(config))
    if drawn and not references:
        raise pytest.UsageError(
            "--stateflow-cov-report=svg:FOLDER draws flows that are named; "
            "write --stateflow-cov=FLOWS"
        )
    try:
        flows = wanted(references)
        exempt = exemptions(config.rootpath / "pyproject.toml")
    except StateflowError as error:
        raise pytest.UsageError(f"--stateflow-cov: {error}") from error
    return Covering(config, flows, nothing_seen(flows) if references else None, exempt)


class Covering:
    """The hooks of flow coverage, in one process of a session."""

    def __init__(
        self,
        config: pytest.Config,
        flows: list[Flow],
        wanted: Coverage | None,
        exempt: Exemptions,
    ) -> None:
        """Begin to count.

        Args:
            config: of the session.
            flows: that are to be covered.
            wanted: the same with nothing seen; ``None``: every flow that runs.
            exempt: reasons by flow and transition.
        """
        from stateflow.engine.observing import OBSERVERS
        from stateflow.testing.coverage.watch import Watcher

        self._config = config
        self._flows = flows
        self._wanted = wanted
        self._exempt = exempt
        self._watcher = Watcher(wanted)
        self._received: list[Coverage] = []
        self._lines: list[str] = []
        self._wrong: list[str] = []
        OBSERVERS.append(self._watcher)
        config.add_cleanup(lambda: OBSERVERS.remove(self._watcher))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist has no types
        """Tell a worker of xdist what is wanted."""
        node.workerinput[_KEY] = _sent(self._wanted)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ANN401 - xdist has no types
        """Take what a worker of xdist has seen."""
        del error
        received = _received(getattr(node, "workeroutput", {}).get(_KEY))
        if received is None:
            self._wrong.append("a worker crashed: what ran there is not in the flow coverage")
        else:
            self._received.append(received)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what was seen, or report all of it and fail what is short."""
        seen = self._watcher.coverage
        output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_KEY] = _sent(seen)
            return
        from stateflow.testing.coverage.report import report

        for received in self._received:
            seen += received
        told = report(seen, self._exempt)
        self._lines = list(self._told(told, seen))
        least: float | None = self._config.getoption("stateflow_cov_fail_under")
        short = told.short_of(least) if least is not None else ""
        if short:
            self._wrong.append(short)
        if self._wrong and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell the report."""
        if hasattr(self._config, "workeroutput"):
            return
        terminalreporter.write_sep("=", "flow coverage")
        for line in self._lines:
            terminalreporter.write_line(line)
        for sentence in self._wrong:
            terminalreporter.write_line(f"FAILED: {sentence}", red=True, bold=True)

    def _told(self, told: Report, seen: Coverage) -> Iterator[str]:
        """Yield what the terminal shows, and write what goes to files."""
        from stateflow.testing.coverage.told import missing, table

        root = self._config.rootpath
        forms = _forms(self._config)
        if not told.flows:
            yield "no flow ran"
        elif set(_TERM) & set(forms):
            yield from table(told, root)
            yield from missing(told, root) if "term-missing" in forms else ()
        here = self._config.invocation_params.dir
        for form in forms:
            kind, _, path = form.partition(":")
            try:
                yield from self._written(kind, here / path, told, seen)
            except OSError as error:
                self._wrong.append(f"{path!r} cannot be written ({error.strerror})")

    def _written(self, kind: str, path: Path, told: Report, seen: Coverage) -> Iterator[str]:
        if kind == "json":
            from stateflow.testing.coverage.told import figures

            shown = json.dumps(figures(told, self._config.rootpath), ensure_ascii=False, indent=2)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{shown}\n", "utf-8")
            yield f"wrote {path}"
        elif kind == "svg":
            from stateflow.testing.coverage.heat import write_heat

            made = list(write_heat(self._flows, seen, path))
            self._wrong += [str(one) for one in made if not isinstance(one, Path)]
            count = sum(isinstance(one, Path) for one in made)
            yield f"wrote {count} drawing{'' if count == 1 else 's'} to {path}"


def _forms(config: pytest.Config) -> list[str]:
    return config.getoption("stateflow_cov_report") or ["term-missing"]


def _form(text: str) -> str:
    """Return *text* if it names a form of report."""
    kind, colon, path = text.partition(":")
    if text in _TERM or (kind in {"json", "svg"} and colon and path):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is no form of report; write {_FORMS}")


def _percent(text: str) -> float:
    """Return *text* as a percentage."""
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0.0 <= percent <= _WHOLE:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage; write one from 0 to 100")
    return percent


def _sent(coverage: Coverage | None) -> str | None:
    return None if coverage is None else json.dumps(coverage.to_json())


def _received(text: str | None) -> Coverage | None:
    from stateflow.testing.coverage.coverage import Coverage

    return None if text is None else Coverage.from_json(json.loads(text))
