"""The plugin beside others: event loops, workers, random order, threads."""

from __future__ import annotations

import pytest

from tests.testing.plugin.project import Project

MODELS = 'models={"writer": Ready("Tea!", "Better tea!")}'
HEAD = """
import asyncio
import pytest
from ready import Ready
from stateflow import run, run_sync
from talk import flow
"""
ASYNCIO = f"""{HEAD}
@pytest.mark.asyncio
@pytest.mark.cassette("x.yaml")
async def test_awaits():
    assert (await run(flow, "Sell tea.", {MODELS})).stop.kind == "done"

@pytest.mark.asyncio
@pytest.mark.cassette("y.yaml")
async def test_blocks_in_a_running_loop():
    assert run_sync(flow, "Sell tea.", {MODELS}).stop.kind == "done"

@pytest.mark.asyncio
async def test_replays_in_a_running_loop(replay):
    assert replay("z.yaml", flow, task="Sell tea.", {MODELS}).stop.kind == "done"
"""
ANYIO = f"""{HEAD}
@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
@pytest.mark.cassette("x.yaml")
async def test_awaits():
    assert (await run(flow, "Sell tea.", {MODELS})).stop.kind == "done"

@pytest.mark.anyio
async def test_replays(replay):
    assert replay("z.yaml", flow, task="Sell tea.", {MODELS}).stop.kind == "done"
"""
REFUSED = f"""{HEAD}
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_anyio(anyio_backend):
    await run(flow, "Sell tea.", {MODELS})

@pytest.mark.asyncio
async def test_asyncio():
    await run(flow, "Sell tea.", {MODELS})

def test_in_a_thread():
    async def main():
        run_sync(flow, "Sell tea.", {MODELS})
    asyncio.run(main())
"""

GROUPS = "".join(
    f"""
@pytest.mark.xdist_group("{group}")
@pytest.mark.cassette("{cassette}.yaml")
def {name}():
    run_sync(flow, "Sell tea.", {MODELS})
"""
    for group, name, cassette in [
        ("one", "test_a", "x"),
        ("one", "test_more", "y"),
        ("two", "test_b", "x"),
        ("two", "test_rest", "z"),
    ]
)
"""Two workers have two tests each, and one of each writes the same cassette."""
CASES = f"""{HEAD}
import unittest

class Cases(unittest.TestCase):
    @pytest.mark.cassette("x.yaml")
    def test_fails(self):
        run_sync(flow, "Sell tea.", {MODELS})
        self.fail("mine")

    @pytest.mark.cassette("y.yaml")
    def test_passes(self):
        run_sync(flow, "Sell tea.", {MODELS})
"""
TOGETHER = f"""{HEAD}
@pytest.mark.asyncio
async def test_it():
    async with asyncio.TaskGroup() as group:
        group.create_task(run(flow, "Sell tea.", {MODELS}))
"""


@pytest.mark.parametrize(
    ("test", "count"),
    [(ASYNCIO, 3), (ASYNCIO.replace("@pytest.mark.asyncio\n", ""), 3), (ANYIO, 2)],
)
def test_whatever_loop_a_test_runs_in(project: Project, test: str, count: int) -> None:
    mode = "strict" if "mark.asyncio" in test or "anyio" in test else "auto"
    project.write(test_it=test)
    project.passes("--stateflow-record=once", f"--asyncio-mode={mode}")
    project.change(MODELS, 'models={"writer": Ready()}', "test_it.py")

    result = project.run(f"--asyncio-mode={mode}")

    result.assert_outcomes(passed=count)


def test_the_gate_holds_in_any_loop(project: Project) -> None:
    project.write(test_it=REFUSED)

    result = project.run()

    result.assert_outcomes(failed=3)
    assert result.stdout.str().count("would ask the model 'openai:gpt-5'") >= 3
    assert "Traceback" not in result.stdout.str()


def test_workers_write_once_and_tell_of_it_at_the_end(project: Project) -> None:
    project.write(test_it=HEAD + GROUPS)

    result = project.pytester.runpytest_subprocess(
        "-n2", "--dist=loadgroup", "--stateflow-record=all"
    )

    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines([f"recorded cassettes/{one}.yaml" for one in "xyz"])
    told = result.stdout.str()
    assert "both write cassette 'cassettes/x.yaml'; give each its own" in told
    assert "'test_it.py::test_a'" in told  # without the group that xdist adds
    assert "'test_it.py::test_b'" in told


def test_the_order_of_tests_does_not_matter(project: Project) -> None:
    project.write(test_it=ASYNCIO)
    project.passes("--stateflow-record=once", "-p", "no:randomly")
    project.change(MODELS, 'models={"writer": Ready()}', "test_it.py")

    result = project.pytester.runpytest_inprocess("--randomly-seed=2")

    result.assert_outcomes(passed=3)


def test_a_test_case_that_fails_writes_nothing(project: Project) -> None:
    project.write(test_it=CASES)

    result = project.run("--stateflow-record=once")

    result.assert_outcomes(passed=1, failed=1)
    assert "mine" in result.stdout.str()
    assert not project.cassette.exists()
    assert project.cassette.with_name("y.yaml").exists()


def test_a_refusal_among_several_tasks_is_one_sentence(project: Project) -> None:
    project.write(test_it=TOGETHER)

    told = project.told()

    assert told.count("would ask the model 'openai:gpt-5'") <= 2  # and in the short summary
    assert "Traceback" not in told
    assert "Group" not in told


def test_without_the_loop_of_asyncio_a_run_says_so(project: Project) -> None:
    project.write(
        test_it=f"""{HEAD}
def test_it():
    run(flow, "Sell tea.", {MODELS}).send(None)  # as trio does
"""
    )

    told = project.told("--tb=line")

    assert "a run of flow 'slogan' needs the event loop of asyncio, and none runs here" in told


def test_what_is_asked_as_a_fixture_goes_is_written_too(project: Project) -> None:
    project.write(
        test_it=f"""{HEAD}
@pytest.fixture
def last(replay):
    yield
    replay("x.yaml", flow, task="Sell tea.", {MODELS})

def test_it(last):
    pass
"""
    )

    assert "recorded cassettes/x.yaml" in project.passes("--stateflow-record=once")


def test_options_and_markers_are_told(project: Project) -> None:
    assert "--stateflow-record" in project.run("--help").stdout.str()
    assert "@pytest.mark.live_models" in project.run("--markers").stdout.str()


def test_an_option_that_is_none_of_the_four_is_refused(project: Project) -> None:
    result = project.run("--stateflow-record=some")

    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_nothing_heavy_is_imported_before_a_test_needs_it(project: Project) -> None:
    project.write(
        test_it="""
        import sys

        def test_it():
            heavy = ("yaml", "openai", "anthropic", "networkx", "stateflow.engine.runner")
            assert [one for one in heavy if one in sys.modules] == []
        """
    )

    result = project.pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:anyio")

    result.assert_outcomes(passed=1)
