"""The commands.  What is heavy (SQLite, networkx, Graphviz) is imported by those that use it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from cyclopts import App, Parameter

from stateflow.cli.bound import bound
from stateflow.cli.check import check
from stateflow.cli.coverage import coverage
from stateflow.cli.diff import diff
from stateflow.cli.draw import render
from stateflow.cli.explore import explore
from stateflow.cli.export import export
from stateflow.cli.mcp import mcp
from stateflow.cli.mutate import mutate
from stateflow.cli.record import record
from stateflow.cli.replay import replay
from stateflow.cli.rules import rules
from stateflow.cli.run import fork, resume, run
from stateflow.cli.sandbox import sandbox
from stateflow.cli.show import ls, show
from stateflow.cli.step import step
from stateflow.cli.stop import stop

__all__ = ["app"]


def _version() -> str:
    try:
        return version("stateflow-agents")
    except PackageNotFoundError:  # run from its sources
        return "unknown: not installed"


app = App(
    name="stateflow",
    help="Conversations between agents as explicit, reviewable, replayable state machines.",
    help_epilogue=(
        "RUN is an id, its beginning or end, or last.  --debug shows the traceback of trouble.  "
        "Runs are kept in --store, else STATEFLOW_STORE, else the user's data folder."
    ),
    version=_version,
    default_parameter=Parameter(negative=(), show_default=False),
    suppress_keyboard_interrupt=False,
)

app.command(check, alias="lint")
_driving = (run, record, resume, stop, fork, show, step, replay, ls)
_reviewing = (bound, rules, render, diff, export, mutate, coverage, explore)
for _command in (*_driving, *_reviewing, mcp, sandbox):
    app.command(_command)
