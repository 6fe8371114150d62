"""The pytest plugin, loaded by the ``pytest11`` entry point.

It is loaded in every session of everybody who has stateflow installed: nothing heavy is imported
before a test needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from stateflow.testing.plugin.covering import add_options, covering

if TYPE_CHECKING:
    from stateflow.testing.plugin.replaying import Replay
    from stateflow.testing.plugin.session import Session

__all__ = ["pytest_addoption", "pytest_configure", "replay"]

_MARKERS = (
    "cassette(name, ..., match='strict'): each run that the test starts is answered from one",
    "live_models: the test may ask models that cost money, leave the process or start a server",
)
_SESSION = "stateflow-session"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("stateflow", "stateflow: recorded runs, and what they cover")
    group.addoption(
        "--stateflow-record",
        choices=("none", "once", "new", "all"),
        default="none",
        help="ask models to write cassettes: never (the default), where one is missing, also from "
        "where a run leaves its cassette, or always",
    )
    group.addoption(
        "--stateflow-update",
        action="store_true",
        help="rewrite cassettes to what their runs come to now, with no model asked",
    )
    add_options(group)


def pytest_configure(config: pytest.Config) -> None:
    """Set up what the options ask for."""
    from stateflow.testing.plugin.session import Session

    for line in _MARKERS:
        config.addinivalue_line("markers", line)
    config.pluginmanager.register(Session(config), _SESSION)
    gathering = covering(config)
    if gathering is not None:
        config.pluginmanager.register(gathering, "stateflow-coverage")


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Replay:
    """Repeat a recorded run: ``replay("x.yaml")`` returns what it comes to now."""
    from stateflow.testing.plugin.replaying import Replay

    session = cast("Session", request.config.pluginmanager.get_plugin(_SESSION))
    return Replay(session.case)
