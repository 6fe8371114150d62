"""What model clients make of statuses, of what is written beside them, and of retry-after."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import aclosing

import httpx2
import pytest

from stateflow.errors import (
    AuthFailed,
    BadRequest,
    ContextTooLong,
    FaultError,
    ModelNotFound,
    Overloaded,
    RateLimited,
    TimedOut,
)
from stateflow.models.anthropic import AnthropicModel
from stateflow.models.base import ModelClient
from stateflow.models.openai import OpenAIModel
from stateflow.models.openai_server import OPENAI
from tests.support.asking import ASK, ask, asked, asked_each, client_of, kinds
from tests.support.hostile import head, hostile, sized
from tests.support.wires import KEY, WIRES, Wire

each = pytest.mark.parametrize("wire", WIRES, ids=repr)


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Have everything logged, by the SDK and by the transport too; none of it tells the key."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not [one for one in caplog.get_records("call") if KEY in one.getMessage()]


STATUSES: dict[int, type[FaultError]] = {
    400: BadRequest,
    401: AuthFailed,
    403: AuthFailed,
    404: ModelNotFound,
    408: TimedOut,
    409: BadRequest,
    413: ContextTooLong,
    418: BadRequest,
    422: BadRequest,
    429: RateLimited,
    500: Overloaded,
    502: Overloaded,
    503: Overloaded,
    529: Overloaded,
    599: Overloaded,
}
TOLD = {"message": f"no: {KEY}\nnext\x1b[31m line", "type": "invalid_request_error", "code": KEY}
WORDED = json.dumps({"type": "error", "error": TOLD}).encode()
BODIES = (
    ("application/json", WORDED),
    ("text/html", f"<html>\n<h1>{KEY}</h1></html>".encode()),
    ("application/json", b""),
    ("", f"{KEY}\0\xff".encode("latin-1")),
)


@each
@pytest.mark.parametrize("status", STATUSES)
async def test_a_status_is_its_fault_whatever_is_written_beside_it(wire: Wire, status: int) -> None:
    """A proxy answers in HTML, and a careless server tells the key back."""
    scripts = [[sized(said, f"{status} Whatever", kind=kind)] for kind, said in BODIES]
    async with hostile(*scripts) as server, client_of(wire, server) as client:
        kinds = {type(await ask(client)) for _ in scripts}

    assert kinds == {STATUSES[status]}


ODD: dict[str, bytes] = {
    "null": b"null",
    "number": b"1e999",
    "list": b"[[]]",
    "text": f'"{KEY}"'.encode(),
    "cut": b'{"error": {"mess',
    "error-is-text": f'{{"error": "{KEY}"}}'.encode(),
    "error-is-list": b'{"error": [1]}',
    "message-is-number": b'{"error": {"message": 5, "type": 5, "code": 5}}',
    "message-is-object": b'{"error": {"message": {}, "type": [], "code": {}}}',
    "message-is-long": b'{"error": {"message": "%s"}}' % (b"x" * 100_000),
    "half-character": rb'{"error": {"message": "\ud800", "type": "\udfff", "code": "\ud800"}}',
    "nested": b'{"error": ' + b"[" * 100_000,
    "not-utf-8": b'{"error": {"message": "\xff\xfe"}}',
    "utf-16": '{"error": {"message": "no"}}'.encode("utf-16"),
    "long-number": b'{"error": {"message": "x", "code": %s}}' % (b"9" * 5000),
}


@each
async def test_an_error_that_is_not_worded_as_one_is_still_a_fault(wire: Wire) -> None:
    """The SDK's own reading of an error must not trip over it."""
    scripts = {
        name: [sized(body, "400 Bad Request", kind="application/json")]
        for name, body in ODD.items()
    }
    outcomes = await asked_each(wire, scripts)

    assert kinds(outcomes) == dict.fromkeys(ODD, "BadRequest")


@each
@pytest.mark.parametrize("status", [400, 429, 500])
async def test_an_error_that_is_cut_off_is_still_a_fault(wire: Wire, status: int) -> None:
    """The connection breaks while the server says what is wrong."""
    whole = sized(WORDED, f"{status} Oh", kind="application/json")

    assert isinstance(await asked(wire, [whole[:-5]]), FaultError)


WAITS: dict[str, float | None] = {
    "0.2": 0.2,
    "0": 0.0,
    " 20 ": 20.0,
    "": None,
    "soon": None,
    "-5": None,
    "nan": None,
    "-inf": None,
    "0x10": None,
    "Wed, 99 Oct 2099 07:28:00 GMT": None,
    "Thu, 01 Jan 1970 00:00:00 GMT": 0.0,
}


@each
@pytest.mark.parametrize("status", ["429 Slow", "503 Later"])
async def test_how_long_to_wait_is_what_the_server_says(wire: Wire, status: str) -> None:
    """In seconds, or as a date; nonsense is as if it said nothing."""
    scripts = {said: [head(status, f"retry-after: {said}", "content-length: 0")] for said in WAITS}
    outcomes = await asked_each(wire, scripts)

    waits = {said: getattr(outcome, "retry_after_s", -1) for said, outcome in outcomes.items()}
    assert waits == WAITS


@each
@pytest.mark.parametrize(
    "said", ["Wed, 21 Oct 2099 07:28:00 GMT", "inf", "1e400", "9" * 400, "1e18"]
)
async def test_a_huge_wait_is_a_number_that_a_clock_can_hold(wire: Wire, said: str) -> None:
    """A day in the distant future must not overflow anything."""
    outcome = await asked(wire, [head("429 Slow", f"retry-after: {said}", "content-length: 0")])

    assert isinstance(outcome, RateLimited)
    assert outcome.retry_after_s is None or 1e6 < outcome.retry_after_s < 1e9


@each
async def test_an_error_costs_one_request(wire: Wire) -> None:
    """Whether to try again is the engine's to decide."""
    sound = [sized(wire.body())]
    slow = [head("429 Slow", "retry-after: 0", "x-should-retry: true", "content-length: 0")]

    assert isinstance(await asked(wire, slow, sound), RateLimited)


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
@pytest.mark.parametrize("status", ["200 OK", "400 No", "404 What", "500 Oh"])
async def test_a_count_of_tokens_that_is_none_is_a_fault(vendor: str, status: str) -> None:
    """What counts is as hostile as what answers."""
    scripts = [[sized(body, status, kind="application/json")] for body in ODD.values()]
    async with hostile(*scripts) as server, aclosing(counting(vendor, server.url)) as client:
        for _ in scripts:
            if vendor == "anthropic" and status == "404 What":
                assert await client.count(ASK) is None, "it does not count"
            else:
                with pytest.raises(FaultError, match="#m"):
                    await client.count(ASK)


def counting(vendor: str, url: str) -> ModelClient:
    """Return a client that asks its server to count."""
    way = httpx2.AsyncClient(trust_env=False, verify=False)
    if vendor == "anthropic":
        return AnthropicModel("m", base_url=url, api_key=KEY, http_client=way)
    return OpenAIModel("m", base_url=url, api_key=KEY, http_client=way, vendor=OPENAI)
