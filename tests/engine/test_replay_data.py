"""Data on replay: what actions change is compared, the first state's entry included."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import BaseModel

from stateflow import (
    Flow,
    Guard,
    Scripted,
    State,
    View,
    canonical,
    guard,
    in_turn,
    replay,
    run,
    to,
)
from stateflow.engine.replaying import replay_journal
from stateflow.errors import ReplayDivergence
from stateflow.journal.event import Journal, RunStarted, TurnTaken
from stateflow.machine.transition import Action
from tests.support.diverging import cut, diverging, recorded


class Count(BaseModel):
    """Data of the flows here."""

    n: int = 0
    word: str = ""


class Counts(BaseModel):
    """The same, and not for the same values."""

    n: list[int] = []


def one(_: View) -> dict[str, object]:
    """Set n to one."""
    return {"n": 1}


def two(_: View) -> dict[str, object]:
    """Set n to two, and a word."""
    return {"n": 2, "word": "x"}


def flow(
    do: Action | None = None, entry: Action | None = None, data: type[BaseModel] = Count
) -> Flow:
    """Return a flow with data, in which one speaks once."""
    return Flow("f", State("s", Scripted("w", ["x"]), to(None, do=do), entry=entry), data=data)


def test_a_patch_is_told_field_by_field() -> None:
    told = diverging(flow(do=one), flow(do=two))

    assert told.kind == "data"
    assert told.details == ("data.n: 1 → 2", 'data.word: not changed → "x"')
    assert told.changes == ("~ transition 's → done': action one → two",)


def test_a_long_list_is_told_from_the_item_that_differs() -> None:
    def filled(last: int) -> Flow:
        def fill(_: View) -> dict[str, object]:
            return {"n": [*range(100), last]}

        return flow(do=fill, data=Counts)

    assert diverging(filled(7), filled(8)).details == ("data.n[100]: 7 → 8",)


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        pytest.param(two, ("data.n: 1 → 2", 'data.word: not changed → "x"'), id="another"),
        pytest.param(None, ("data.n: 1 → not changed",), id="none"),
    ],
)
def test_the_entry_action_of_the_first_state_is_compared(
    after: Action | None, lines: tuple[str, ...]
) -> None:
    told = diverging(flow(entry=one), flow(entry=after))

    assert (told.kind, told.place) == ("data", "the beginning")
    assert told.details == lines
    assert diverging(flow(entry=after), flow(entry=one)).kind == "data"


def test_what_the_entry_action_changes_is_recorded_apart_and_folded() -> None:
    journal = recorded(flow(entry=one))
    started = journal.started

    assert started.data == {"n": 0, "word": ""}
    assert started.patch == {"n": 1}
    again = replay(flow(entry=one), journal)
    assert again.data == Count(n=1)
    assert again.journal is not None
    assert canonical(again.journal) == canonical(journal)


def test_a_journal_of_an_earlier_version_is_read_as_before() -> None:
    """Its data hold what the entry action changed, and nobody can tell what that was."""
    journal = recorded(flow(entry=one))
    first, *others = journal.events
    assert isinstance(first.event, RunStarted)
    old = replace(first.event, data={"n": 1, "word": ""}, patch=None)
    before = cut(journal, [first._replace(event=old), *others])

    again = replay(flow(entry=two), before)

    assert again.data == Count(n=1)


def test_recorded_data_that_no_longer_fit_are_told_by_field() -> None:
    told = diverging(flow(), flow(data=Counts))

    assert told.kind == "data"
    assert "the recorded data do not fit: data of flow 'f' does not fit Counts: n:" in str(told)
    gone = diverging(flow(), Flow("f", State("s", Scripted("w", ["x"]), to(None))))
    assert "declares no data" in str(gone)


# Functions that answer twice and not the same --------------------------------------------------


def test_a_guard_that_depends_on_more_than_the_view_is_asked_twice_and_named() -> None:
    asked = [0]

    @guard
    def maybe(_: View) -> bool:
        asked[0] += 1
        return asked[0] % 2 == 1

    asking = Flow("f", State("s", Scripted("w", ["a", "b"]), to(None, when=maybe), to("s")))
    told = diverging(asking, asking)

    assert told.kind == "unsteady"
    assert "guard 'maybe' answered False, then True, on the same view" in str(told)
    assert (told.turn, told.state) == (1, "s")


def test_so_is_one_among_which_a_chooser_picks_and_one_that_raises() -> None:
    asked = [0]

    @guard
    def maybe(_: View) -> bool:
        asked[0] += 1
        return asked[0] % 2 == 1

    @guard
    def broken(_: View) -> bool:
        asked[0] += 1
        if asked[0] > 2:
            raise ValueError("no")
        return True

    def choosing(one: Guard) -> Flow:
        writer = Scripted("w", ["a", "b"])
        ways = (to(None, when=one), to("s"))
        return Flow("f", State("s", writer, *ways, choose=in_turn()))

    told = diverging(choosing(maybe), choosing(maybe))
    assert "guard 'maybe' answered" in str(told)
    asked[0] = 0
    raised = diverging(choosing(broken), choosing(broken))
    assert "guard 'broken' answered True, then raised ValueError: no" in str(raised)


def test_an_action_that_depends_on_more_than_the_view_is_named() -> None:
    rolled = [0]

    def roll(_: View) -> dict[str, object]:
        rolled[0] += 1
        return {"n": rolled[0]}

    told = diverging(flow(do=roll), flow(do=roll))

    assert told.kind == "unsteady"
    assert "roll' at 's' returned {'n': 2}, then {'n': 3}, on the same view" in str(told)
    assert diverging(flow(), flow(entry=roll)).kind == "unsteady"


def test_an_action_that_changes_its_view_in_place_is_repeated_as_it_was() -> None:
    def add(view: View) -> dict[str, object]:
        data = view.data
        assert isinstance(data, Counts)
        data.n.append(7)
        return {"n": data.n}

    journal = recorded(flow(do=add, data=Counts))

    assert replay(flow(do=add, data=Counts), journal).data == Counts(n=[7])


def test_functions_are_asked_twice_on_replay_alone() -> None:
    asked: list[str] = []

    @guard
    def noted(view: View) -> bool:
        asked.append(view.state)
        return True

    noting = Flow("f", State("s", Scripted("w", ["x"]), to(None, when=noted)))
    journal = recorded(noting)
    assert len(asked) == 1

    replay(noting, journal)

    assert len(asked) == 3


# How far a replay comes ------------------------------------------------------------------------


async def test_a_journal_that_was_cut_is_repeated_as_far_as_it_goes_and_says_how_far() -> None:
    talking = Flow("f", State("a", Scripted("w", ["x", "y"]), to("b")), State("b", end(), to(None)))
    journal = await made(talking)
    whole = await replay_journal(talking, journal)
    assert (whole.turns, whole.cut, whole.complete) == (2, "", True)

    part = await replay_journal(talking, cut(journal, journal.events[:4]))

    assert part.stop is None
    assert (part.turns, part.complete) == (1, False)
    assert part.cut == "turn 2 (state 'b', visit 1)"


def end() -> Scripted:
    """Return somebody who speaks once."""
    return Scripted("v", ["z"])


async def made(talking: Flow) -> Journal:
    """Return the journal of a run of *talking*."""
    journal = (await run(talking, "go")).journal
    assert journal is not None
    return journal


async def test_what_follows_the_end_of_the_run_is_not_used_and_refused() -> None:
    ending = Flow("f", State("a", Scripted("w", ["x"]), to(None)))
    journal = await made(ending)
    *most, last = journal.events
    turn = next(one for one in journal.events if isinstance(one.event, TurnTaken))
    longer = cut(journal, [*most, last, turn])

    with pytest.raises(ReplayDivergence) as told:
        await replay_journal(ending, longer)

    assert told.value.kind == "unused"
    assert "the run is over, and a turn of 'a' follows in the recording" in str(told.value)
