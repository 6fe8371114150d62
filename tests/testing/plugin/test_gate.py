"""The gate: in a test no model is asked that costs money, leaves the process or starts a server."""

from __future__ import annotations

import sys

import pytest

from stateflow.models.gate import GATES, check_live
from tests.testing.plugin.project import Project

TEST = """
from ready import Ready
from stateflow import run_sync
from talk import flow

def test_it():
    result = run_sync(flow, "Sell tea.", models={"writer": Ready("Tea!", "Better tea!")})
    assert result.stop.kind == "done"
"""
SENTENCE = "test 'test_it.py::test_it' would ask the model 'openai:gpt-5': "


def test_a_live_call_is_refused_with_the_cure(project: Project) -> None:
    project.write(test_it=TEST)

    told = project.told()

    assert f'{SENTENCE}give it @pytest.mark.cassette("NAME.yaml") and record it with ' in told
    assert "--stateflow-record=once, or mark the test @pytest.mark.live_models" in told


def test_recording_elsewhere_opens_it_for_no_other_test(project: Project) -> None:
    project.write(test_it=TEST)

    assert SENTENCE in project.told("--stateflow-record=all")


def test_a_marked_test_asks(project: Project) -> None:
    project.write(
        test_it=TEST.replace("def test", "import pytest\n@pytest.mark.live_models\ndef test")
    )

    project.passes()


@pytest.mark.parametrize("model", ["openai:gpt-5", "anthropic:claude-opus-5"])
def test_one_whose_package_is_not_installed_is_refused_alike(
    project: Project, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setitem(sys.modules, f"stateflow.models.{model.partition(':')[0]}", None)
    project.change("openai:gpt-5", model)
    project.write(test_it=TEST.replace(', models={"writer": Ready("Tea!", "Better tea!")}', ""))

    assert f"would ask the model {model!r}" in project.told()


@pytest.mark.parametrize(
    "model",
    ["openai:gpt-5", "anthropic:claude-opus-5", "azure:mine", "ollama:llama3", "llama:smollm2"],
)
def test_every_client_that_leaves_the_process_asks_at_the_gate(
    project: Project, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "none")
    project.change("openai:gpt-5", model)
    project.write(test_it=TEST.replace(', models={"writer": Ready("Tea!", "Better tea!")}', ""))

    assert f"would ask the model {model!r}" in project.told()


@pytest.mark.parametrize("model", ["scripted:Tea!|Better tea!"])
def test_a_scripted_model_and_clients_of_ones_own_are_free(project: Project, model: str) -> None:
    project.change("openai:gpt-5", model)
    project.write(test_it=TEST.replace(', models={"writer": Ready("Tea!", "Better tea!")}', ""))

    project.passes()


def test_no_flow_goes_on_with_it_as_with_a_fault(project: Project) -> None:
    project.change(
        "    budget=", '    State("sorry", Scripted("host", ["Sorry."]), to(None)),\n    budget='
    )
    project.change("budget=", 'on_error="sorry", budget=')
    project.write(test_it=TEST)

    assert SENTENCE in project.told()


def test_no_flow_goes_on_with_it_at_a_nested_run_or_a_branch(project: Project) -> None:
    project.write(
        talk="""
        from stateflow import Assistant, Flow, Parallel, Scripted, State, failed, to

        writer = Assistant("writer", model="openai:gpt-5")
        part = Flow("part", State("say", writer, to(None)))
        other = Flow("other", State("say", Scripted("host", ["Hi."]), to(None)))
        flow = Flow("both", Parallel("two", [part, other], to(None, when=failed), to(None)))
        """
    )
    project.write(test_it=TEST)

    assert SENTENCE in project.told()


def test_a_test_that_swallows_it_fails_all_the_same(project: Project) -> None:
    project.write(
        test_it=TEST
        + """
def test_swallows():
    try:
        test_it()
    except BaseException:
        pass
"""
    )

    result = project.run()

    result.assert_outcomes(failed=2)


def test_what_fails_because_of_it_is_told_by_its_cause(project: Project) -> None:
    project.write(
        test_it=TEST.replace("def test_it", "def ask")
        + """
def test_it():
    try:
        ask()
    except BaseException:
        assert False, "for another reason"
"""
    )

    assert SENTENCE in project.told()


def test_nothing_is_asked_while_tests_are_collected(project: Project) -> None:
    project.write(test_it=TEST + "\ntest_it()\n")

    told = project.run().stdout.str()

    assert "'openai:gpt-5' would be asked while tests are collected: ask it in a test" in told
    assert "Traceback" not in told


def test_a_client_that_is_asked_beside_the_runs_of_a_cassette_is_refused(project: Project) -> None:
    project.recorded(
        TEST.replace("def test", 'import pytest\n@pytest.mark.cassette("x.yaml")\ndef test')
    )
    project.change(
        "    assert",
        '    from stateflow.models.gate import check_live\n    check_live("a:b")\n    assert',
        "test_it.py",
    )

    assert "model 'a:b' beside the runs of its cassettes: ask it in one of them" in project.told()


def test_clients_in_clients_are_refused_before_they_reach_for_the_network(
    project: Project,
) -> None:
    project.write(
        test_it="""
        import socket

        import pytest
        from stateflow import Assistant, FallbackModel, Flow, State, run_sync, to
        from stateflow.models.openai import OpenAIModel

        @pytest.fixture(autouse=True)
        def cut_off(monkeypatch):
            def refuse(*args, **kwargs):
                raise AssertionError("the network was reached for")

            monkeypatch.setattr(socket, "getaddrinfo", refuse)
            monkeypatch.setattr(socket.socket, "connect", refuse)
            monkeypatch.setenv("OPENAI_API_KEY", "none")

        MODEL = FallbackModel("openai:gpt-5", "scripted:Tea!")

        @pytest.mark.parametrize("ready", [False, True])
        def test_it(ready):
            say = State("say", Assistant("writer", model=MODEL), to(None))
            models = {"writer": OpenAIModel("gpt-5")} if ready else None
            run_sync(Flow("slogan", say), "Sell tea.", models=models)
        """
    )

    result = project.run()

    result.assert_outcomes(failed=2)
    told = result.stdout.str()
    assert "test 'test_it.py::test_it[False]' would ask the model 'openai:gpt-5': " in told
    assert "test 'test_it.py::test_it[True]' would ask the model 'openai:gpt-5': " in told
    assert "was reached for" not in told


def test_outside_of_pytest_nobody_stands_there() -> None:
    gates, GATES[:] = GATES[:], []
    try:
        check_live("openai:gpt-5")
    finally:
        GATES[:] = gates


def test_whoever_was_put_in_last_decides() -> None:
    asked: list[str] = []
    GATES.append(asked.append)
    try:
        check_live("openai:gpt-5")
    finally:
        GATES.remove(asked.append)

    assert asked == ["openai:gpt-5"]
