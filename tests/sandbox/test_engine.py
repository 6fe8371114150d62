"""The engine for tests itself: it leaves nothing behind on anybody's machine."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.engine import Engine, need_engine
from tests.support.image import shell_image

PROGRAM = """
import sys, time
from pathlib import Path
from tests.support.engine import Engine
engine = Engine.begin(Path(sys.argv[1]), [])
print(engine.process.pid, flush=True)
time.sleep(60)
"""
ROOT = Path(__file__).parents[2]


def test_an_engine_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    need_engine()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, tmp_path], stdout=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout
        engine = Path("/proc", process.stdout.readline().decode().strip())
        assert engine.exists()

        process.kill()

    soon(lambda: not engine.exists())
    with pytest.raises(OSError, match="refused"):
        Engine(f"unix://{tmp_path}/docker.sock", "").ask("GET", "/_ping")


def test_an_engine_that_is_stopped_takes_its_containers_along(tmp_path: Path) -> None:
    need_engine()
    engine = Engine.begin(tmp_path, [shell_image("shell:1")])
    try:
        asked = {"Image": "shell:1", "Cmd": ["sleep", "1234567"]}
        container = engine.ask("POST", "/containers/create", asked)["Id"]
        engine.ask("POST", f"/containers/{container}/start")
        soon(lambda: sleepers() == 1)
    finally:
        engine.stop()

    assert sleepers() == 0
    assert list((tmp_path / "data").iterdir()) == []


def soon(happened: Callable[[], bool]) -> None:
    """Wait until it *happened*."""
    end = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def sleepers() -> int:
    found = 0
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            found += b"1234567" in (one / "cmdline").read_bytes()
    return found
