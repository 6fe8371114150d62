"""A small project of somebody who tests a flow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.testing.plugin.project import FLOW, INI, MODEL, Project


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """Return a project with a flow, whose tests have no cassette yet."""
    pytester.makeini(INI)
    pytester.makepyfile(talk=FLOW, ready=MODEL)
    pytester.syspathinsert()
    return Project(pytester)


@pytest.fixture
def recorded(project: Project) -> Callable[..., Path]:
    """Return what records the cassette of a test that replays it."""
    return project.recorded
