"""Podman's service in the place of Docker's engine: the same limits, and nothing left either."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from stateflow.conversation.file import File
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.docker import DockerSandbox
from tests.support.boxes import Box, made, opened, small
from tests.support.engine import IMAGE
from tests.support.image import python_image
from tests.support.podman import Podman, need_podman

LOOK = (Path(__file__).parents[1] / "support" / "looking.py").read_text("utf-8")
NO_CAPABILITY = "0" * 16
CLOSED = {
    "uid": 65534,
    "gid": 65534,
    "CapInh": NO_CAPABILITY,
    "CapPrm": NO_CAPABILITY,
    "CapEff": NO_CAPABILITY,
    "CapBnd": NO_CAPABILITY,
    "CapAmb": NO_CAPABILITY,
    "NoNewPrivs": "1",
    "Seccomp": "2",
    "folder": "/workspace",
    "hostname": "sandbox",
    "core dumps": 0,
    "interfaces": ["lo"],
    "ipv4": "ENETUNREACH",
    "root": "ro",
    "write /etc": "EROFS",
    "write /workspace": "1 written",
    "/secret": "EACCES",
    "rootcat": "failed",
    "sockets": [],
    "disks": [],
    "mount": "EPERM",
    "mknod": "EPERM",
    "setuid": "EPERM",
    "kill init": "EPERM",
}
"""What a program that tries everything finds, by what it tried.

Podman's own seccomp profile lets it make user namespaces, which Docker's does not.
"""


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    need_podman()
    engine = Podman.begin(tmp_path_factory.mktemp("podman"), [python_image(IMAGE)])
    assert isinstance(engine, Podman)
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture
async def box(podman: Podman, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Box]:
    monkeypatch.setenv("DOCKER_HOST", podman.address)
    async with opened(podman, small(podman.image, time_limit_s=2.0)) as box:
        yield box
    assert podman.leftovers() == []


async def test_files_go_in_and_come_out(box: Box) -> None:
    await box.session.put([File.from_bytes(b"given", name="in/a.txt")])

    first = await box.python("open('out.txt', 'w').write(open('in/a.txt').read() + ', taken')")
    second = await box.sh("cat out.txt")

    assert (first.exit_code, made(first)) == (0, {"out.txt": b"given, taken"})
    assert (second.stdout, made(second)) == ("given, taken", {})


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        pytest.param("import time; time.sleep(50)", "TimedOut", id="time"),
        pytest.param("x = bytearray(1 << 30)", "OutOfMemory", id="memory"),
        pytest.param("import os\nwhile True: os.fork()", "", id="processes"),
    ],
)
async def test_a_limit_that_is_met_ends_the_block_and_not_the_session(
    box: Box, code: str, fault: str
) -> None:
    execution = await box.python(code)

    assert not execution.ok
    assert execution.fault == fault


async def test_files_of_a_block_that_had_to_be_ended_come_out_too(box: Box) -> None:
    execution = await box.sh("echo a > kept; sleep 50")

    assert execution.fault == "TimedOut"
    assert made(execution) == {"kept": b"a\n"}


async def test_the_work_folder_is_bounded(box: Box) -> None:
    execution = await box.python(
        "one = open('filler', 'wb', buffering=0)\nwhile True: one.write(bytes(1 << 20))"
    )

    assert "No space left on device" in execution.stderr
    assert "'filler'" in execution.detail


async def test_what_a_block_leaves_running_ends_with_it(box: Box, podman: Podman) -> None:
    execution = await box.sh("sleep 60 & echo done")

    (container,) = podman.containers()
    assert execution.stdout == "done\n"
    assert "sleep 2147483647" in podman.processes(container)
    assert "sleep 60" not in podman.processes(container)


async def test_code_finds_no_way_out(podman: Podman, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", podman.address)
    async with opened(podman, DockerSandbox(podman.image)) as box:
        execution = await box.session.run(Block(LOOK, "python"))

    assert execution.ok, execution
    found: dict[str, Any] = json.loads(execution.stdout)
    assert {what: found[what] for what in CLOSED} == CLOSED
