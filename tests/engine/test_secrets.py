"""Secrets do not reach a journal, whoever says them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from stateflow import (
    Assistant,
    DefinitionError,
    File,
    Flow,
    Result,
    Runner,
    Scripted,
    State,
    View,
    guard,
    to,
    tool,
)
from stateflow.conversation.message import ToolCall
from stateflow.journal.codec import encode
from stateflow.journal.redact import Redactor, Stream
from stateflow.models.base import ModelReply
from stateflow.models.scripted import ScriptedModel

SECRET = "hunter2-hunter2"


class Data(BaseModel):
    """Of a flow."""

    note: str = ""


async def run(flow: Flow, model: ScriptedModel | None = None, **more: Any) -> Result:  # noqa: ANN401
    """Run *flow* with the secret known, and look for it in all that is written."""
    async with Runner(secrets=[SECRET], models={"a": model} if model else None) as runner:
        result = await runner.start(flow, "go", run="r", **more)
        events = await runner.store.read("r")
    written = [encode(one.event)[1] for one in events]
    assert not any(SECRET in text for text in written), written
    assert any("[SECRET_1]" in text for text in written)
    return result


def leak(view: View) -> dict[str, str]:
    return {"note": f"it is {SECRET}"}


async def test_a_guard_that_raises_one() -> None:
    """What it raised is told without it."""

    @guard
    def broken(view: View) -> bool:
        raise ValueError(SECRET)

    result = await run(Flow("f", State("s", Scripted("a", ["x"]), to(None, when=broken))))
    assert SECRET not in result.stop.why


async def test_an_action_that_raises_one() -> None:
    """The same."""

    def broken(view: View) -> dict[str, str]:
        raise ValueError(SECRET)

    await run(Flow("f", State("s", Scripted("a", ["x"]), to(None, do=broken)), data=Data))


@pytest.mark.parametrize("where", ["entry", "do"])
async def test_an_action_that_puts_one_into_the_data(where: str) -> None:
    """Guards read what a replay reads."""
    leaving = to(None, do=leak) if where == "do" else to(None)
    entry = leak if where == "entry" else None
    state = State("s", Scripted("a", ["x"]), leaving, entry=entry)
    result = await run(Flow("f", state, data=Data))
    assert result.data.note == "it is [SECRET_1]"


async def test_the_name_of_a_file_of_the_task() -> None:
    """Its content is its own affair."""
    file = File.from_bytes(b"x", name=f"{SECRET}.txt")
    await run(Flow("f", State("s", Scripted("a", ["x"]), to(None))), files=[file])


async def test_arguments_results_and_the_question_of_a_tool() -> None:
    """A person is asked without it, too."""

    @tool(approve=True)
    def look(word: str) -> str:
        """Look."""
        return f"{word} it is"

    called = ModelReply("", (ToolCall("1", "look", f'{{"word": "{SECRET}"}}'),))
    agent = Assistant("a", "scripted:-", tools=[look])
    result = await run(Flow("f", State("s", agent, to(None))), ScriptedModel([called, "done"]))
    assert "[SECRET_1]" in result.stop.questions[0].text


@pytest.mark.parametrize("size", range(1, 9))
def test_a_stream_cuts_no_secret_that_another_begins(size: int) -> None:
    """However the text is cut."""
    stream = Stream(Redactor({"A": "abcdefgh12345678", "B": "abcdefgh", "C": "5678xyzw00"}))
    text = "so abcdefgh12345678xyzw00 and abcdefgh."
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    told = "".join([*(stream.text(piece) for piece in pieces), stream.rest()])
    assert told == "so [A]xyzw00 and [B]."


def test_a_password_in_an_address_is_one() -> None:
    """Of whatever scheme."""
    text = Redactor({}).text("see https://ann:pass@host/v1#m and ann@host")
    assert text == "see https://[password]@host/v1#m and ann@host"


def test_data_that_holds_a_set_is_refused() -> None:
    """Its order is another in every process."""

    class Sets(BaseModel):
        words: set[str] = set()

    with pytest.raises(DefinitionError, match="holds a set"):
        Flow("f", State("s", Scripted("a", ["x"]), to(None)), data=Sets)


async def test_a_summary_that_tells_one_is_redacted() -> None:
    """What a transcript is cleared to stands in the journal, too."""
    flow = Flow(
        "f",
        State("s", Scripted("a", ["said"]), to("t", restart=lambda _: f"it is {SECRET}")),
        State("t", Scripted("b", ["said"]), to(None)),
    )

    result = await run(flow)

    assert result.messages[0].text == "it is [SECRET_1]"
