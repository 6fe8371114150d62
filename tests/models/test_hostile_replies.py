"""What model clients make of streams that arrive whole and say the wrong thing."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from stateflow.errors import BadReply, FaultError
from stateflow.models.base import ModelReply
from tests.support.asking import asked, asked_each, kinds
from tests.support.hostile import head, sized, until_closed
from tests.support.wires import IDS, KEY, NAMES, READ, TEXT, WIRES, WORDS, WRITTEN, Wire

each = pytest.mark.parametrize("wire", WIRES, ids=repr)


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Have everything logged, by the SDK and by the transport too; none of it tells the key."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not [one for one in caplog.get_records("call") if KEY in one.getMessage()]


def changed(wire: Wire, old: str, new: bytes, calls: int = 1) -> list[bytes]:
    """Return the sound reply with all *old* words replaced by *new* ones."""
    body = wire.body(calls)
    assert old.encode() in body
    return [until_closed(body.replace(old.encode(), new))]


def said(outcome: object) -> ModelReply:
    """Return the reply that it must be."""
    assert isinstance(outcome, ModelReply), repr(outcome)
    return outcome


@each
async def test_an_unknown_tool_is_the_engines_to_refuse(wire: Wire) -> None:
    """The client hands on what the model asked for."""
    (call,) = said(await asked(wire, changed(wire, NAMES[0], b"rm_rf"))).calls

    assert (call.name, call.id) == ("rm_rf", IDS[0])


@each
@pytest.mark.parametrize("name", [b'"', b'""', b"null", b"5", b"{}"])
async def test_a_call_without_a_name_is_a_bad_reply(wire: Wire, name: bytes) -> None:
    """Nobody can tell what is to be called."""
    script = [wire.body().replace(f'"name":"{NAMES[0]}"'.encode(), b'"name":' + name)]

    assert type(await asked(wire, [head(), *script])) is BadReply


@each
async def test_a_call_whose_name_is_missing_is_a_bad_reply(wire: Wire) -> None:
    """The field is not there at all."""
    script = [wire.body().replace(f'"name":"{NAMES[0]}",'.encode(), b"")]
    assert script != [wire.body()]

    assert type(await asked(wire, [head(), *script])) is BadReply


@each
async def test_arguments_that_are_cut_off_are_handed_on_as_they_came(wire: Wire) -> None:
    """Telling the model so is the engine's; nothing here may complete them."""
    body = wire.body().replace(f'\\"{WORDS[0]}\\"}}'.encode(), b'\\"R')
    outcome = await asked(wire, [until_closed(body)])

    if isinstance(outcome, ModelReply):
        assert [call.arguments for call in outcome.calls] == ['{"city":"R']
    else:
        assert type(outcome) is BadReply


@each
@pytest.mark.parametrize("new", [IDS[0], ""], ids=["same", "empty"])
async def test_two_calls_of_one_id_never_become_two_equal_ones(wire: Wire, new: str) -> None:
    """Each gets a result of its own, or there is no reply."""
    outcome = await asked(wire, changed(wire, IDS[1], new.encode(), calls=2))

    if isinstance(outcome, ModelReply):
        assert [call.name for call in outcome.calls] == list(NAMES)
    else:
        assert type(outcome) is BadReply


@each
async def test_the_same_call_begun_twice_is_not_two_calls(wire: Wire) -> None:
    """A stream may repeat itself."""
    events = wire.reply(1)
    at = next(n for n, event in enumerate(events) if IDS[0].encode() in event)
    body = b"".join((*events[: at + 1], events[at], *events[at + 1 :]))
    outcome = await asked(wire, [until_closed(body)])

    if isinstance(outcome, ModelReply):
        assert len(outcome.calls) == 1
    else:
        assert type(outcome) is BadReply


@each
async def test_an_error_within_the_stream_is_a_fault_even_after_text(wire: Wire) -> None:
    """What was said until then is not taken for a reply."""
    for kept in (0, 3):
        body = b"".join(wire.reply(1)[:kept]) + wire.error
        assert isinstance(await asked(wire, [until_closed(body)]), FaultError)


WRONG_BODIES: dict[str, tuple[str, bytes]] = {
    "error": ("application/json", b'{"error": {"message": "oh %s"}}' % KEY.encode()),
    "reply": ("application/json", b'{"choices": [{"message": {"content": "hi"}}]}'),
    "list": ("application/json", b"[]"),
    "null": ("application/json", b"null"),
    "nested": ("application/json", b"[" * 100_000),
    "html": ("text/html", b"<html>\n<b>%s</b></html>" % KEY.encode()),
    "empty-json": ("application/json", b""),
    "empty-stream": ("text/event-stream", b""),
    "html-as-stream": ("text/event-stream", b"<html>\n\n<b>%s</b></html>\n\n" % KEY.encode()),
    "picture": ("image/png", b"\x89PNG\r\n\x1a\n\0\0"),
    "strange-kind": ("\x7f;;=;charset=utf-99", b"hello"),
    "strange-charset": ("application/json; charset=utf-99", b"{}"),
    "only-done": ("text/event-stream", b"data: [DONE]\n\n"),
    "only-comments": ("text/event-stream", b": ping\n\n: ping\n\n"),
    "only-newlines": ("text/event-stream", b"\n" * 10_000),
}


@each
async def test_what_is_no_stream_of_a_reply_is_a_bad_reply(wire: Wire) -> None:
    """A status of 200 proves nothing."""
    scripts = {name: [sized(text, kind=kind)] for name, (kind, text) in WRONG_BODIES.items()}
    outcomes = await asked_each(wire, scripts)

    assert kinds(outcomes) == dict.fromkeys(WRONG_BODIES, "BadReply")


@each
@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "text/html"])
async def test_a_sound_stream_of_another_kind_is_read_or_refused(wire: Wire, kind: str) -> None:
    """Proxies rewrite the type."""
    outcome = await asked(wire, [sized(wire.body(), kind=kind)])

    assert isinstance(outcome, ModelReply | BadReply)


DATA: dict[str, bytes] = {
    "not-json": b"{not json",
    "number": b"5",
    "null": b"null",
    "text": b'"hi"',
    "list": b"[]",
    "empty-object": b"{}",
    "empty": b"",
    "not-utf-8": b'{"a": "\xff"}',
    "NUL": b"\0",
    "nested": b"[" * 100_000,
    "nested-object": b'{"a":' * 100_000,
    "nested-whole": b'{"choices":%s%s}' % (b"[" * 500, b"]" * 500),
    "long-number": b'{"choices": %s}' % (b"9" * 5000),
    "infinity": b'{"choices": Infinity}',
    "choices-empty": b'{"choices": []}',
    "choices-null": b'{"choices": null}',
    "choices-text": b'{"choices": "ab"}',
    "choice-null": b'{"choices": [null]}',
    "choice-text": b'{"choices": ["ab"]}',
    "delta-null": b'{"choices": [{"delta": null}]}',
    "delta-list": b'{"choices": [{"delta": [1]}]}',
    "calls-number": b'{"choices": [{"delta": {"tool_calls": 5}}]}',
    "call-null": b'{"choices": [{"delta": {"tool_calls": [null]}}]}',
    "call-text": b'{"choices": [{"delta": {"tool_calls": ["a"]}}]}',
    "call-index": b'{"choices": [{"delta": {"tool_calls": [{"index": -1}]}}]}',
    "call-function": b'{"choices": [{"delta": {"tool_calls": [{"index": 0, "function": 5}]}}]}',
    "typed": b'{"type": 5}',
    "unknown-type": b'{"type": "response.surprise", "choices": []}',
    "item-null": b'{"type": "response.output_item.done", "item": null, "output_index": null}',
    "delta-missing": b'{"type": "response.output_text.delta"}',
    "completed-null": b'{"type": "response.completed", "response": null}',
    "failed-null": b'{"type": "response.failed", "response": null}',
    "block-null": b'{"type": "content_block_start", "index": null, "content_block": null}',
    "block-delta": b'{"type": "content_block_delta", "index": 99, "delta": {"type": 5}}',
    "block-json": b'{"type": "content_block_delta", "index": 7, "delta": {"partial_json": 5}}',
    "block-stop": b'{"type": "content_block_stop", "index": "x"}',
    "start-null": b'{"type": "message_start", "message": null}',
    "end-null": b'{"type": "message_delta", "delta": null, "usage": null}',
}


@each
async def test_an_event_that_makes_no_sense_is_a_bad_reply_or_passed_over(wire: Wire) -> None:
    """Passed over, it changes nothing of the reply."""
    events = wire.reply(1)
    scripts = {
        name: [until_closed(b"".join((*events[:3], event(data), *events[3:])))]
        for name, data in DATA.items()
    }
    outcomes = await asked_each(wire, scripts)

    assert {*kinds(outcomes).values()} <= {"BadReply", "ModelReply"}
    replies = [outcome for outcome in outcomes.values() if isinstance(outcome, ModelReply)]
    assert all((one.text, [c.id for c in one.calls]) == (TEXT, [IDS[0]]) for one in replies)


def event(data: bytes) -> bytes:
    """Return an event of a stream, named as Anthropic and the Responses API name theirs."""
    kind = re.match(rb'{"type": "(.*?)"', data)
    return b"event: %s\ndata: %s\n\n" % (kind[1] if kind else b"message_delta", data)


@each
@pytest.mark.parametrize(
    "new",
    [rb"\ud800", rb"\udfff x", rb"\u0000", rb"\u001b[2J", rb"\ud83d\ude00", rb"\u2028"],
)
async def test_strange_characters_of_a_reply_are_mended_or_kept(wire: Wire, new: bytes) -> None:
    """Half characters become a sign that they were there."""
    body = wire.body().replace(TEXT.encode(), new).replace(TEXT[4:].encode(), new)
    reply = said(await asked(wire, [until_closed(body.replace(WORDS[0].encode(), b"x" + new[1:]))]))

    assert reply.text.startswith(TEXT[:4])


STRANGE = (rb"\ud800", rb"\u0000", rb"\u001b[2J\n\n", b"x" * 100_000, KEY.encode())


@each
@pytest.mark.parametrize(
    "field", ["name", "id", "call_id", "stop_reason", "finish_reason", "status"]
)
async def test_a_strange_word_in_any_field_is_made_harmless_or_refused(
    wire: Wire, field: str
) -> None:
    """A name, an id or a reason to stop is the server's text as well."""
    for new in STRANGE:
        said = re.sub(
            rb'(?<="%s":")[^"]*' % field.encode(), new.replace(b"\\", rb"\\"), wire.body()
        )

        assert isinstance(await asked(wire, [until_closed(said)]), ModelReply | BadReply)


COUNTS = (b'"5"', b"-5", b"1e999", b"NaN", b"9" * 30, b"null", b"[]", b"{}", b"1.5", b"true")


@each
@pytest.mark.parametrize("told", COUNTS)
async def test_counts_that_make_no_sense_are_estimated(wire: Wire, told: bytes) -> None:
    """A budget believes no negative, infinite or absent count; none of them loses the reply."""
    body = wire.body()
    for number in (READ, WRITTEN, READ + WRITTEN):
        body = body.replace(f":{number}".encode(), b":" + told)
    outcome = await asked(wire, [until_closed(body)])

    if isinstance(outcome, ModelReply):
        assert 0 < outcome.usage.input_tokens < 10**12
        assert 0 < outcome.usage.output_tokens < 10**12
    else:
        assert type(outcome) is BadReply


@each
@pytest.mark.parametrize("usage", [b"null", b"[]", b'"x"', b"{}", b"5"])
async def test_usage_that_is_missing_is_estimated(wire: Wire, usage: bytes) -> None:
    """A budget must not take a silent server for a free one."""
    body = wire.body()
    while (at := body.find(b'"usage":{')) >= 0:
        body = body[:at] + b'"usage" :' + usage + body[body.index(b"}", at) + 1 :]
    reply = said(await asked(wire, [until_closed(body)]))

    assert reply.usage.calls == 1
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0
