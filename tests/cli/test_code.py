"""Code on the command line: where it runs, who allows it, and how it is told."""

from __future__ import annotations

import pytest

from tests.cli.made import Call


def test_code_is_run_and_told_with_where_it_ran(sf: Call) -> None:
    came = sf("run", "coding.py")

    assert came.code == 0
    assert "runner · monty" in came.err
    assert "hello from code" in came.err
    assert sf("replay", "last").code == 0


def test_what_runs_code_is_shown_with_the_journal(sf: Call) -> None:
    sf("run", "coding.py")

    assert "exit code 0" in sf("show", "last", "--messages").out


@pytest.mark.parametrize("word", ["local", "runner=local"])
def test_this_machine_is_used_only_where_that_is_allowed(sf: Call, word: str) -> None:
    refused = sf("run", "coding.py", "--sandbox", word)

    assert refused.code == 1
    assert "does not isolate" in refused.err
    assert "--allow-local" in refused.err


@pytest.mark.filterwarnings("default::stateflow.sandbox.local.NotIsolated")
def test_allowed_it_is_used_with_a_warning(sf: Call) -> None:
    came = sf("run", "coding.py", "--sandbox", "local", "--allow-local")

    assert came.code == 0
    assert "runner · local" in came.err
    assert "warning: sandbox 'local' isolates nothing" in came.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(
            ("coding.py", "--sandbox", "dokcer:x"),
            "sandbox 'dokcer:x': there is none such",
            id="none",
        ),
        pytest.param(
            ("coding.py", "--sandbox", "coder=monty"),
            "no agent 'coder' that runs code; who does: runner",
            id="of-nobody",
        ),
        pytest.param(("done.py", "--sandbox", "monty"), "nobody in flow", id="nobody-runs-code"),
        pytest.param(("coding.py", "--sandbox", ""), "sandbox ''", id="empty"),
    ],
)
def test_a_sandbox_that_makes_no_sense_is_told(sf: Call, words: tuple[str, ...], told: str) -> None:
    came = sf("run", *words)

    assert came.code not in {0, 3, 4, 5}
    assert told in came.err
    assert "Traceback" not in came.err


def test_code_waits_for_leave_and_goes_on(sf: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPROVE", "always")

    waiting = sf("run", "coding.py")

    assert waiting.code == 4
    assert "print('hello from code')" in waiting.err + waiting.out
    assert sf("resume", "last", "--answer", "yes").code == 0
