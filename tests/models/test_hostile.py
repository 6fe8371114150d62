"""Model clients on connections that break, hang, lie about lengths, or lead elsewhere."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Callable, Iterator
from contextlib import aclosing

import httpx2
import pytest

from stateflow.errors import BadReply, FaultError, TimedOut, Unreachable
from stateflow.models.base import ModelClient, ModelReply
from tests.support.asking import ASK, ask, asked, asked_each, client_of, kinds
from tests.support.hostile import Script, Step, chunked, head, hostile, sized, until_closed
from tests.support.wires import IDS, KEY, NAMES, TEXT, WIRES, WORDS, Wire

each = pytest.mark.parametrize("wire", WIRES, ids=repr)


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Have everything logged, by the SDK and by the transport too; none of it tells the key."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not [one for one in caplog.get_records("call") if KEY in one.getMessage()]


def whole(outcome: object) -> bool:
    """Tell whether all of the sound reply has come."""
    if not isinstance(outcome, ModelReply):
        return False
    (call,) = outcome.calls
    assert (outcome.text, call.id, call.name) == (TEXT, IDS[0], NAMES[0])
    assert call.arguments == f'{{"city":"{WORDS[0]}"}}'
    return True


@each
@pytest.mark.parametrize("framed", [until_closed, sized, chunked])
async def test_a_sound_reply_is_read_in_every_framing(
    wire: Wire, framed: Callable[[bytes], bytes]
) -> None:
    """The stand-ins are sound: what fails below fails for its own reason."""
    assert whole(await asked(wire, [framed(wire.body())]))


@each
async def test_a_reply_that_drips_in_byte_by_byte_is_the_same_reply(wire: Wire) -> None:
    """Frames, lines and characters may be cut anywhere."""
    body = chunked(wire.body())

    assert whole(await asked(wire, [body[at : at + 1] for at in range(len(body))]))


@each
async def test_a_reply_cut_after_any_byte_is_a_fault_or_whole(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """Only what may be missing of a whole message is missing where there is a reply."""
    caplog.set_level(logging.WARNING)
    events = [event for event in wire.reply(0) if b"output_item" not in event]  # told again later
    reply = until_closed(b"".join(events))
    enough = len(until_closed(b"".join(events[: len(events) - wire.ends])).rstrip())
    scripts = [[reply[:cut]] for cut in range(len(reply) + 1)]
    async with hostile(*scripts) as server, client_of(wire, server) as client:
        outcomes = [await ask(client) for _ in scripts]

    replies = {cut: got for cut, got in enumerate(outcomes) if isinstance(got, ModelReply)}
    assert {got.text for got in replies.values()} == {TEXT}
    assert len(reply) in replies
    assert min(replies) >= enough


@each
async def test_a_reply_with_calls_cut_in_or_after_any_event_is_a_fault_or_whole(wire: Wire) -> None:
    """No call is made of half its arguments."""
    events = wire.reply(1)
    scripts: list[list[bytes]] = []
    for n, event in enumerate(events):
        scripts += [[head(), *events[:n], event[:cut]] for cut in (0, len(event) // 2, -2, -1)]
    async with hostile(*scripts) as server, client_of(wire, server) as client:
        outcomes = [whole(await ask(client)) for _ in scripts]

    assert not any(outcomes[: -4 * (wire.ends + 1)])


@each
async def test_a_length_that_is_not_reached_is_never_an_exception_of_the_transport(
    wire: Wire,
) -> None:
    """The server promised more bytes, or more chunks, than it sent."""
    for framed in (sized(wire.body()), chunked(wire.body())):
        start = framed.index(b"\r\n\r\n") + 4
        cuts = [start - 5, start, start + 1, start + 60, len(framed) - 7, len(framed) - 1]
        scripts = [[framed[:cut]] for cut in cuts]
        async with hostile(*scripts) as server, client_of(wire, server) as client:
            outcomes = [await ask(client) for _ in cuts]

        assert not whole(outcomes[3])
        assert all(isinstance(o, Unreachable | BadReply) for o in outcomes[:4]), outcomes


LATE = b"event: message_start\ndata: {"


@each
async def test_silence_within_a_frame_ends_when_the_caller_has_waited_long_enough(
    wire: Wire,
) -> None:
    """The caller's own time limit strikes while the stream hangs; no socket stays open."""
    events = wire.reply(0)
    spoken = next(n for n, event in enumerate(events) if TEXT[:4].encode() in event) + 1
    silent: Script = [head(), *events[:spoken], LATE, Step.SILENCE]
    async with (
        hostile(silent, [until_closed(wire.body())]) as server,
        client_of(wire, server) as client,
    ):
        with pytest.raises(TimeoutError):
            await give_up_after_the_first_piece(client)
        async with asyncio.timeout(10):
            await server.quiet()

        assert whole(await ask(client)), "and the client is as good as new"


async def give_up_after_the_first_piece(client: ModelClient) -> None:
    """Ask, and let the time run out as soon as something was said."""
    async with asyncio.timeout(10) as limit:

        def stop(piece: str) -> None:
            assert piece == TEXT[:4]
            limit.reschedule(asyncio.get_running_loop().time())

        await client.complete(ASK, on_delta=stop)


@each
@pytest.mark.parametrize("said", [[], [head()], [head(), LATE]], ids=["all", "body", "frame"])
async def test_silence_beyond_the_transports_own_limit_is_a_time_out(
    wire: Wire, said: list[bytes]
) -> None:
    """Nobody waits for ever, wherever the server stops."""
    script: Script = [*said, Step.SILENCE]
    async with hostile(script) as server, client_of(wire, server, timeout_s=0.1) as client:
        assert type(await ask(client)) is TimedOut


BROKEN: dict[str, Script] = {
    "closed before the request is read": [Step.DEAF],
    "reset before the request is read": [Step.DEAF, Step.RESET],
    "reset instead of an answer": [Step.RESET],
    "reset within the headers": [head()[:-9], Step.RESET],
    "reset within a frame": [head(), LATE, Step.RESET],
    "no answer": [],
    "HTTP/9.9": [b"HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n"],
    "not HTTP": [b"SSH-2.0-OpenSSH_9.9\r\n"],
    "HTTP/2 without asking": [b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18)],
    "TLS": [b"\x15\x03\x01\x00\x02\x02\x28"],
    "a status that is no number": [b"HTTP/1.1 abc OK\r\n\r\n"],
    "a status nobody knows": [b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n"],
    "a header without a name": [head("200 OK", ": x")],
    "NUL in a header": [head("200 OK", "x-request-id: a\0b")],
    "bytes in a header": [head("200 OK", "x-request-id: \xff\xfe")],
    "two lengths": [head("200 OK", "content-length: 5", "content-length: 6") + b"12345"],
    "a length below zero": [head("200 OK", "content-length: -5")],
    "a length of many digits": [head("200 OK", f"content-length: {'9' * 5000}")],
    "headers of 1 MB": [head("200 OK", *(f"x-{n}: {'y' * 1000}" for n in range(1000)))],
    "a header of 1 MB": [head("200 OK", f"x-request-id: {'y' * 1_000_000}")],
    "a chunk of no size": [head("200 OK", "transfer-encoding: chunked") + b"zz\r\nabc\r\n"],
    "a chunk below zero": [head("200 OK", "transfer-encoding: chunked") + b"-5\r\nabc\r\n"],
    "a huge chunk": [head("200 OK", "transfer-encoding: chunked") + b"f" * 99 + b"\r\nabc"],
    "an unknown encoding": [head("200 OK", "transfer-encoding: sponge") + b"abc"],
    "a thousand continues": [b"HTTP/1.1 100 Continue\r\n\r\n" * 1000],
    "another protocol": [b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\nabc"],
    "no content": [b"HTTP/1.1 204 No Content\r\n\r\n"],
}


ANSWERED = {
    "HTTP/9.9": "BadReply",
    "a status nobody knows": "Overloaded",
    "bytes in a header": "BadReply",
    "no content": "BadReply",
}
"""What is an answer all the same."""


@each
async def test_a_broken_connection_is_unreachable(wire: Wire) -> None:
    """Whatever the transport makes of it, it leaves as that fault."""
    outcomes = await asked_each(wire, BROKEN)

    assert kinds(outcomes) == {**dict.fromkeys(BROKEN, "Unreachable"), **ANSWERED}


@each
async def test_a_server_without_tls_is_unreachable_over_https(wire: Wire) -> None:
    """It takes the greeting for a request, and hangs up."""
    async with hostile([Step.DEAF, b"HTTP/1.1 400 Bad Request\r\n\r\n"]) as server:
        url = server.url.replace("http:", "https:")
        way = httpx2.AsyncClient(trust_env=False, verify=False)
        async with aclosing(wire.client(url, way)) as client:
            assert type(await ask(client)) is Unreachable
            assert KEY.encode() not in b"".join(server.requests)


@each
@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
@pytest.mark.parametrize("follow", [None, True], ids=["own-way", "following-way"])
async def test_a_redirect_never_carries_the_key_to_another_host(
    wire: Wire, status: str, follow: bool | None
) -> None:
    """Neither the client's own transport nor one that was given, and would follow."""
    async with hostile([sized(wire.body())]) as elsewhere:
        lead = head(f"{status} Moved", f"location: {elsewhere.url}", "content-length: 0")
        async with hostile([lead]) as server:
            way = httpx2.AsyncClient(trust_env=False, follow_redirects=True) if follow else None
            async with aclosing(wire.client(server.url, way)) as client:
                outcome = await ask(client)

        assert KEY.encode() not in b"".join(elsewhere.requests)
        assert elsewhere.requests == [], "nor is the conversation told there"
    assert isinstance(outcome, FaultError)


@each
async def test_a_password_in_the_address_is_never_told(wire: Wire) -> None:
    """Neither in the sentence, nor in the chain of errors, nor in a log."""
    async with hostile([head("500 Oh"), Step.RESET]) as server:
        url = server.url.replace("//", f"//me:{KEY}@")
        way = httpx2.AsyncClient(trust_env=False, verify=False)
        async with aclosing(wire.client(url, way)) as client:
            assert isinstance(await ask(client), FaultError)


PACKED = "content-encoding: gzip"


@each
async def test_a_packed_reply_is_unpacked(wire: Wire) -> None:
    """Proxies pack where nobody asked them to."""
    body = gzip.compress(wire.body())

    assert whole(await asked(wire, [sized(body, "200 OK", PACKED)]))


@each
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "500 Oh"])
async def test_a_reply_that_cannot_be_unpacked_is_a_fault(wire: Wire, status: str) -> None:
    """In an error just as well as in a reply."""
    body = gzip.compress(b"x" * 1000)
    broken = body[:12] + b"\xff\xff" + body[14:]
    names = ("gzip", "deflate", "gzip, gzip", "sponge")
    scripts = {name: [sized(broken, status, f"content-encoding: {name}")] for name in names}
    outcomes = await asked_each(wire, scripts)

    assert "ModelReply" not in kinds(outcomes).values()
