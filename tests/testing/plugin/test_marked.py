"""The marker ``cassette``: runs that a test starts itself are answered from recordings."""

from __future__ import annotations

import pytest

from tests.testing.plugin.project import Project

TEST = """
import pytest
from ready import Ready
from stateflow import Runner, fork, resume, run, run_sync
from talk import flow

@pytest.mark.cassette("x.yaml")
def test_slogan():
    result = run_sync(flow, "Sell tea.", models={"writer": Ready("Tea!", "Better tea!")})
    assert result.messages[-1].text == "GOOD"
"""
NOBODY = ("""Ready("Tea!", "Better tea!")""", "Ready()")
"""What stands in for the model says nothing from now on."""


def test_a_run_is_answered_from_its_cassette(project: Project) -> None:
    project.recorded(TEST)
    project.change(*NOBODY, "test_it.py")

    project.passes()


def test_a_missing_cassette_is_told_with_the_command_that_records_it(project: Project) -> None:
    project.write(test_it=TEST)

    assert "pytest test_it.py::test_slogan --stateflow-record=once" in project.told()


def test_a_changed_request_is_told_and_accepted(project: Project) -> None:
    cassette = project.recorded(TEST)
    project.change(*NOBODY, "test_it.py")
    project.change("Write a slogan.", "Write a short slogan.")

    told = project.told()
    assert "request write#1.0 (model.call) is not the recorded one" in told
    assert "+ Write a short slogan." in told
    assert "pytest test_it.py::test_slogan --stateflow-update" in told
    assert "updated cassettes/x.yaml" in project.passes("--stateflow-update")
    assert "Better tea!" in cassette.read_text("utf-8")
    project.passes()


@pytest.mark.parametrize("match", ['"state"', "lambda was, now: was.key == now.key"])
def test_a_looser_way_to_match_lets_it_pass(project: Project, match: str) -> None:
    project.recorded(TEST)
    project.change("Write a slogan.", "Sing.")
    project.change(*NOBODY, "test_it.py")
    project.change('"x.yaml"', f'"x.yaml", match={match}', "test_it.py")

    project.passes()


def test_one_call_too_many_is_named(project: Project) -> None:
    project.recorded(TEST)
    project.change('says("GOOD")', 'says("NEVER")')

    told = project.told()

    assert "the run asks for model.call write#3.0, which was not recorded" in told
    assert "turn 4 (state 'review', visit 2): recorded: 'review' → 'done' by says('GOOD')" in told
    assert "test_it.py::test_slogan --stateflow-record=new" in told


def test_one_call_too_few_is_named(project: Project) -> None:
    project.recorded(TEST)
    project.change('says("GOOD")', 'says("too long")')
    project.change('== "GOOD"', '== "too long"', "test_it.py")

    told = project.told()

    assert "holds 2 effects that it did not ask for: model.call write#2.0, agent.rep" in told


def test_a_run_more_than_there_are_cassettes_is_named(project: Project) -> None:
    project.write(
        test_it=TEST + '    run_sync(flow, "More.", models={"writer": Ready("A", "B")})\n'
    )

    told = project.told("--stateflow-record=once")

    assert "starts a run of flow 'slogan' that it has no cassette for, after 1 that it" in told
    assert not project.cassette.exists()


def test_a_cassette_without_a_run_is_named(project: Project) -> None:
    project.recorded(TEST)
    project.change('("x.yaml")', '("x.yaml", "y.yaml")', "test_it.py")

    assert "starts 1 of the 2 runs that its marker has cassettes for; not used: 'y.yaml'" in (
        project.told()
    )


def test_several_runs_have_their_cassettes_in_order(project: Project) -> None:
    project.write(
        test_it=TEST.replace('("x.yaml")', '("x.yaml", "y.yaml")')
        + '    again = run_sync(flow, "Sell jam.", models={"writer": Ready("Jam!", "J!")})\n'
        + '    assert "Jam!" in [one.text for one in again.messages]\n'
    )
    project.passes("--stateflow-record=once")
    project.change(*NOBODY, "test_it.py")
    project.change('Ready("Jam!", "J!")', "Ready()", "test_it.py")

    project.passes()


def test_new_goes_on_live_from_where_the_recording_ends(project: Project) -> None:
    cassette = project.recorded(TEST)
    project.change('["too long", "GOOD"]', '["too long", "GOOD", "GREAT"]')
    project.change('says("GOOD")', 'says("GREAT")')
    project.change('== "GOOD"', '== "GREAT"', "test_it.py")
    project.change('Ready("Tea!", "Better tea!")', 'Ready("Best tea!")', "test_it.py")

    assert "recorded more of cassettes/x.yaml" in project.passes("--stateflow-record=new")

    text = cassette.read_text("utf-8")
    assert "Better tea!" in text
    assert "Best tea!" in text


def test_all_asks_again(project: Project) -> None:
    cassette = project.recorded(TEST)
    project.change('"Better tea!"', '"Finest tea!"', "test_it.py")

    assert "recorded cassettes/x.yaml" in project.passes("--stateflow-record=all")
    assert "Finest tea!" in cassette.read_text("utf-8")


def test_an_update_that_changes_nothing_writes_nothing(project: Project) -> None:
    before = project.recorded(TEST).read_bytes()

    assert "x.yaml" not in project.passes("--stateflow-update")
    assert project.cassette.read_bytes() == before


def test_people_are_answered_by_the_test(project: Project) -> None:
    project.write(
        talk="""
        from stateflow import Assistant, Flow, Human, State, to

        ask = State("ask", Human("boss", ask="May we?"), to("write"))
        write = State("write", Assistant("writer", model="openai:gpt-5"), to(None))
        flow = Flow("slogan", ask, write)
        """
    )
    project.recorded(
        """
        import pytest
        from ready import Ready
        from stateflow import Runner
        from talk import flow

        @pytest.mark.cassette("x.yaml")
        @pytest.mark.asyncio
        async def test_slogan():
            async with Runner(models={"writer": Ready("Tea!")}) as runner:
                live = runner.start(flow, "Sell tea.")
                assert (await live).stop.kind == "waiting"
                assert (await live.answer("yes")).stop.kind == "done"
        """
    )
    project.change('Ready("Tea!")', "Ready()", "test_it.py")
    project.passes()
    project.change('assert (await live.answer("yes"))', "assert True or (live)", "test_it.py")

    told = project.told()

    assert "did not ask for: human.ask ask#1.0, model.call write#1.0" in told


def test_a_run_that_goes_on_in_another_runner_keeps_its_cassette(project: Project) -> None:
    project.recorded(
        """
        import pytest
        from ready import Ready
        from stateflow import Runner, resume
        from talk import flow

        @pytest.mark.cassette("x.yaml")
        @pytest.mark.asyncio
        async def test_slogan(tmp_path):
            store, models = tmp_path / "runs.db", {"writer": Ready("Tea!", "Better tea!")}
            async with Runner(store=store, models=models) as runner:
                live = runner.start(flow, "Sell tea.")
                live.pause()
                run = (await live).run
            assert (await resume(flow, run, store=store, models=models)).stop.kind == "done"
        """
    )
    project.change(*NOBODY, "test_it.py")

    project.passes()


def test_nested_runs_are_answered_too(project: Project) -> None:
    project.write(
        talk="""
        from stateflow import Assistant, Flow, Nested, State, to

        inner = Flow("inner", State("say", Assistant("writer", model="openai:gpt-5"), to(None)))
        flow = Flow("outer", Nested("ask", inner, to(None)))
        """
    )
    project.recorded(TEST.replace('"GOOD"', '"Tea!"'))
    project.change(*NOBODY, "test_it.py")

    project.passes()


def test_who_streams_hears_each_recorded_text(project: Project) -> None:
    test = """
        import pytest
        from ready import Ready
        from stateflow import stream
        from stateflow.engine.door import Delta
        from talk import flow

        @pytest.mark.cassette("x.yaml")
        @pytest.mark.asyncio
        async def test_slogan():
            models = {"writer": Ready("Tea!", "Better tea!")}
            heard = [one async for one in stream(flow, "Sell tea.", models=models)]
            assert [one.text for one in heard if isinstance(one, Delta)] == ["Tea!", "Better tea!"]
        """
    project.recorded(test)
    project.change(*NOBODY, "test_it.py")

    project.passes()


def test_runs_inside_an_effect_belong_to_it(project: Project) -> None:
    project.write(
        talk="""
        from stateflow import Flow, FunctionAgent, Scripted, State, run, to

        inner = Flow("inner", State("say", Scripted("one", ["inside"]), to(None)))

        async def ask(view):
            return (await run(inner, "?")).messages[-1].text

        flow = Flow("outer", State("ask", FunctionAgent("asker", ask), to(None)))
        """
    )
    project.recorded(TEST.replace('"GOOD"', '"inside"'))

    project.passes()


@pytest.mark.parametrize(
    "marker", ["()", '("x.yaml", "x.yaml")', '("x.yaml", how="strict")', '("x.yaml", match="odd")']
)
def test_a_marker_that_makes_no_sense_is_refused(project: Project, marker: str) -> None:
    project.write(test_it=TEST.replace('("x.yaml")', marker))

    result = project.run()

    result.assert_outcomes(errors=1)
    assert "cassette" in result.stdout.str() or "match='odd'" in result.stdout.str()


def test_a_test_without_the_marker_that_runs_by_its_side_is_left_alone(project: Project) -> None:
    project.recorded(
        TEST
        + "def test_other():\n    run_sync(flow, models={'writer': Free()})\n"
        + "class Free(Ready):\n    async def complete(self, request, /, *, on_delta):\n"
        + "        from stateflow.models.base import ModelReply\n        return ModelReply('Hi')\n"
    )


def test_a_run_that_nobody_awaited_is_told(project: Project) -> None:
    project.write(
        test_it="""
        import asyncio

        import pytest
        from ready import Ready
        from stateflow import Runner
        from talk import flow

        class Silent(Ready):
            async def complete(self, request, /, *, on_delta):
                await asyncio.Event().wait()

        @pytest.mark.cassette("x.yaml")
        @pytest.mark.asyncio
        async def test_slogan():
            runner = Runner(models={"writer": Silent()})
            runner.start(flow, "Sell tea.")
        """
    )

    assert "leaves a run of flow 'slogan' under way" in project.told("--stateflow-record=once")


def test_a_branch_that_was_cancelled_is_cancelled_again(project: Project) -> None:
    project.write(
        talk="""
        from stateflow import Assistant, Flow, Parallel, State, to

        def part(name):
            writer = Assistant(name, model=f"openai:{name}")
            return Flow(name, State("say", writer, to("more")), State("more", writer, to(None)))

        flow = Flow("both", Parallel("race", [part("slow"), part("fast")], to(None), join="any"))
        """
    )
    test = """
        import asyncio
        import pytest
        from ready import Ready
        from stateflow import run_sync
        from talk import flow

        class Slow(Ready):
            name = "openai:slow"

            async def complete(self, request, /, *, on_delta):
                if self.asked == 1:
                    await asyncio.Event().wait()
                return await Ready.complete(self, request, on_delta=on_delta)

        class Fast(Ready):
            name = "openai:fast"

        @pytest.mark.cassette("x.yaml")
        def test_slogan():
            models = {"slow": Slow("S", "SS"), "fast": Fast("F", "FF")}
            result = run_sync(flow, "Sell tea.", models=models)
            assert result.messages[-1].text == "FF"
        """
    project.recorded(test)
    project.change(
        '"slow": Slow("S", "SS"), "fast": Fast("F", "FF")',
        '"slow": Slow(), "fast": Fast()',
        "test_it.py",
    )

    project.passes()
