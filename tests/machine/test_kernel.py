"""The kernel, held against an eight-line reference on random flows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow.conversation.agent import Turn
from stateflow.conversation.message import Message
from stateflow.conversation.view import View
from stateflow.machine.guard import Guard
from stateflow.machine.kernel import Decision, Event, GuardRaised, Kernel
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.transition import Transition, to

NAMES = ("a", "b", "c", "end")


class Agent:
    name = "agent"

    async def reply(self, turn: Turn) -> str:
        return ""


def asks(index: int, *, faults: bool = False, exhausts: bool = False) -> Guard:
    """Return a guard that looks its verdict up in the data."""
    return Guard(f"g{index}", lambda view: view.data[index], faults=faults, exhausts=exhausts)


def states(*transitions: Transition) -> Kernel:
    return Kernel({"a": State("a", Agent(), *transitions), "end": Final("end")})


def offered(guard: Guard | None, event: Event) -> bool:
    if guard is None or event == "said":
        return event == "said"
    return guard.faults if event == "raised" else guard.exhausts


def reference(transitions: tuple[Transition, ...], event: Event, view: View) -> Decision:
    tried: list[bool | None] = []
    for index, transition in enumerate(transitions):
        if offered(transition.when, event):
            tried += [None] * (index - len(tried))
            tried.append(transition.when is None or transition.when(view))
            if tried[-1]:
                return Decision(tuple(tried), index, transition.target)
    return Decision(tuple(tried), None)


@st.composite
def rows(draw: st.DrawFn) -> tuple[Transition, ...]:
    row: list[Transition] = []
    for index in range(draw(st.integers(0, 5))):
        guard = asks(index, faults=draw(st.booleans()), exhausts=draw(st.booleans()))
        target = draw(st.sampled_from([*NAMES, None]))
        row.append(to(target, when=draw(st.sampled_from([guard, guard, None]))))
    return tuple(row)


@st.composite
def flows(draw: st.DrawFn) -> dict[str, Place]:
    first = State("a", Agent(), *draw(rows()))
    second = State("b", Agent(), *draw(rows()))
    return {
        "a": first,
        "b": second,
        "c": Junction("c", *draw(rows())),
        "end": Final("end"),
    }


VERDICTS = st.lists(st.booleans(), min_size=5, max_size=5)


@given(flows(), VERDICTS, st.sampled_from(["said", "raised", "exhausted"]))
def test_a_step_is_what_the_reference_says(
    places: dict[str, Place], verdicts: list[bool], event: Event
) -> None:
    """Same verdicts asked, same transition, same target, for every place and event."""
    kernel, view = Kernel(places), View(data=verdicts)

    for name, place in places.items():
        row = () if isinstance(place, Final) else place.transitions
        assert kernel.step(name, event, view) == reference(row, event, view)


@given(flows(), VERDICTS)
def test_what_is_chosen_is_taken(places: dict[str, Place], verdicts: list[bool]) -> None:
    """All guards are asked, in order; any index leads where its row says."""
    kernel, view = Kernel(places), View(data=verdicts)

    for name, place in places.items():
        row = () if isinstance(place, Final) else place.transitions
        tried = kernel.verdicts(name, view) if row else ()
        assert tried == tuple(t.when is None or t.when(view) for t in row)
        for index, transition in enumerate(row):
            assert kernel.take(name, index, tried) == Decision(tried, index, transition.target)


def test_the_first_that_holds_wins() -> None:
    """Those behind it are not asked."""
    kernel = states(to("end", when=asks(0)), to(None, when=asks(1)), to("a"))

    decision = kernel.step("a", "said", View(data=[False, True]))

    assert decision == Decision((False, True), 1, None)


def test_a_bare_transition_never_takes_a_raised_turn() -> None:
    """A dead model does not flow on as success; it was not even asked."""
    kernel = states(to("a"), to("end", when=asks(0, faults=True)))

    assert kernel.step("a", "raised", View(data=[True])) == Decision((None, True), 1, "end")
    assert states(to("a")).step("a", "raised", View()) == Decision((), None)


def test_a_guard_that_raises_is_named_with_its_state() -> None:
    """Verdicts asked before it are kept, in their places."""
    kernel = states(to("end", when=asks(0)), to("end", when=asks(1)))

    with pytest.raises(GuardRaised, match="guard 'g1' of state 'a' raised IndexError: ") as caught:
        kernel.step("a", "said", View(data=[False]))

    assert (caught.value.state, caught.value.guard) == ("a", "g1")
    assert caught.value.tried == (False,)


def test_a_guard_that_raises_on_a_raised_turn_keeps_its_place() -> None:
    """What was not offered before it counts as not asked."""
    kernel = states(to("a"), to("end", when=asks(0, faults=True)))

    with pytest.raises(GuardRaised) as caught:
        kernel.step("a", "raised", View(data=[]))

    assert caught.value.tried == (None,)


def test_a_guard_that_raises_where_a_chooser_picks_is_named_too() -> None:
    """The same fault, whoever asks."""
    kernel = states(to("end"), to("end", when=asks(0)))

    with pytest.raises(GuardRaised, match="mend the guard, then resume") as caught:
        kernel.verdicts("a", View(data=()))

    assert (caught.value.state, caught.value.guard) == ("a", "g0")
    assert caught.value.tried == (True,)


def test_two_runs_do_not_see_each_other() -> None:
    """One kernel is shared by all runs of a flow."""
    inner = states(to("end"))
    nosy = Guard("nosy", lambda view: inner.step("a", "said", view).target == "end")
    kernel = states(to("a", when=~nosy), to("end", when=nosy))

    decisions = [kernel.step("a", "said", View(last=Message(str(n), "x"))) for n in range(3)]

    assert decisions == [Decision((False, True), 1, "end")] * 3
