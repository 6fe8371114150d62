"""People: what they are asked, and what their answers say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, RootModel, SecretStr

from stateflow import (
    Agent,
    DefinitionError,
    Flow,
    Message,
    Result,
    Runner,
    Scripted,
    State,
    View,
    answered,
    canonical,
    replay,
    replied,
    to,
)
from stateflow.agents.human import Human
from stateflow.conversation.agent import Reply, Turn
from stateflow.journal.event import HumanAnswered, Journal
from stateflow.stores.memory import MemoryStore
from tests.agents.forms import Grade, Order

BOTH = ("yes", "no")


class Words(RootModel[list[str]]):
    """Is no object."""


class Tags(BaseModel):
    """Has no order."""

    tags: set[str]


class Login(BaseModel):
    """Asks for what must not be on the record."""

    name: str
    password: SecretStr


class Node(BaseModel):
    """Holds itself."""

    below: list[Node] = []


def alone(agent: Agent, **more: Any) -> Flow:  # noqa: ANN401 - arguments of a state
    """Return a flow in which only *agent* speaks."""
    return Flow("f", State("s", agent, to(None), **more))


async def told(flow: Flow, *answers: str) -> tuple[list[str], Result, Journal]:
    """Return what was asked in a run that gets *answers*, and what came of it."""
    store, asked = MemoryStore(), list[str]()
    async with Runner(store=store) as runner:
        result = await runner.start(flow, "go", run="r")
        for answer in answers:
            asked += [question.text for question in result.stop.questions]
            result = await runner.resume(flow, "r", answer=answer)
        journal = await runner.journal("r")
    again = replay(flow, journal).journal
    assert again is not None
    assert canonical(again) == canonical(journal)
    return asked, result, journal


@dataclass
class Asked:
    """A turn in which only questions can be asked."""

    answers: list[str]
    role: str = ""

    def __post_init__(self) -> None:
        self.view = View(last=Message("ten euros", "clerk"))
        self.questions: list[tuple[str, Sequence[str], object, str | None]] = []

    async def ask(
        self,
        text: str,
        options: Sequence[str] = (),
        *,
        form: object = None,
        default: str | None = None,
    ) -> str:
        self.questions.append((text, options, form, default))
        return self.answers.pop(0)


async def reply(human: Human, *answers: str, role: str = "") -> tuple[Reply, list[str]]:
    """Return what *human* says, and what was asked until then."""
    turn: Any = Asked(list(answers), role)
    said = await human.reply(turn)
    assert turn.answers == []
    return said, [question[0] for question in turn.questions]


@pytest.mark.parametrize(
    ("human", "role", "asked"),
    [
        (Human("boss", "Accept it?"), "Decide.", "Accept it?"),
        (Human("boss"), "Decide.", "Decide."),
        (Human("boss"), "", "It is your turn, boss."),
        (Human("boss", lambda view: f"Pay {view.last.text}?"), "Decide.", "Pay ten euros?"),
        (Human("boss", lambda view: ""), "Decide.", "Decide."),
    ],
    ids=["its own", "the role", "neither", "a function", "a function without a word"],
)
async def test_a_person_is_asked_its_question_or_the_states(
    human: Human, role: str, asked: str
) -> None:
    assert (await reply(human, "well", role=role))[1] == [asked]


async def test_a_question_function_that_returns_no_text_is_told_of() -> None:
    def ask(view: View) -> Any:  # noqa: ANN401 - no text
        return len(view.last.text)

    with pytest.raises(DefinitionError, match="ask function of 'boss' returned a int, not a text"):
        await reply(Human("boss", ask))


@pytest.mark.parametrize(
    ("answer", "chosen", "text"),
    [
        ("yes", "yes", "yes"),
        ("no, too expensive", "no", "no, too expensive"),
        ("N", "no", "no"),
        ("no-go", "no-go", "no-go"),
        ("no-go: rain", "no-go", "no-go: rain"),
    ],
)
async def test_the_option_is_the_answer_and_the_reason_is_said(
    answer: str, chosen: str, text: str
) -> None:
    options = ("yes", "no", "no-go") if "go" in answer else BOTH
    said, _ = await reply(Human("boss", options=options), answer)

    assert said == Message(text, answer=chosen)


async def test_guards_read_the_option_whatever_reason_follows_it() -> None:
    boss = Human("boss", "Accept?", options=BOTH)
    flow = Flow(
        "f",
        State("write", Scripted("writer", ["a", "b"]), to("ok")),
        State("ok", boss, to(None, when=answered("yes")), to("write")),
    )
    asked, result, _ = await told(flow, "no, too long", "Y")

    assert result.path == ("write", "ok", "write", "ok")
    assert [m.text for m in result.messages] == ["go", "a", "no, too long", "b", "yes"]
    assert asked == ["Accept?", "Accept?"]


@pytest.mark.parametrize(
    ("human", "answer", "wrong"),
    [
        (Human("boss", "Q", options=BOTH), "perhaps", "the answer is none of 'yes', 'no'"),
        (Human("boss", "Q"), " ", "the answer is empty"),
        (
            Human("boss", "Q", form=Grade),
            '{"score": 11}',
            "score: Input should be less than or equal to 10",
        ),
    ],
    ids=["options", "text", "form"],
)
async def test_an_answer_that_does_not_fit_is_asked_again_with_the_complaint(
    human: Human, answer: str, wrong: str
) -> None:
    good = '{"score": 9}' if human.form else "yes"
    _, asked = await reply(human, answer, answer, good)

    assert asked == ["Q", *[f"That does not fit: {wrong}.\n\nQ"] * 2]


class Behind:
    """Lets somebody else speak, so that nobody finds whose form it is."""

    name = "desk"
    kind = "human"
    composed = True

    def __init__(self, human: Human) -> None:
        self.human = human

    async def reply(self, turn: Turn) -> Reply:
        return await self.human.reply(turn)


async def test_each_answer_that_does_not_fit_is_on_the_record() -> None:
    flow = alone(Behind(Human("boss", "Grade it.", form=Grade)))
    asked, result, journal = await told(flow, '{"score": 0}', '{"score": 7}')

    answers = [r.event for r in journal.events if isinstance(r.event, HumanAnswered)]
    assert [(str(a.key), a.answer) for a in answers] == [
        ("s#1.0", '{"score": 0}'),
        ("s#1.1", '{"score": 7}'),
    ]
    assert asked[1].startswith("That does not fit: score: Input should be greater than")
    assert result.messages[-1].reply == {"score": 7, "why": ""}


async def test_a_form_is_data_for_guards_and_lines_for_people() -> None:
    boss = Human("boss", "Grade it.", form=Grade)
    flow = Flow("f", State("s", boss, to(None, when=replied("score", at_least=8)), to("s")))
    _, result, _ = await told(flow, '{"score": 3, "why": "dull"}', '{"score": 8}')

    first, second = result.messages[1:]
    assert (first.text, first.answer) == ("score: 3\nwhy: dull", "score: 3\nwhy: dull")
    assert second.reply == {"score": 8, "why": ""}
    assert result.stop.kind == "done"


async def test_no_value_of_a_form_can_pass_for_another_field() -> None:
    why = "dull\nscore: 10\u2028score: 10\x1b[2J\u0085"
    said, _ = await reply(Human("boss", form=Grade), json.dumps({"score": 3, "why": why}))

    assert isinstance(said, Message)
    assert said.text.splitlines()[0] == "score: 3"
    assert len(said.text.splitlines()) == 2
    assert "\x1b" not in said.text
    assert said.reply == {"score": 3, "why": why}


async def test_what_is_no_text_is_told_as_json() -> None:
    answer = '{"items": ["a", "ä"], "part": {"size": 2}, "more": null}'
    said, _ = await reply(Human("boss", form=Order), answer)

    assert isinstance(said, Message)
    assert said.text == 'items: ["a","ä"]\npart: {"size":2.0}\nhow: slow\nmore: null'


async def test_a_form_without_fields_is_filled_in_by_an_empty_object() -> None:
    class Nothing(BaseModel):
        pass

    said, _ = await reply(Human("boss", form=Nothing), "{}")

    assert said == Message("{}", reply={}, answer="{}")


@pytest.mark.parametrize(
    ("human", "said"),
    [
        (Human("b", default="blue"), Message("blue", answer="blue")),
        (Human("b", options=BOTH, default="no"), Message("no", answer="no")),
        (
            Human("b", form=Grade, default={"score": 5}),
            Message("score: 5\nwhy:", reply={"score": 5, "why": ""}, answer="score: 5\nwhy:"),
        ),
        (
            Human("b", form=Grade, default=Grade(score=5)),
            Message("score: 5\nwhy:", reply={"score": 5, "why": ""}, answer="score: 5\nwhy:"),
        ),
    ],
    ids=["text", "option", "form", "filled form"],
)
async def test_an_empty_answer_is_the_default(human: Human, said: Message) -> None:
    assert (await reply(human, " "))[0] == said


@pytest.mark.parametrize(
    "more", [{}, {"options": BOTH}, {"form": Grade}], ids=["text", "options", "form"]
)
async def test_a_person_who_may_pass_has_a_turn_without_a_message(more: Mapping[str, Any]) -> None:
    _, result, journal = await told(alone(Human("boss", "Well?", may_pass=True, **more)), "")

    assert [m.text for m in result.messages] == ["go"]
    assert (result.stop.kind, result.path) == ("done", ("s",))
    assert [r.event.answer for r in journal.events if isinstance(r.event, HumanAnswered)] == [""]


def test_the_door_is_told_what_can_be_answered() -> None:
    human = Human("boss", form=Grade, default={"score": 5})
    schema: Any = human.schema

    assert list(schema["properties"]) == ["score", "why"]
    assert schema["required"] == ["score"]
    assert human.default == '{"score": 5}'
    assert Human("boss", may_pass=True).default == ""
    assert (human.kind, human.composed) == ("human", True)


def test_a_form_that_holds_itself_is_an_object_at_the_top() -> None:
    schema: Any = Human("boss", form=Node).schema

    assert (schema["type"], list(schema["properties"])) == ("object", ["below"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ask": 7}, "ask=7 is no question"),
        ({"options": "yes"}, "options='yes' is no list; write options="),
        ({"options": 7}, "options=7 is no list"),
        ({"options": ["yes", ""]}, "option '' is no answer"),
        ({"options": ["yes", 1]}, "option 1 is no answer"),
        ({"options": [" no"]}, "option ' no' is no answer"),
        ({"options": ["a\nb"]}, r"option 'a\\nb' is no answer"),
        ({"options": ["Yes", "yes"]}, "options 'Yes' and 'yes' are one answer"),
        ({"options": BOTH, "form": Grade}, "has options and a form; leave one out"),
        ({"form": {"type": "object"}}, "is no form; give a pydantic model"),
        ({"form": Grade(score=1)}, "is no form; give a pydantic model"),
        ({"form": Words}, "form=Words is no JSON object with fields"),
        ({"form": Tags}, "form=Tags holds a set"),
        ({"form": Login}, "form=Login asks for a secret"),
        ({"default": ""}, "default='' is no answer; give a text, or write may_pass=True"),
        ({"default": 7}, "default=7 is no answer"),
        ({"default": "\x1b"}, "is no answer"),
        ({"default": "Yes", "options": BOTH}, "default='Yes' is none of the options: 'yes', 'no'"),
        ({"default": "yes", "may_pass": True}, "cannot both be default='yes' and pass"),
        ({"default": {"score": 0}, "form": Grade}, "does not fit Grade: score: Input should be"),
        ({"default": "8", "form": Grade}, "does not fit Grade: the whole: Input should be an obj"),
        ({"default": {"score": {1}}, "form": Grade}, "does not fit Grade: Object of type set"),
    ],
)
def test_what_is_no_question_is_refused_where_it_is_declared(
    given: dict[str, Any], told: str
) -> None:
    with pytest.raises(DefinitionError, match=told) as refused:
        Human("boss", **given)
    assert "agent 'boss'" in str(refused.value)


def test_a_form_that_json_cannot_describe_is_refused() -> None:
    class Calls(BaseModel):
        what: Callable[[], None]

    with pytest.raises(DefinitionError, match="form=Calls: pydantic finds no JSON schema"):
        Human("boss", form=Calls)


def test_a_name_that_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(DefinitionError, match="cannot name an agent"):
        Human("a/b")
