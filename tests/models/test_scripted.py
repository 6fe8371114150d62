"""The model that says what it was told."""

from __future__ import annotations

import pytest

from stateflow.conversation.message import Message
from stateflow.errors import ModelNotFound
from stateflow.models.base import ChatMessage, ModelRequest
from stateflow.models.render import render
from stateflow.models.scripted import ScriptedModel


async def test_the_next_text_follows_from_the_request_and_the_last_repeats() -> None:
    """One object serves many runs, because it keeps nothing."""
    model = ScriptedModel(["one", "two"])
    heard: list[str] = []
    for said, text in [((), "one"), (("one",), "two"), (("one", "two"), "two"), ((), "one")]:
        messages = tuple(ChatMessage("assistant", t) for t in said)
        reply = await model.complete(ModelRequest("m", "", messages), on_delta=heard.append)
        assert reply.text == text
    await model.aclose()


async def test_replies_that_were_merged_count_one_by_one() -> None:
    """A self-loop goes on, although its messages are rendered as one."""
    said = [Message("one", "bot"), Message("two", "bot")]
    system, messages = render(said, me="bot", state="s", prompt="", role="")

    reply = await ScriptedModel(["one", "two", "three"]).complete(
        ModelRequest("m", system, messages), on_delta=lambda _: None
    )

    assert reply.text == "three"


async def test_usage_counts_words_and_the_pieces_make_the_text() -> None:
    """Budgets and screens can be tried without a provider."""
    pieces: list[str] = []
    model = ScriptedModel(["two  words"])

    reply = await model.complete(
        ModelRequest("m", "Be brief", (ChatMessage("user", "please"),)), on_delta=pieces.append
    )

    assert pieces == ["two  ", "words"]
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (3, 2)


def test_a_script_without_texts_is_refused() -> None:
    """It could not even repeat its last text."""
    with pytest.raises(ModelNotFound, match=r"scripted:one\|two"):
        ScriptedModel([])
