"""The flow of the gallery in which code is written, run and mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import code_loop as loop
from stateflow import MontySandbox, canonical, replay, run_sync
from stateflow.cli import call
from tests.support.embedded import need_embedded

MODELS = [word for who, name in loop.stand_in.items() for word in ("--model", f"{who}={name}")]


def test_code_that_fails_its_check_is_written_anew() -> None:
    """The exit code decides, and a replay runs nothing."""
    result = run_sync(loop.flow, loop.task, models=loop.stand_in)

    runs = [message for message in result.messages if message.executions]
    assert result.path == ("write", "examine", "run", "fix", "examine", "run")
    assert [one.executions[0].exit_code for one in runs] == [1, 0]
    assert "AssertionError: it counts wrong" in runs[0].executions[0].stderr
    assert result.stop.why == "succeeded"
    assert result.journal is not None
    again = replay(loop.flow, result.journal)
    assert again.journal is not None
    assert canonical(again.journal) == canonical(result.journal)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("I would rather talk about vowels.", id="no-code"),
        pytest.param("```python\nimport os\nos._exit(0)\n```", id="forbidden"),
        pytest.param("```python\nwhile True: pass\n```", id="never-ends"),
    ],
)
def test_what_never_passes_ends_in_giving_up(reply: str) -> None:
    """No claim of success without a program that ended well."""
    models = {"coder": f"scripted:{reply}", "fixer": f"scripted:{reply}"}
    short = MontySandbox(time_limit_s=0.2)

    result = run_sync(loop.flow, loop.task, models=models, sandboxes={"runner": short})

    assert (result.stop.kind, result.stop.state) == ("final", "gave_up")
    assert result.path.count("fix") == 8


def test_it_runs_and_replays_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its docstring says."""
    monkeypatch.setenv("STATEFLOW_STORE", str(tmp_path / "runs.db"))

    assert call(("run", str(loop.__file__), *MODELS)) == 0
    assert call(("replay", "last")) == 0


def test_the_embedded_model_is_held_to_the_exit_code() -> None:
    """Whether it passes is its own affair; that nothing else is taken for success is not."""
    need_embedded()

    result = run_sync(loop.flow, loop.task)

    last = [message for message in result.messages if message.executions][-1]
    assert (result.stop.kind == "done") == (last.outcome is not None and last.outcome.ok)
