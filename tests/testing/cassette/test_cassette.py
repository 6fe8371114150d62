"""A cassette tells all of a run: what is read from it is the run, and replays like the run."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from stateflow import (
    PASS,
    Assistant,
    Budget,
    Final,
    Flow,
    FunctionAgent,
    Message,
    Nested,
    Result,
    Scripted,
    State,
    canonical,
    raised,
    run_sync,
    says,
    to,
)
from stateflow import resume as go_on
from stateflow.conversation.file import File
from stateflow.engine.replaying import replay_journal
from stateflow.journal.event import Journal, RunChanged, RunPaused, RunResumed
from stateflow.stores.file import write_file
from stateflow.stores.memory import MemoryStore
from stateflow.testing import CassetteError, dump_cassette, read_cassette, write_cassette
from tests.equality.test_six_ways import CASES
from tests.support.cutting import RUN, answer, drive, every_cut
from tests.support.six_ways import Case
from tests.support.talks import a_talk
from tests.support.walking import dice

GOLDEN = Path(__file__).parent / "golden"


def journals_of(case: Case) -> list[Journal]:
    """Return the journal of *case* at every wait, and at its end."""
    store = MemoryStore()
    result: Result = run_sync(case.flow, case.task, models=case.models, store=store)
    found = [result.journal]
    while result.stop.kind == "waiting":
        answers = {one.id: answer(one) for one in result.stop.questions}
        going = go_on(case.flow, result.run, store=store, models=case.models, answers=answers)
        result = asyncio.run(going)
        found.append(result.journal)
    return [one for one in found if one is not None]


def told(journal: Journal, place: Path) -> Journal:
    """Return what is left of *journal* on its way through a cassette."""
    write_cassette(journal, place)
    return read_cassette(place)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.flow.name)
def test_a_run_comes_back_from_its_cassette_and_replays_as_before(
    case: Case, tmp_path: Path
) -> None:
    for number, journal in enumerate(journals_of(case)):
        place = tmp_path / f"{number}.yaml"

        again = told(journal, place)

        assert canonical(again) == canonical(journal)
        assert "\nevents:" not in place.read_text("utf-8")
        first = asyncio.run(replay_journal(case.flow, journal))
        second = asyncio.run(replay_journal(case.flow, again))
        assert canonical(second.journal) == canonical(first.journal)
        assert str(second.stop) == str(first.stop)


@pytest.mark.parametrize("name", ["slogan", "guarded_change", "in_sequence", "race", "summed"])
async def test_a_run_that_was_cut_off_comes_back_as_far_as_it_got(
    name: str, tmp_path: Path
) -> None:
    case = next(one for one in CASES if one.flow.name == name)
    place = tmp_path / "cut.yaml"

    async for where, store in every_cut(
        lambda store: drive(store, case.flow, case.task, models=case.models)
    ):
        if not await store.read(RUN):
            continue
        journal = await store.journal(RUN)

        again = told(journal, place)

        assert canonical(again) == canonical(journal), where
        assert "\nevents:" not in place.read_text("utf-8"), where


def test_random_runs_come_back_from_their_cassettes(tmp_path: Path) -> None:
    """Whatever is said in them, nested flows and the flow's on_error included."""
    place = tmp_path / "talk.yaml"
    for seed in range(100):
        talk = a_talk(dice(seed))
        talk.mouth.chance = dice(seed)
        journal = run_sync(talk.flow, "go", budget=Budget(turns=12)).journal
        assert journal is not None

        again = told(journal, place)

        assert canonical(again) == canonical(journal), seed
        text = place.read_text("utf-8")
        assert "\nevents:" not in text, seed
        assert dump_cassette(again, place.name) == text, seed


def test_the_same_run_is_written_in_the_same_bytes(tmp_path: Path) -> None:
    case = next(one for one in CASES if one.flow.name == "poll")
    one, two = (journals_of(case)[-1] for _ in range(2))

    assert dump_cassette(one) == dump_cassette(two)
    assert dump_cassette(told(one, tmp_path / "x.yaml")) == dump_cassette(one)


def one_turn(text: str) -> Journal:
    """Return a run in which one speaker says *text*."""
    flow = Flow("one", State("say", FunctionAgent("ann", lambda _: text), to(None)))
    journal = run_sync(flow, "go").journal
    assert journal is not None
    return journal


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        pytest.param(FunctionAgent("ann", lambda _: str(1 // 0)), "failed", id="raised"),
        pytest.param(FunctionAgent("ann", lambda _: PASS), "stuck", id="passed"),
        pytest.param(Scripted("ann", ["no"]), "stuck", id="no-guard-held"),
    ],
)
def test_a_run_that_stands_comes_back_with_its_stop(
    agent: FunctionAgent, kind: str, tmp_path: Path
) -> None:
    flow = Flow("stands", State("say", agent, to(None, when=says("never said"))))
    result = run_sync(flow, "go")
    assert result.journal is not None

    again = told(result.journal, tmp_path / "x.yaml")

    last, before = again.events[-1].event, result.journal.events[-1].event
    assert result.stop.kind == kind
    assert last == before


def test_a_fault_is_written_once(tmp_path: Path) -> None:
    boom = FunctionAgent("ann", lambda _: str(1 // 0))
    flow = Flow("falls", State("say", boom, to("over", when=raised())), Final("over", ok=False))
    result = run_sync(flow, "go")
    assert result.journal is not None

    again = told(result.journal, tmp_path / "x.yaml")

    assert canonical(again) == canonical(result.journal)
    assert (tmp_path / "x.yaml").read_text("utf-8").count("modulo by zero") == 1


def test_limits_of_a_run_are_those_of_its_replay(tmp_path: Path) -> None:
    talk = State("say", FunctionAgent("ann", lambda view: f"turn {view.turns}"), to("say"))
    flow = Flow("talk", talk)
    result = run_sync(flow, "go", budget=Budget(turns=3))
    assert result.journal is not None

    again = asyncio.run(replay_journal(flow, told(result.journal, tmp_path / "x.yaml")))

    assert (again.stop and again.stop.which, len(again.fold.path)) == ("turns", 3)


def test_a_run_with_a_limit_of_seconds_keeps_its_clock(tmp_path: Path) -> None:
    times = iter(range(1000, 2000, 7))
    talk = State("say", FunctionAgent("ann", lambda view: f"turn {view.turns}"), to("say"))
    flow = Flow("talk", talk, budget=Budget(seconds=60))
    result = run_sync(flow, "go", store=MemoryStore(clock=lambda: float(next(times))))
    assert result.journal is not None
    assert result.stop.which == "seconds"

    again = asyncio.run(replay_journal(flow, told(result.journal, tmp_path / "x.yaml")))

    assert again.stop is not None
    assert (again.stop.which, again.fold.path) == ("seconds", list(result.path))


def test_nothing_of_the_hour_or_the_machine_is_kept(tmp_path: Path) -> None:
    journal = one_turn("x")

    again = told(journal, tmp_path / "kept.yaml")

    text = (tmp_path / "kept.yaml").read_text("utf-8")
    assert journal.run not in text
    assert again.run == "kept"
    assert {recorded.at for recorded in again.events} == {0.0}


def test_folders_of_this_machine_are_told_as_seen_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    journal = one_turn(f'File "{tmp_path}/flows/x.py"\nFile "{tmp_path}/home/y.py"')

    told(journal, tmp_path / "x.yaml")

    text = (tmp_path / "x.yaml").read_text("utf-8")
    assert str(tmp_path) not in text
    assert 'File "flows/x.py"' in text


def test_a_secret_that_was_not_known_in_the_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = one_turn("the key is abcdefgh-12345")
    monkeypatch.setenv("SHOP_API_KEY", "abcdefgh-12345")

    with pytest.raises(CassetteError, match="holds the secret 'SHOP_API_KEY'"):
        write_cassette(journal, tmp_path / "x.yaml")

    assert not (tmp_path / "x.yaml").exists()


def test_five_megabytes_lie_beside_the_cassette(tmp_path: Path) -> None:
    journal = one_turn("wörld\n" * 800_000)

    again = told(journal, tmp_path / "x.yaml")

    assert canonical(again) == canonical(journal)
    assert len((tmp_path / "x.yaml").read_bytes()) < 1000


@pytest.mark.parametrize("text", ["a\rb", "a\x00b", "\ufeffx"], ids=["cr", "nul", "bom"])
def test_a_long_text_survives_whatever_it_holds(text: str, tmp_path: Path) -> None:
    journal = one_turn(text * 5000)

    assert canonical(told(journal, tmp_path / "x.yaml")) == canonical(journal)


def test_cassettes_of_one_flow_share_its_table_and_leave_nothing_behind(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    write_cassette(one_turn("a"), one)
    write_cassette(one_turn("b" * 5000), two)
    kept = {path.name.split("-")[0] for path in (tmp_path / "files").iterdir()}
    assert sorted(path.name.split("-")[0] for path in (tmp_path / "files").iterdir()) == [
        "one",
        "text",
    ]

    write_cassette(one_turn("c"), two)

    assert kept == {"one", "text"}
    assert [path.name.split("-")[0] for path in (tmp_path / "files").iterdir()] == ["one"]
    assert read_cassette(one).started.table == read_cassette(two).started.table


def test_attached_files_lie_beside_the_cassette(tmp_path: Path) -> None:
    content = b"%PDF-1.7 bill"
    sha256 = hashlib.sha256(content).hexdigest()
    flow = Flow("one", State("say", FunctionAgent("ann", lambda _: "x"), to(None)))
    journal = run_sync(flow, "go", files=[File.from_bytes(content, name="bill.pdf")]).journal
    assert journal is not None

    write_cassette(journal, tmp_path / "x.yaml", {sha256: content})

    assert (tmp_path / "files" / sha256).read_bytes() == content
    assert canonical(read_cassette(tmp_path / "x.yaml")) == canonical(journal)


def test_what_a_person_changed_by_hand_stands_between_the_turns(tmp_path: Path) -> None:
    journal = one_turn("x")
    changed = journal.events[0]._replace(event=RunChanged({"a": 1}, "hello"))
    events = (journal.events[0], changed, *journal.events[1:])

    again = told(Journal("x", events), tmp_path / "x.yaml")

    assert canonical(again) == canonical(Journal("x", events))


def test_a_run_whose_places_were_renamed_is_told_event_by_event(tmp_path: Path) -> None:
    journal = one_turn("x")
    renamed = journal.events[0]._replace(event=RunResumed(rename={"old": "say"}))
    events = (journal.events[0], renamed, *journal.events[1:])

    again = told(Journal("x", events), tmp_path / "x.yaml")

    assert "\nevents:" in (tmp_path / "x.yaml").read_text("utf-8")
    assert any(isinstance(one.event, RunResumed) for one in again.events)
    assert canonical(again) == canonical(journal)


def test_what_a_turn_may_hold_comes_back(tmp_path: Path) -> None:
    """Random replies, data and finals: whatever stands in them."""
    chance = dice(1)
    words = ["yes", "1", "~", "a: b", " x", "x\n", "---", "#", "état", "\u2028", "😀", ""]
    for number in range(60):
        said = Message(
            "".join(chance.choices(words, k=3)),
            reply={chance.choice(words): chance.choice([1, 1.5, None, [], {"a": [True]}, "no"])},
            handoff=chance.choice([None, "on"]),
        )
        inner = Flow("inner", State("say", Scripted("bob", [said]), to(None)))
        flow = Flow("outer", Nested("ask", inner, to("say")), State("say", _ann(said), to(None)))
        journal = run_sync(flow, chance.choice(words)).journal
        assert journal is not None

        assert canonical(told(journal, tmp_path / f"{number}.yaml")) == canonical(journal)


def _ann(said: Message) -> FunctionAgent:
    return FunctionAgent("ann", lambda _: said)


def test_asking_the_same_again_is_written_as_the_difference(tmp_path: Path) -> None:
    ann = Assistant("ann", "scripted:a|b|c", "A long enough prompt.")
    flow = Flow("thrice", State("say", ann, to("say")), budget=Budget(turns=3))
    journal = run_sync(flow, "go").journal
    assert journal is not None

    again = told(journal, tmp_path / "x.yaml")

    text = (tmp_path / "x.yaml").read_text("utf-8")
    assert (text.count("settings:"), text.count("messages:")) == (1, 3)
    assert canonical(again) == canonical(journal)


@pytest.mark.parametrize("name", ["writer_critic", "slogan", "guarded_change", "incident-wait"])
def test_the_format_is_that_of_the_golden_cassettes(name: str, tmp_path: Path) -> None:
    """A change of the format shows here; write anew what was read from them."""
    golden = GOLDEN / f"{name}.yaml"
    journal = read_cassette(golden)

    write_cassette(journal, tmp_path / golden.name)

    assert (tmp_path / golden.name).read_text("utf-8") == golden.read_text("utf-8")
    assert isinstance(journal.events[-1].event, RunPaused) == name.endswith("wait")


def test_a_short_run_is_one_screen() -> None:
    assert len((GOLDEN / "writer_critic.yaml").read_text("utf-8").splitlines()) <= 45


def test_it_is_smaller_than_the_lines_it_tells(tmp_path: Path) -> None:
    case = next(one for one in CASES if one.flow.name == "incident")
    journal = journals_of(case)[-1]

    write_cassette(journal, tmp_path / "x.yaml")
    write_file(journal, tmp_path / "x.jsonl")

    lines = (tmp_path / "x.jsonl").read_text("utf-8")
    bare = lines.replace(json.dumps(journal.started.table, ensure_ascii=False), "")
    assert len((tmp_path / "x.yaml").read_text("utf-8")) < 0.6 * len(bare)
