"""The fixture ``replay``: passing, failing, accepting, recording."""

from __future__ import annotations

import pytest

from stateflow.testing.cassette.cassette import read_cassette
from tests.testing.plugin.project import REPLAYS, Project


def test_a_cassette_is_replayed_with_no_model_asked(project: Project) -> None:
    project.recorded()
    project.change('"Tea!", "Better tea!"', "", "test_it.py")

    project.passes()


def test_a_cassette_knows_where_its_flow_lies_whatever_folder_pytest_is_called_in(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.recorded()
    project.write(test_it='def test_it(replay):\n    assert replay("x.yaml").stop.kind == "done"')
    monkeypatch.chdir(project.pytester.mkdir("elsewhere"))

    project.passes("--rootdir=..", "../test_it.py")


@pytest.mark.parametrize("option", ["--stateflow-record=none", ""])
def test_a_missing_cassette_is_told_with_where_it_was_looked_for_and_what_records_it(
    project: Project, option: str
) -> None:
    project.write(test_it=REPLAYS)

    told = project.told(*filter(None, [option]))

    assert "there is no cassette 'cassettes/x.yaml'" in told
    assert "record it: pytest test_it.py::test_slogan --stateflow-record=once" in told


def test_a_changed_prompt_fails_with_its_difference_and_the_command_that_accepts_it(
    project: Project,
) -> None:
    cassette = project.recorded()
    before = cassette.read_bytes()
    project.change("Write a slogan.", "Write a short slogan.")

    told = project.told()

    assert "cassette 'cassettes/x.yaml' no longer fits" in told
    assert "+ Write a short slogan." in told
    assert "to accept what it comes to now:  pytest test_it.py::test_slogan --stateflow-upd" in told
    assert "Traceback" not in told
    assert "stateflow/engine" not in told
    assert cassette.read_bytes() == before


def test_a_changed_prompt_is_accepted_with_its_recorded_replies(project: Project) -> None:
    cassette = project.recorded()
    project.change("Write a slogan.", "Write a short slogan.")

    assert "updated cassettes/x.yaml" in project.passes("--stateflow-update")
    assert "Better tea!" in cassette.read_text("utf-8")
    assert "updated" not in project.passes()


def test_a_guard_that_ends_the_run_earlier_is_accepted_and_drops_the_rest(project: Project) -> None:
    project.recorded()
    project.change('says("GOOD")', 'says("too long")')
    project.change(', "write", "review")', ")", "test_it.py")

    assert "turn 2 (state 'review', visit 1)" in project.told()
    project.passes("--stateflow-update")
    assert "Better tea!" not in project.cassette.read_text("utf-8")


def test_what_was_not_recorded_is_not_accepted(project: Project) -> None:
    cassette = project.recorded()
    before = cassette.read_bytes()
    project.change('says("GOOD")', 'says("NEVER")')

    told = project.told("--stateflow-update")

    assert "cannot be brought up to date with nobody asked" in told
    assert "model.call write#3.0, which was not recorded" in told
    assert (
        "to go on live from there:  pytest test_it.py::test_slogan --stateflow-record=new" in told
    )
    assert cassette.read_bytes() == before


def test_new_goes_on_live_from_where_the_recording_ends(project: Project) -> None:
    cassette = project.recorded()
    project.change('["too long", "GOOD"]', '["too long", "GOOD", "GREAT"]')
    project.change('says("GOOD")', 'says("GREAT")')
    project.change('Ready("Tea!", "Better tea!")', 'Ready("Best tea!")', "test_it.py")
    project.change(', "review")', ', "review") + ("write", "review")', "test_it.py")

    assert "recorded more of cassettes/x.yaml" in project.passes("--stateflow-record=new")
    text = cassette.read_text("utf-8")
    assert "Better tea!" in text
    assert "Best tea!" in text
    project.passes()


def test_new_asks_again_for_what_has_changed(project: Project) -> None:
    cassette = project.recorded()
    project.change("Write a slogan.", "Write a short slogan.")
    project.change('"Tea!", "Better tea!"', '"T!", "TT!"', "test_it.py")

    project.passes("--stateflow-record=new")

    assert "TT!" in cassette.read_text("utf-8")
    assert "Better tea!" not in cassette.read_text("utf-8")


def test_new_leaves_a_cassette_that_fits_as_it_is(project: Project) -> None:
    before = project.recorded().read_bytes()

    assert "x.yaml" not in project.passes("--stateflow-record=new")
    assert project.cassette.read_bytes() == before


def test_all_asks_everybody_again_about_the_same_task(project: Project) -> None:
    cassette = project.recorded()
    project.change('"Tea!", "Better tea!"', '"T!", "TT!"', "test_it.py")
    project.change(' task="Sell tea.",', "", "test_it.py")

    assert "recorded cassettes/x.yaml" in project.passes("--stateflow-record=all")

    assert read_cassette(cassette).started.task == "Sell tea."
    assert "TT!" in cassette.read_text("utf-8")


@pytest.mark.parametrize("option", ["--stateflow-record=once", "--stateflow-record=all"])
def test_a_test_that_fails_for_another_reason_writes_nothing(project: Project, option: str) -> None:
    project.write(test_it=REPLAYS + '    assert result.stop.kind == "stuck"\n')

    project.told(option)

    assert not project.cassette.exists()
    assert not project.cassette.parent.exists()


def test_to_record_it_takes_a_task(project: Project) -> None:
    project.write(test_it=REPLAYS.replace('task="Sell tea.", ', ""))

    told = project.told("--stateflow-record=once")

    assert 'to record it, give a task: replay("x.yaml", flow, task="...")' in told


def test_to_record_it_takes_a_flow(project: Project) -> None:
    project.write(test_it='def test_it(replay):\n    replay("x.yaml", task="Sell tea.")')

    assert "to say which flow it is of" in project.told("--stateflow-record=once")


def test_a_flow_that_is_gone_is_told(project: Project) -> None:
    project.recorded()
    (project.pytester.path / "talk.py").rename(project.pytester.path / "moved.py")
    project.write(test_it='def test_it(replay):\n    replay("x.yaml")')

    told = project.told()

    assert "the flow 'talk.py:flow', which cassette 'cassettes/x.yaml' names, was not found" in told
    assert "Traceback" not in told


def test_a_cassette_without_a_place_for_its_flow_says_so(project: Project) -> None:
    project.recorded(
        REPLAYS.replace('"talk.py:flow"', "flow").replace("from", "from talk import flow\nfrom")
    )
    project.write(test_it='def test_it(replay):\n    replay("x.yaml")')

    assert "does not say where its flow lies; give it" in project.told()


def test_the_wrong_flow_is_told(project: Project) -> None:
    project.recorded()
    project.change('"slogan",', '"motto",')
    project.change('prompt="Write', 'prompt="Make')

    told = project.told()

    assert "it was recorded of flow 'slogan', and this one is 'motto'" in told


def test_what_is_no_name_of_a_cassette_is_refused(project: Project) -> None:
    project.write(test_it='def test_it(replay):\n    replay("x.json")')

    assert "'x.json' is no cassette; give a name such as 'x.yaml'" in project.told()


def test_a_broken_cassette_is_told_in_a_sentence(project: Project) -> None:
    project.recorded().write_text("cassette: [", "utf-8")

    told = project.told()

    assert "x.yaml" in told
    assert "Traceback" not in told


def test_a_broken_cassette_is_recorded_anew(project: Project) -> None:
    project.recorded().write_text("cassette: [", "utf-8")

    assert "\ncassettes/x.yaml, line 2: " in project.told()
    assert "recorded cassettes/x.yaml" in project.passes("--stateflow-record=all")
    project.passes()


def test_what_a_looser_match_lets_pass_is_brought_up_to_date(project: Project) -> None:
    project.recorded()
    project.change("Write a slogan.", "Sing.")
    project.change('"talk.py:flow",', '"talk.py:flow", match="state",', "test_it.py")

    assert "updated cassettes/x.yaml" in project.passes("--stateflow-update")
    project.change(', match="state"', "", "test_it.py")
    project.passes()


@pytest.mark.parametrize("place", [".", "cassettes", "../cassettes"])
def test_a_cassette_lies_beside_its_test_or_above(project: Project, place: str) -> None:
    recorded = project.recorded().parent
    folder = project.pytester.mkdir("tests") / "api"
    folder.mkdir()
    (project.pytester.path / "test_it.py").rename(folder / "test_it.py")
    target = folder / place
    target.mkdir(exist_ok=True)
    for part in recorded.iterdir():
        part.rename(target / part.name)

    project.passes()


def test_files_of_the_task_are_kept_with_it(project: Project) -> None:
    test = REPLAYS.replace("task=", "files=['plan.md'], task=")
    (project.pytester.path / "plan.md").write_text("Sell tea.", "utf-8")
    project.recorded(test)
    (project.pytester.path / "plan.md").unlink()
    project.change("files=['plan.md'], ", "", "test_it.py")

    assert "recorded cassettes/x.yaml" in project.passes("--stateflow-record=all")
    assert [one.name for one in read_cassette(project.cassette).started.files] == ["plan.md"]


def test_questions_are_answered_as_they_were(project: Project) -> None:
    project.write(
        talk="""
        from stateflow import Assistant, Flow, Human, State, to

        ask = State("ask", Human("boss", ask="May we?"), to("write"))
        write = State("write", Assistant("writer", model="openai:gpt-5"), to(None))
        flow = Flow("slogan", ask, write)
        """
    )
    test = """
        from ready import Ready

        def test_slogan(replay):
            models = {"writer": Ready("Tea!")}
            answers = {"ask#1.0": "yes"}
            result = replay(
                "x.yaml", "talk.py:flow", task="Sell tea.", models=models, answers=answers
            )
            assert [one.text for one in result.messages] == ["Sell tea.", "yes", "Tea!"]
        """
    project.recorded(test)
    project.passes()
    project.change('answers = {"ask#1.0": "yes"}', "answers = None", "test_it.py")

    project.passes("--stateflow-record=all")


def test_two_tests_that_write_one_cassette_are_both_named(project: Project) -> None:
    project.write(test_it=REPLAYS + REPLAYS.replace("test_slogan", "test_again"))

    told = project.told("--stateflow-record=all")

    assert (
        "tests 'test_it.py::test_slogan' and 'test_it.py::test_again' both write cassette "
        "'cassettes/x.yaml'; give each its own"
    ) in told


def test_a_cassette_that_another_test_has_just_written_is_replayed(project: Project) -> None:
    project.write(test_it=REPLAYS + REPLAYS.replace("test_slogan", "test_again"))

    project.passes("--stateflow-record=once")


def test_one_test_replays_what_it_has_recorded_itself(project: Project) -> None:
    project.recorded(REPLAYS + '    assert replay("x.yaml", "talk.py:flow").path == result.path\n')


def test_a_name_with_brackets_and_spaces_is_quoted_for_the_shell(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        @pytest.mark.parametrize("name", ["two words"])
        def test_it(replay, name):
            replay("x.yaml")
        """
    )

    assert "pytest 'test_it.py::test_it[two words]' --stateflow-record=once" in project.told()


def test_looser_ways_to_match_are_chosen_by_the_test(project: Project) -> None:
    project.recorded()
    project.change("Write a slogan.", "Write  a\\nslogan.")
    project.told()
    project.change('"talk.py:flow",', '"talk.py:flow", match="whitespace",', "test_it.py")
    project.passes()
    project.change("Write  a", "Sing  a")
    project.told()
    project.change('"whitespace"', '"state"', "test_it.py")

    project.passes()


def test_a_question_that_nobody_answered_in_time_is_late_again(project: Project) -> None:
    project.write(
        talk="""
        from stateflow import Assistant, Flow, Human, State, hours, to

        late = to("write", after=hours(24))
        ask = State("ask", Human("boss", ask="May we?"), late, to(None))
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
            now = [0.0]
            async with Runner(models={"writer": Ready("Tea!")}, clock=lambda: now[0]) as runner:
                live = runner.start(flow, "Sell tea.")
                assert (await live).stop.kind == "waiting"
                now[0] = 1e6
                assert (await runner.resume(flow, live.run)).path == ("ask", "write")
        """
    )
    project.write(
        test_it="""
        from ready import Ready

        def test_slogan(replay):
            models = {"writer": Ready("Jam!")}
            assert replay("x.yaml", "talk.py:flow", models=models).path == ("ask", "write")
        """
    )
    project.passes()

    project.passes("--stateflow-record=all")
    assert "Jam!" in project.cassette.read_text("utf-8")


def test_a_cassette_that_cannot_be_written_fails_the_test(project: Project) -> None:
    project.write(test_it=REPLAYS)
    project.cassette.parent.write_text("in the way", "utf-8")

    told = project.told("--stateflow-record=once")

    assert "cassettes/x.yaml" in told
    assert "Traceback" not in told


def test_a_flow_that_does_not_do_the_same_twice_is_not_recorded(project: Project) -> None:
    project.write(
        talk="""
        import itertools

        from stateflow import Flow, Scripted, State, guard, to

        count = itertools.count()

        @guard
        def odd(view):
            return next(count) % 4 == 1

        talker = Scripted("talker", ["a"] * 9)
        flow = Flow("slogan", State("say", talker, to(None, when=odd), to("say")))
        """,
        test_it='def test_it(replay):\n    replay("x.yaml", "talk.py:flow", task="?")',
    )

    told = project.told("--stateflow-record=once")

    assert "does not do the same twice" in told
    assert not project.cassette.exists()
