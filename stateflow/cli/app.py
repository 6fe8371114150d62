"""The commands.  What is heavy (SQLite, networkx, Graphviz) is imported by those that use it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from cyclopts import App, Parameter

from stateflow.cli.draw import check, render
from stateflow.cli.mcp import mcp
from stateflow.cli.replay import replay
from stateflow.cli.run import fork, resume, run
from stateflow.cli.sandbox import sandbox
from stateflow.cli.show import ls, show
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

for _command in (run, resume, stop, fork, show, replay, ls, render, mcp):
    app.command(_command)
app.command(check, alias="lint")
app.command(sandbox)
