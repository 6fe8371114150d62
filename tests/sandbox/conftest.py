"""A real engine for the Docker tests, one for each worker, gone with it; folders for local ones."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stateflow.sandbox.docker import DockerSandbox
from tests.support.boxes import Box, small
from tests.support.engine import IMAGE, Engine, need_engine, outside_engine
from tests.support.image import python_image, shell_image


@pytest.fixture(scope="session")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return an engine that has an image with Python; no test may stop it."""
    if outside := outside_engine():
        yield outside
        return
    need_engine()
    engine = Engine.begin(tmp_path_factory.mktemp("engine"), [python_image(IMAGE)])
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def engine(shared_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Return the engine that sandboxes find now; the test must leave nothing there."""
    monkeypatch.setenv("DOCKER_HOST", shared_engine.address)
    before = shared_engine.leftovers()
    yield shared_engine
    assert set(shared_engine.leftovers()) <= set(before)


@pytest.fixture(scope="module")
def shared_box(shared_engine: Engine) -> Iterator[Box]:
    """Return a box that all tests of a module may use, whatever those before did in it.

    A session belongs to no event loop, so each test may have its own.
    """
    with kept(shared_engine, small(shared_engine.image)) as box:
        yield box


@pytest.fixture(scope="module")
def hasty_box(shared_engine: Engine) -> Iterator[Box]:
    """Return another one, whose blocks may take less than a second."""
    with kept(shared_engine, small(shared_engine.image, time_limit_s=0.7)) as box:
        yield box


@contextmanager
def kept(engine: Engine, sandbox: DockerSandbox) -> Generator[Box]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", engine.address)
        session = asyncio.run(sandbox.open())
        try:
            yield Box(engine, session)
        finally:
            asyncio.run(session.aclose())


@pytest.fixture
def mortal(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """Return an engine of the test's own, to be killed, that has an image with a shell."""
    need_engine()
    engine = Engine.begin(tmp_path_factory.mktemp("mortal"), [shell_image(IMAGE)])
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where local sandboxes make their folders."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path
