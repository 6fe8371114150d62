"""Which answers fit a question, and what is told of those that do not."""

from __future__ import annotations

import pytest

from stateflow import AnswerRefused, Flow, Runner, State, to
from stateflow.conversation.agent import Turn
from stateflow.conversation.effect import Question
from stateflow.engine.answering import answers_to, fitting
from stateflow.stores.memory import MemoryStore

BOTH = ("yes", "no")


@pytest.mark.parametrize(
    ("answer", "options", "kept"),
    [
        (" Yes ", BOTH, "yes"),
        ("y", BOTH, "yes"),
        ("yes.", BOTH, "yes"),
        ("NO, too much", BOTH, "no, too much"),
        ("yes, but less", BOTH, "yes, but less"),
        ("nobody", BOTH, None),
        ("why?", BOTH, None),
        ("yes|no", BOTH, None),
        ("no/yes", BOTH, None),
        ("  ", BOTH, None),
        (".", BOTH, None),
        ("a", ("accept", "abort"), None),
        ("a", ("A", "a"), "a"),
        ("yes", ("yes", "yes to all"), "yes"),
        ("yes to all, now", ("yes", "Yes to all"), "Yes to all, now"),
        ("result: 7", (*BOTH, "result"), "result: 7"),
        (" anything\n", (), " anything\n"),
        (" ", (), None),
    ],
)
def test_an_answer_is_an_option_its_beginning_or_an_option_with_a_reason(
    answer: str, options: tuple[str, ...], kept: str | None
) -> None:
    assert fitting(answer, options) == kept


def test_an_answer_that_fits_no_option_is_told_which_there_are() -> None:
    asked = {"a#1.0": Question("a#1.0", "Allow it?", BOTH), "a#1.1": Question("a#1.1", "Why?")}
    given = answers_to("r", asked, None, {"a#1.0": "N", "a#1.1": "because"})
    assert given == {"a#1.0": "no", "a#1.1": "because"}
    with pytest.raises(AnswerRefused, match=r"'a#1\.0' is none of its options \('yes', 'no'\)"):
        answers_to("r", asked, None, {"a#1.0": "perhaps"})
    with pytest.raises(AnswerRefused, match=r"'a#1\.1' is empty; give it a text"):
        answers_to("r", asked, None, {"a#1.1": ""})


class Asks:
    """Asks a person, and says the answer."""

    name = "asks"
    composed = True

    async def reply(self, turn: Turn) -> str:
        """Ask."""
        return await turn.ask("Allow it?", BOTH)


async def test_an_answer_that_is_refused_leaves_the_question_open() -> None:
    """Nothing is written, not even beside a good answer."""
    flow, store = Flow("f", State("s", Asks(), to(None))), MemoryStore()
    async with Runner(store=store) as runner:
        await runner.start(flow, "go", run="r")
        before = await store.read("r")
        with pytest.raises(AnswerRefused):
            await runner.resume(flow, "r", answer="perhaps")
        assert await store.read("r") == before
        result = await runner.resume(flow, "r", answer="Y")
    assert (result.stop.kind, result.messages[-1].text) == ("done", "yes")
