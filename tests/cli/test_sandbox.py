"""``stateflow sandbox prune``, at an engine of its own: what it removes, and what it lets be."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stateflow.cli.sandbox import sandbox
from stateflow.cli.trouble import guarded
from stateflow.sandbox.docker import DockerSandbox
from stateflow.sandbox.docker_container import INTERNAL
from stateflow.sandbox.docker_engine import Engine as Fence
from tests.cli.made import Came
from tests.support.engine import IMAGE, Engine, need_engine
from tests.support.image import shell_image

CRASHES = f"""
import asyncio, os
from stateflow.sandbox.docker import DockerSandbox

async def crash():
    await DockerSandbox({IMAGE!r}).open()
    os._exit(1)

asyncio.run(crash())
"""
LINE = r"removed container stateflow-[0-9a-f]{12}, made by process \d+ of .+\n"
Prune = Callable[..., Came]


@pytest.fixture(scope="module")
def pruned_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    need_engine()
    engine = Engine.begin(tmp_path_factory.mktemp("pruned"), [shell_image(IMAGE)])
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def engine(pruned_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("DOCKER_HOST", pruned_engine.address)
    return pruned_engine


@pytest.fixture
def prune(capsys: pytest.CaptureFixture[str]) -> Prune:
    def run(*words: str) -> Came:
        code = guarded(sandbox, ["prune", *words])
        out, err = capsys.readouterr()
        return Came(code, out, err)

    return run


def crash() -> None:
    subprocess.run([sys.executable, "-c", CRASHES], check=False)


def test_where_nothing_is_left_nothing_is_removed(engine: Engine, prune: Prune) -> None:
    assert prune() == Came(0, "nothing to remove\n", "")


def test_what_a_crashed_process_left_is_removed(engine: Engine, prune: Prune) -> None:
    crash()
    assert len(engine.containers()) == 1

    came = prune()

    assert came.code == 0
    assert re.fullmatch(LINE, came.out)
    assert engine.leftovers() == []


async def test_what_a_living_process_uses_is_let_be_unless_all_is_asked_for(
    engine: Engine, prune: Prune
) -> None:
    session = await DockerSandbox(IMAGE, network="internal").open()
    try:
        first = prune()
        second = prune("--all")
    finally:
        await session.aclose()

    assert first.out == "nothing to remove\n"
    assert [line.split()[1] for line in second.out.splitlines()] == ["container", "network"]
    assert second.out.endswith(f"removed network {INTERNAL}\n")
    assert engine.leftovers() == []


def test_images_with_packages_are_kept_until_they_are_named(engine: Engine, prune: Prune) -> None:
    tag = "stateflow/derived:test"
    fence = Fence()
    try:
        list(fence.build(io.BytesIO(f"FROM {IMAGE}".encode()), tag, {"stateflow": "derived"}))
    finally:
        fence.close()

    first, second = prune(), prune("--images")

    assert (first.out, second.out) == ("nothing to remove\n", f"removed image {tag}\n")


def test_an_engine_that_is_not_there_is_one_sentence(
    prune: Prune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")

    came = prune()

    assert (came.code, came.out) == (1, "")
    assert came.err.count("\n") == 1
    assert "systemctl start docker" in came.err


def test_a_missing_sdk_is_one_sentence(prune: Prune, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stateflow.sandbox.docker_engine", None)

    came = prune()

    assert (came.code, came.out) == (1, "")
    assert "pip install 'stateflow-agents[docker]'" in came.err
