"""What the clients of all vendors share."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest

from stateflow.conversation.message import ToolCall
from stateflow.errors import AuthFailed, BadReply, BadRequest, FaultError
from stateflow.models.base import ModelRequest
from stateflow.models.http import (
    check_uncut,
    checked_key,
    host_of,
    is_json,
    quoted,
    retry_after_s,
    shown,
    status_fault,
)
from stateflow.value import Json

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 -0000"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, 366 * 86_400.0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_a_wait_is_read_in_every_form_that_servers_send(
    headers: dict[str, str], wait_s: float | None
) -> None:
    """What makes no sense is as if it had not been said."""
    assert retry_after_s(headers, NOON) == wait_s


def test_what_a_server_said_is_one_harmless_line_without_the_key() -> None:
    """Errors end up in terminals, logs and journals."""
    said = "bad\n\x1b[2Jkey sk-secret-key \ud800" + "x" * 1000

    quote = quoted(said, " sk-secret-key\n")

    assert quote.startswith("bad [2Jkey *** ")
    assert len(quote) == 300


def test_a_key_loses_its_space_and_a_strange_one_is_refused() -> None:
    """The transport would tell it."""
    assert checked_key(" k\n", name="m", variable="KEY") == "k"
    with pytest.raises(AuthFailed, match="export KEY again") as caught:
        checked_key("k\nü-secret", name="m", variable="KEY")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "text", "arguments"),
    [
        pytest.param(None, " ", [], id="nothing"),
        pytest.param({}, "{", [], id="half-a-reply"),
        pytest.param(None, "I call", ["{}", "{"], id="half-a-call"),
    ],
)
def test_a_beginning_is_no_reply(schema: Json, text: str, arguments: list[str]) -> None:
    """More tokens would have completed it; plain text can be used, and what is whole."""
    calls = [ToolCall("c", "f", one) for one in arguments]

    with pytest.raises(BadReply, match="raise max_tokens"):
        check_uncut(ModelRequest("m", schema=schema), text, calls, "m")
    check_uncut(ModelRequest("m", schema=schema), "{}", calls[:1], "m")


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("image input is not supported - hint: give an mmproj", BadRequest),
        ("Invalid diff: '{' not found", BadReply),
    ],
)
def test_a_failure_of_a_server_that_trying_again_does_not_mend_is_told_apart(
    said: str, fault: type[FaultError]
) -> None:
    """As llama.cpp says them at each of its addresses, with the status 500."""
    assert type(status_fault("m", 500, said)) is fault


@pytest.mark.parametrize("url", ["http://[", "http://h:99999999/v1"])
def test_an_address_that_cannot_be_is_refused(url: str) -> None:
    """It comes from the environment."""
    with pytest.raises(ValueError, match=r".+"):
        host_of(url)


def test_a_password_in_an_address_is_not_shown() -> None:
    """Names of models are on every screen."""
    assert shown("https://u:secret@h/v1") == "https://h/v1"


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("application/json; charset=utf-8", b"[]", True),
        ("text/event-stream", b"{", False),
        ("", b'\n {"a": 1}', True),
        ("", b"data: {}", False),
        ("text/plain", b"{}", True),
        ("text/html", b"<p>", False),
    ],
)
async def test_an_answer_that_does_not_say_what_it_is_is_looked_at(
    kind: str, body: bytes, found: bool
) -> None:
    """Some servers leave the content type out."""
    headers = {"content-type": kind} if kind else {}

    assert await is_json(httpx2.Response(200, headers=headers, content=body)) is found
