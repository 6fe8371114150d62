"""The processes that run tests against mutants."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from stateflow.testing.mutate import crew

DEAF = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(int(sys.argv[1].rpartition(",")[2]), f"{os.getpid()}\\n".encode())
time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="servers fork; this system has no fork")
def test_a_server_that_does_not_end_when_it_is_asked_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(crew, "_END_S", 0.1)
    server = crew._Server([sys.executable, "-c", DEAF], tmp_path / "look")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    pid = int(server._told.readline())  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    server.end()
    server.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
