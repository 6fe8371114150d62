from __future__ import annotations

import logging

import pytest

from stateflow.log import debug


def test_the_log_is_silent_unless_asked(caplog: pytest.LogCaptureFixture) -> None:
    debug("run.started", run="a")
    assert not caplog.records


def test_what_is_logged_is_an_event_with_keys(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="stateflow"):
        debug("run.started", run="a")
    assert caplog.messages == ["event='run.started' run='a'"]
