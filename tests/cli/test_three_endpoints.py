"""One flow file on three endpoints, as a person at a terminal runs it; then with none of them.

The embedded model's own server speaks both vendors' APIs; it runs in a process that the test ends
before it replays.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.made import HEAD, command, environment
from tests.support.embedded import need_embedded

SERVER = """
import sys
from stateflow.models.llama import _address
print(_address("smollm2"), flush=True)
sys.stdin.read()
"""
TOOLS = (
    HEAD
    + """
from typing import Annotated, Literal
from pydantic import Field

@tool
def look_up(city: Annotated[str, Field(max_length=20)]) -> ToolReply:
    '''Look up the weather of a city.'''
    return ToolReply(f"It rains in {city}.", handoff="tell")

small = Model("llama:smollm2", Settings(temperature=0.0, seed=1, max_tokens=60))
asks = Assistant("asks", small, tools=[look_up], tool_choice="required")
tells = Assistant("tells", small, "Tell the weather in one sentence.")
flow = Flow(
    "weather",
    State("ask", asks, to("tell", when=handed_to("tell"))),
    State("tell", tells, to(None), sees=last(1)),
)
task = "What is the weather in Paris?"
"""
)
VERDICT = (
    HEAD
    + """
from typing import Literal
from pydantic import BaseModel

class Verdict(BaseModel):
    blue: Literal["yes", "no"]

small = Model("llama:smollm2", Settings(temperature=0.0, seed=1, max_tokens=60))
flow = Flow("verdict", State("judge", Assistant("judge", small, reply=Verdict), to(None)))
task = "Is the sky blue?"
"""
)


@contextmanager
def server() -> Generator[str]:
    """Run the model's server as a process of its own, and yield its host and port."""
    words = [sys.executable, "-c", SERVER]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(Path())
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().removeprefix("http://")
        finally:
            process.kill()


def at_a_terminal(folder: Path, *words: str) -> tuple[int, str]:
    """Run a command whose output is a terminal; return its exit code and all it wrote there."""
    master, slave = pty.openpty()
    env = {**environment(folder), "TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        command(*words), cwd=folder, env=env, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    written = b""
    try:
        while piece := _read(master):
            written += piece
    finally:
        os.close(master)
    return process.wait(), written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux says that nobody writes any more
        return b""


def told(folder: Path, *words: str) -> str:
    """Return what a command says."""
    done = subprocess.run(
        command(*words),
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def endpoints(place: str) -> dict[str, bool]:
    """Return the names of the three, and whether it is known what each costs."""
    return {
        "llama:smollm2": True,  # nothing
        f"openai+http://{place}/v1#smollm2": False,
        f"anthropic+http://{place}#smollm2": False,
    }


def run_of(screen: str) -> str:
    """Return the run that a terminal showed."""
    found = re.search(r"stateflow replay (\w+)", screen)
    assert found is not None
    return found[1]


def test_a_flow_with_a_tool_streams_on_three_endpoints_and_replays_on_none(folder: Path) -> None:
    """The same file, the same path, the tokens as each counts them."""
    need_embedded()
    (folder / "weather.py").write_text(TOOLS, "utf-8")
    runs: list[str] = []
    with server() as place:
        for name, known in endpoints(place).items():
            code, screen = at_a_terminal(folder, "run", "weather.py", "--model", name)
            assert code == 0, screen
            runs.append(run_of(screen))
            *_, streamed, figures = re.split(r"\x1b\[\dA", screen)  # up, to where the turn began
            (spoke,) = re.findall(r"tells · smollm2\S*\r\n +(\w+)", streamed)
            assert f" {spoke}" in told(folder, "show", "last", "--messages")
            assert re.search(r"\d tok", figures)
            shown = told(folder, "show", "last")
            assert re.search(r"spent +2 turns · \d+ tok", shown)
            assert ("cost unknown" in shown) is not known
            assert "look_up" in screen

    replayed = told(folder, "replay", *runs).splitlines()

    assert len(replayed) == 3, replayed
    assert all("canonical journal identical" in line for line in replayed), replayed


def test_a_structured_reply_follows_its_schema_on_two_endpoints(folder: Path) -> None:
    """The server heeds no schema in Anthropic's API; the vendor's own does."""
    need_embedded()
    (folder / "verdict.py").write_text(VERDICT, "utf-8")
    with server() as place:
        for name in list(endpoints(place))[:2]:
            code, screen = at_a_terminal(folder, "run", "verdict.py", "--model", name)
            assert code == 0, screen
            assert re.search(r'"blue"\s*:\s*"(yes|no)"', screen)

    assert "canonical journal identical" in told(folder, "replay", "last")
