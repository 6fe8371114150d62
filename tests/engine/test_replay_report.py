"""What a replay says of the first difference: one report, and its facts as attributes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import BaseModel

from stateflow import (
    Assistant,
    Budget,
    Flow,
    FunctionAgent,
    Human,
    Scripted,
    State,
    View,
    by_model,
    guard,
    last,
    replay,
    says,
    to,
)
from stateflow.conversation.agent import Turn
from stateflow.conversation.effect import Call
from stateflow.errors import ReplayDivergence
from stateflow.journal.event import EffectDone
from stateflow.machine.guard import Guard
from stateflow.models.base import Settings
from stateflow.models.model import Model
from tests.support.diverging import cut, diverging, recorded


def talk(
    *, when: Guard | None = None, target: str = "b", visits: int | None = None, turns: int = 9
) -> Flow:
    """Return a flow that goes from a to b and back, and ends."""
    back = Scripted("v", ["x"])
    speaks = Scripted("w", ["x", "y"])
    first = says("x") if when is None else when
    return Flow(
        "f",
        State("a", speaks, to(target, when=first), to(None), visits=visits),
        State("b", back, to("a")),
        budget=Budget(turns=turns),
    )


def speech(**words: object) -> Flow:
    """Return a flow in which an assistant speaks once."""
    role = str(words.pop("role", ""))
    told = {"model": "scripted:x", "prompt": "Be brief.\nBe kind.", **words}
    return Flow("f", State("s", Assistant("w", **told), to(None), prompt=role))  # type: ignore[arg-type]  # the words of an assistant


# Where a turn went -----------------------------------------------------------------------------


def test_a_turn_that_went_elsewhere_is_told_with_both_targets_and_every_verdict() -> None:
    told = diverging(talk(), talk(when=says("q")))

    assert str(told) == (
        "turn 1 (state 'a', visit 1): recorded: 'a' → 'b' by says('x'); now: 'a' → 'done' by else\n"
        "    guard                  recorded  now\n"
        "    says('x') → says('q')  True      False  <- differs\n"
        "    else                   -         True  <- differs\n"
        "what changed in the flow:\n"
        "    ~ transition 'a → b': guard says('x') → says('q')"
    )
    assert (told.kind, told.turn, told.state, told.visit) == ("step", 1, "a", 1)
    assert (told.expected, told.actual) == ("b", "done")
    assert told.verdicts == (("says('x') → says('q')", True, False), ("else", None, True))


def test_another_target_is_told_as_what_was_removed_and_added() -> None:
    told = diverging(talk(), talk(target="a"))

    assert (told.expected, told.actual) == ("b", "a")
    assert told.changes == ("+ transition 'a → a': says('x')", "− transition 'a → b': says('x')")


def test_guards_that_are_tried_in_another_order_are_told_by_name() -> None:
    def flow(*, swapped: bool) -> Flow:
        ways = [to("b", when=says("x")), to(None, when=says("x"), do=None)]
        ways.reverse() if swapped else None
        return Flow("f", State("a", Scripted("w", ["x"]), *ways), State("b", last_word(), to(None)))

    told = diverging(flow(swapped=False), flow(swapped=True))

    assert (told.expected, told.actual) == ("b", "done")
    assert "order of trial" in told.changes[0]


def last_word() -> Scripted:
    """Return somebody who speaks once."""
    return Scripted("z", ["z"])


def test_a_guard_that_closes_over_something_is_suspected_where_the_flow_is_as_it_was() -> None:
    most = [0]

    @guard
    def long(view: View) -> bool:
        return len(view.transcript) > most[0]

    flow = Flow("f", State("a", Scripted("w", ["x", "y", "z"]), to(None, when=long), to("a")))
    journal = recorded(flow)
    most[0] = 2

    with pytest.raises(ReplayDivergence) as told:
        replay(flow, journal)
    assert told.value.changes == ()
    assert "guard 'long' depends on more than the view" in told.value.details[0]


@pytest.mark.parametrize(
    ("after", "which", "change"),
    [
        pytest.param(talk(visits=1), "visits of 'a'", "~ state 'a': visits none → 1", id="visits"),
        pytest.param(talk(turns=1), "turns", "~ flow: budget turns 9 → 1", id="budget"),
    ],
)
def test_a_limit_that_bites_now_is_named(after: Flow, which: str, change: str) -> None:
    told = diverging(talk(), after)

    assert told.kind == "stop"
    assert f"now: budget ({which}) at 'b'" in str(told)
    assert told.expected == "the run went on, 'b' → 'a' by else"
    assert told.changes == (change,)


# What is asked for -----------------------------------------------------------------------------


def test_a_prompt_is_told_line_by_line_and_only_once() -> None:
    told = diverging(speech(), speech(prompt="Be brief.\nBe rude."))

    assert str(told) == (
        "request s#1.0 (model.call): the request has changed: prompt\n"
        "    prompt of agent 'w':\n"
        "    - Be kind.\n"
        "    + Be rude."
    )
    assert (told.kind, told.key, told.op, told.turn) == ("request", "s#1.0", "model.call", 1)


def test_the_prompt_of_a_state_is_told_as_that() -> None:
    told = diverging(speech(role="one"), speech(role="two"))

    assert told.request == ("prompt of state 's':", "- one", "+ two")


def test_a_prompt_that_a_function_makes_is_told_where_the_state_changed_nothing() -> None:
    def flow(prompt: str) -> Flow:
        agent = Assistant("w", "scripted:x", prompt)
        return Flow("f", State("s", agent, to(None), prompt=lambda view: f"Turn {view.turns}."))

    told = diverging(flow("one"), flow("two"))

    assert told.request == ("prompt of agent 'w':", "- one", "+ two")


def test_models_and_settings_are_told_by_name() -> None:
    warm = Model("scripted:x", Settings(temperature=0.2))
    hot = Model("scripted:x", Settings(temperature=0.7, seed=1))

    assert diverging(speech(), speech(model="scripted:y")).request == (
        'model: "scripted:x" → "scripted:y"',
    )
    assert diverging(speech(model=warm), speech(model=hot)).request == (
        "settings.seed: none → 1",
        "settings.temperature: 0.2 → 0.7",
    )


def search(query: str, limit: int = 5) -> str:
    """Search the web."""
    return f"{query} {limit}"


def search_more(query: str, limit: int = 9, lang: str = "en") -> str:
    """Search the whole web."""
    return f"{query} {limit} {lang}"


search_more.__name__ = "search"


def fetch(url: str) -> str:
    """Fetch a page."""
    return url


def test_tools_are_told_parameter_by_parameter() -> None:
    told = diverging(speech(tools=[search]), speech(tools=[search_more, fetch]))

    assert told.request == (
        'tool \'search\' description: "Search the web." → "Search the whole web."',
        "tool 'search' parameter 'limit'.default: 5 → 9",
        'tool \'search\' parameter \'lang\': new, {"default":"en","type":"string"}',
        "tool 'fetch': new",
    )
    assert told.changes == ()
    assert diverging(speech(tools=[fetch]), speech()).request == ("tool 'fetch': gone",)


def test_tools_in_another_order_are_told_as_that() -> None:
    told = diverging(speech(tools=[search, fetch]), speech(tools=[fetch, search]))

    assert told.request == ("tools in another order: search, fetch → fetch, search",)


class Score(BaseModel):
    """A reply."""

    score: int


class Note(BaseModel):
    """A reply."""

    score: float


def test_the_schema_of_a_reply_is_told_field_by_field() -> None:
    model = 'scripted:{"score": 3}'
    told = diverging(speech(reply=Score, model=model), speech(reply=Note, model=model))

    assert told.request == (
        'reply schema.properties.score.type: "integer" → "number"',
        'reply schema.title: "Score" → "Note"',
    )


def test_what_is_seen_is_told() -> None:
    def flow(number: int) -> Flow:
        return Flow("f", State("s", Assistant("w", "scripted:x"), to(None), sees=last(number)))

    assert diverging(flow(2), flow(3)).request[0].startswith("what is seen (sees)")


def test_the_question_to_a_person_is_told_with_its_options() -> None:
    def flow(text: str, *options: str) -> Flow:
        return Flow("f", State("h", Human("me", text, options=options), to(None)))

    told = diverging(flow("Go?", "yes", "no"), flow("Stop?", "yes", "never"))

    assert told.op == "human.ask"
    assert told.request == ('options: ["yes","no"] → ["yes","never"]', 'question: "Go?" → "Stop?"')


def test_the_candidates_of_a_chooser_are_told() -> None:
    def flow(*names: str) -> Flow:
        first = State(
            "s", Scripted("w", ["x"]), *[to(name) for name in names], choose=by_model("scripted:a")
        )
        return Flow("f", first, *[State(n, Scripted(n, ["y"]), to(None)) for n in ("a", "b", "c")])

    told = diverging(flow("a", "b"), flow("a", "c"))

    assert told.request == ('candidates: ["a","b"] → ["a","c"]',)


def test_a_message_that_was_edited_in_the_recording_is_pointed_at() -> None:
    flow = Flow(
        "f",
        State("a", Scripted("v", ["Hello."]), to("s")),
        State("s", Assistant("w", "scripted:x"), to(None)),
    )
    journal = recorded(flow)
    events = [
        one._replace(event=replace(one.event, result={"text": "Hullo."}))
        if isinstance(one.event, EffectDone) and one.event.key.state == "a"
        else one
        for one in journal.events
    ]

    with pytest.raises(ReplayDivergence) as told:
        replay(flow, cut(journal, events))
    assert told.value.request == (
        "what was said before: other than it was, in message 2; was the recording edited?",
        "  v: Hullo.",
    )


def test_a_long_difference_is_cut_with_a_count() -> None:
    lines = [f"Line {number}." for number in range(300)]
    told = diverging(speech(prompt="\n".join(lines)), speech(prompt="Nothing."))

    assert len(told.request) < 50
    assert told.request[-1] == "... and 261 more lines"


def test_a_difference_late_in_a_long_line_is_shown_where_it_is() -> None:
    long = "word " * 1_000_000
    told = diverging(speech(prompt=f"{long}one."), speech(prompt=f"{long}two."))

    assert told.request[1].startswith("- …")
    assert told.request[1].endswith(" one.")
    assert told.request[2].endswith(" two.")
    assert len(str(told)) < 2_000


def test_texts_of_many_lines_are_compared_as_far_as_is_worth_reading() -> None:
    before = "\n".join(f"Line {number}." for number in range(100_000))
    told = diverging(speech(prompt=before), speech(prompt=before.replace("Line 9", "Row 9")))

    assert told.request[1:3] == ("- Line 9.", "+ Row 9.")
    assert told.request[-1] == "... and 99,491 lines that are not compared"


def test_a_text_that_goes_on_is_told_by_what_was_added() -> None:
    told = diverging(speech(prompt="one\ntwo"), speech(prompt="one\ntwo\nthree"))

    assert told.request[1:] == ("+ three",)


# Calls too many, calls too few -----------------------------------------------------------------


class Asks:
    """Asks what time it is, a number of times."""

    name = "w"
    composed = True

    def __init__(self, times: int) -> None:
        """Ask so many times."""
        self.times = times

    async def reply(self, turn: Turn, /) -> str:
        """Ask, and say something."""
        for _ in range(self.times):
            await turn.perform(Call("clock.now"))
        return "x"


def asking(times: int) -> Flow:
    """Return a flow in which one speaks who asks so many times."""
    return Flow("f", State("s", Asks(times), to(None)))


def test_a_call_that_the_journal_does_not_hold_is_named() -> None:
    told = diverging(asking(1), asking(2))

    assert (told.kind, told.key, told.op, told.actual) == ("missing", "s#1.1", *["clock.now"] * 2)
    assert "the flow now asks for 'clock.now', and the journal holds nothing here" in str(told)


def test_a_recorded_call_that_nothing_asks_for_is_named() -> None:
    told = diverging(asking(3), asking(1))

    assert (told.kind, told.key, told.op) == ("unused", "s#1.1", "clock.now")
    assert "no longer asks for it (1 more are not used)" in str(told)


def test_another_kind_of_call_is_told_with_what_changed() -> None:
    told = diverging(
        speech(prompt=""), Flow("f", State("s", FunctionAgent("w", lambda _: "x"), to(None)))
    )

    assert (told.expected, told.actual) == ("model.call", "agent.reply")
    assert "~ agent 'w': model scripted:x → none" in told.changes


# What is gone ----------------------------------------------------------------------------------


def test_a_state_that_is_gone_is_named_with_those_there_are() -> None:
    def flow(name: str) -> Flow:
        return Flow(
            "f",
            State("a", Scripted("w", ["x"]), to(name)),
            State(name, Scripted("v", ["y"]), to(None)),
        )

    told = diverging(flow("b"), flow("c"))

    assert str(told) == (
        "turn 1 (state 'a', visit 1): state 'b' of the recording is not in flow 'f' any more "
        "(states: a, c)\n"
        "what changed in the flow:\n"
        "    ~ state 'b' is now 'c'"
    )
    assert (told.kind, told.expected) == ("gone", "b")


def test_an_initial_state_of_a_nested_flow_that_is_gone_is_named_by_its_path() -> None:
    def flow(name: str) -> Flow:
        inner = Flow("inner", State(name, Scripted("w", ["x"]), to(None)))
        return Flow("outer", State("o", inner.as_agent(), to(None)))

    told = diverging(flow("say"), flow("tell"))

    assert told.run == "o#1.0"
    assert "state 'say' of the recording is not in flow 'inner' any more (states: tell)" in str(
        told
    )


def test_an_agent_that_is_gone_is_named() -> None:
    told = diverging(speech(), Flow("f", State("s", Assistant("v", "scripted:x"), to(None))))

    assert "agent 'w' of the recording is not in flow 'f' any more (agents: v)" in str(told)
    assert told.expected == "w"
