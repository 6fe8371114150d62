"""Whole runs whose code runs in containers of a real engine, and what is left of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flows import code_loop as loop
from stateflow import (
    CodeRunner,
    DockerSandbox,
    Flow,
    FunctionAgent,
    Result,
    State,
    View,
    canonical,
    raised,
    replay,
    resume,
    run,
    run_sync,
    succeeded,
    to,
)
from stateflow.cli import call
from stateflow.stores.memory import MemoryStore
from tests.support.engine import Engine
from tests.support.image import shell_image

MODELS = [word for who, name in loop.stand_in.items() for word in ("--model", f"{who}={name}")]


def repeated(flow: Flow, result: Result, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Tell whether *result* can be repeated where no engine is."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert result.journal is not None
    again = replay(flow, result.journal)
    assert again.journal is not None
    return canonical(again.journal) == canonical(result.journal)


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "a-container-each"])
async def test_the_loop_runs_in_a_container_and_replays_without_one(
    engine: Engine, keep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = DockerSandbox(engine.image, keep=keep, time_limit_s=20)

    result = await run(loop.flow, loop.task, models=loop.stand_in, sandboxes={"runner": box})

    runs = [message for message in result.messages if message.executions]
    assert result.path == ("write", "examine", "run", "fix", "examine", "run")
    assert [one.executions[0].exit_code for one in runs] == [1, 0]
    assert "AssertionError: it counts wrong" in runs[0].executions[0].stderr
    assert "sha256:" in canonical_of(result)
    assert engine.leftovers() == []


def canonical_of(result: Result) -> str:
    assert result.journal is not None
    return canonical(result.journal)


def test_one_flag_runs_the_loop_in_a_container(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATEFLOW_STORE", str(tmp_path / "runs.db"))
    flow = str(loop.__file__)

    assert call(("run", flow, *MODELS, "--sandbox", f"docker:{engine.image}")) == 0
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert call(("replay", "last")) == 0


def told(engine: Engine, trouble: Callable[[], None]) -> Flow:
    """Return a flow that runs two blocks, with *trouble* for the engine before the second."""

    def write(view: View) -> str:
        if view.visits["write"] == 1:
            return "```sh\necho 7 > number.txt; exit 1\n```"
        trouble()
        return "```sh\ncat number.txt\n```"

    box = DockerSandbox(engine.image, time_limit_s=20)
    runner = CodeRunner("runner", sandbox=box)
    return Flow(
        "told",
        State("write", FunctionAgent("coder", write), to("run")),
        State("run", runner, to(None, when=succeeded), to("write")),
    )


async def test_an_engine_that_dies_stops_the_run_which_goes_on_when_it_is_back(
    mortal: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first block is run again in a new container, and comes out as it is recorded."""
    store = MemoryStore()
    flow = told(mortal, mortal.stop)

    stopped = await run(flow, "go", store=store)
    mortal.start([shell_image(mortal.image)])
    result = await resume(flow, stopped.run, store=store)

    assert stopped.stop.kind == "failed"
    assert stopped.stop.fault is not None
    assert stopped.stop.fault.name == "SandboxUnavailable"
    assert result.stop.kind == "done", result.stop
    assert result.messages[-1].executions[0].stdout == "7\n"
    assert mortal.leftovers() == []
    assert repeated(flow, result, monkeypatch)


async def test_a_container_that_somebody_removes_is_a_fault_that_a_flow_can_take(
    engine: Engine,
) -> None:
    def remove() -> None:
        for container in engine.containers():
            engine.ask("DELETE", f"/containers/{container}?force=1&v=1")

    inner = told(engine, remove)
    flow = Flow(
        "taken",
        *[place for place in inner.states if place.name == "write"],
        State(
            "run",
            CodeRunner("runner", sandbox=DockerSandbox(engine.image, time_limit_s=20)),
            to("run", when=raised("SandboxUnavailable")),
            to(None, when=succeeded),
            to("write"),
        ),
    )

    result = await run(flow, "go")

    assert result.path == ("write", "run", "write", "run", "run"), result.messages
    assert result.messages[-1].executions[0].stdout == "7\n"


def test_a_failing_state_limit_leaves_no_container(engine: Engine) -> None:
    agent = FunctionAgent("coder", lambda view: "```sh\nsleep 60\n```")
    runner = CodeRunner("runner", sandbox=DockerSandbox(engine.image))
    flow = Flow(
        "late",
        State("write", agent, to("run")),
        State("run", runner, to(None), timeout_s=2),
    )

    result = run_sync(flow, "go")

    assert result.stop.fault is not None
    assert result.stop.fault.name == "TimedOut"
    assert engine.leftovers() == []
