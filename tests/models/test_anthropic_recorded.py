"""Anthropic's real traffic, recorded by others and played back over a real connection."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from stateflow.errors import (
    AuthFailed,
    BadReply,
    BadRequest,
    FaultError,
    ModelNotFound,
    RateLimited,
    Refused,
)
from stateflow.models.anthropic import AnthropicModel
from stateflow.models.anthropic_wire import to_body
from stateflow.models.base import ChatMessage, ModelReply, ModelRequest, ToolSpec
from stateflow.value import Json
from tests.support.hostile import hostile, sized

WIRE = Path(__file__).parents[2] / "../shared/wire"
KEY = "sk-ant-very-secret"
ASK = ModelRequest("m", "", (ChatMessage("user", "hi"),))
NUMBERS: Json = {"type": "array", "items": {"type": "integer"}}

pytestmark = pytest.mark.skipif(not WIRE.is_dir(), reason="the recordings are not part of this")


@dataclass(frozen=True)
class Recorded:
    """One request and what Anthropic answered."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    asked: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def script(self) -> list[bytes]:
        """Return it as bytes of HTTP."""
        kept = ("content-encoding", "request-id", "retry-after", "x-should-retry")
        lines = [f"{name}: {self.headers[name]}" for name in kept if name in self.headers]
        kind = self.headers.get("content-type", "text/event-stream")
        return [sized(self.body, f"{self.status} Recorded", *lines, kind=kind)]


def recorded(path: Path) -> Iterator[Recorded]:
    """Read all of Anthropic's answers in a recording."""
    if path.suffix == ".txt":
        yield Recorded(path.read_bytes())
        return
    yaml = pytest.importorskip("yaml", reason="cassettes are YAML")
    said = (json.loads if path.suffix == ".json" else yaml.safe_load)(path.read_text("utf-8"))
    for one in said if path.suffix == ".json" else said.get("interactions", ()):
        request, response = one["request"], one["response"]
        if "anthropic" not in (request.get("uri") or request.get("url")):
            continue
        status = response.get("status_code") or response["status"]["code"]
        headers = {name.lower(): _one(value) for name, value in response["headers"].items()}
        asked = request.get("parsed_body") or request["body"]
        asked = json.loads(asked) if isinstance(asked, str) else asked
        yield Recorded(_bytes(response), status, headers, asked)


def _bytes(response: Mapping[str, Any]) -> bytes:
    body = response.get("parsed_body") or response["body"]
    if isinstance(body, dict) and set(cast("dict[str, object]", body)) == {"string"}:
        body = cast("dict[str, object]", body)["string"]
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def _one(value: object) -> str:
    return str(cast("list[object]", value)[0] if isinstance(value, list) else value)


async def played(one: Recorded, request: ModelRequest = ASK) -> ModelReply | FaultError:
    """Return what the client makes of the recorded answer."""
    async with hostile(one.script()) as server:
        way = httpx2.AsyncClient(trust_env=False)
        model = AnthropicModel("m", base_url=server.url, api_key=KEY, http_client=way)
        pieces: list[str] = []
        try:
            reply = await model.complete(request, on_delta=pieces.append)
        except FaultError as fault:
            return fault
        finally:
            await model.aclose()
        assert "".join(pieces) == reply.text
        return reply


def of(name: str) -> list[Recorded]:
    """Return the answers of the one recording whose name ends like this."""
    (path,) = [path for path in WIRE.iterdir() if path.stem.endswith(name)]
    return list(recorded(path))


async def reply_of(one: Recorded, request: ModelRequest = ASK) -> ModelReply:
    """Return the reply that a recording must come to."""
    outcome = await played(one, request)
    assert isinstance(outcome, ModelReply), repr(outcome)
    return outcome


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(WIRE.glob("*")) if p.suffix in {".yaml", ".yml", ".json", ".txt"}],
    ids=lambda path: path.stem,
)
async def test_every_recording_is_a_reply_or_a_typed_fault(path: Path) -> None:
    """A status of 400 or more is never a reply, and no fault is left untyped."""
    if path.name == "index.json":
        return
    for one in recorded(path):
        outcome = await played(one)
        assert type(outcome) is not FaultError
        assert isinstance(outcome, ModelReply) or "anthropic+http" in str(outcome)
        assert isinstance(outcome, ModelReply) <= (one.status < httpx2.codes.BAD_REQUEST.value)


@pytest.mark.parametrize(
    ("name", "text", "counts"),
    [
        ("basic_response", "Hello there!", (11, 6)),
        ("test_anthropic_sync_streaming_helper_methods_legacy", "Hello there!", (11, 6)),
    ],
)
async def test_a_recorded_stream_is_its_text_and_its_usage(
    name: str, text: str, counts: tuple[int, int]
) -> None:
    """The count of the reply is the last one told."""
    (one,) = of(name)

    reply = await reply_of(one)

    assert (reply.text, reply.stop) == (text, "end_turn")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == counts
    assert reply.request_id == one.headers.get("request-id", "")


async def test_a_recorded_call_has_its_text_and_its_arguments() -> None:
    """The text before a call is kept."""
    (one,) = of("tool_use_response")

    reply = await reply_of(one)

    (call,) = reply.calls
    assert reply.text == "I'll check the current weather in Paris for you."
    assert (call.id, call.name) == ("toolu_01NRLabsLyVHZPKxbKvkfSMn", "get_weather")
    assert (call.arguments, reply.stop) == ('{"location": "Paris"}', "tool_use")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (377, 65)


async def test_tools_are_sent_as_in_a_recorded_request() -> None:
    """The same request as another client made, but for its spelling."""
    (one,) = of("anthropic_completion_tools_stream")
    (tool,) = one.asked["tools"]
    spec = ToolSpec(tool["name"], tool["description"], tool["input_schema"])

    reply = await reply_of(one)

    assert to_body("m", ModelRequest("m", tools=(spec,)))["tools"] == one.asked["tools"]
    assert [call.name for call in reply.calls] == ["get_weather"]
    assert "location" in json.loads(reply.calls[0].arguments)


async def test_two_recorded_calls_at_once_are_two_calls() -> None:
    """Packed by gzip, as it came; a tool without arguments is called with none."""
    first, second = of("anthropic__test_tools")

    calls = (await reply_of(first)).calls

    assert [(c.name, c.arguments) for c in calls] == [("pelican_name_generator", "{}")] * 2
    assert len({call.id for call in calls}) == 2
    assert "Charles" in (await reply_of(second)).text


async def test_a_recorded_reply_in_one_piece_is_read_too() -> None:
    """Some servers do not stream."""
    first, second = of("test_anthropic_tool_output")

    (call,) = (await reply_of(first)).calls
    (final,) = (await reply_of(second)).calls

    assert (call.name, call.arguments) == ("get_user_country", "{}")
    assert final.name == "final_result"
    assert json.loads(final.arguments) == {"city": "Mexico City", "country": "Mexico"}


async def test_a_recorded_structured_reply_is_json_after_two_refusals() -> None:
    """The schema is asked for as in the recorded request."""
    refused, again, one = of("a8b7dbb8-2321-4624-abdb-7ba2136b5c38")
    request = ModelRequest("m", "", ASK.messages, schema=NUMBERS)

    assert type(await played(refused, request)) is RateLimited
    assert type(await played(again, request)) is RateLimited
    assert json.loads((await reply_of(one, request)).text) == [12345, 67890]
    assert to_body("m", request)["output_config"] == one.asked["output_config"]


@pytest.mark.parametrize(
    ("name", "fault", "says"),
    [
        ("anthropic_completion_error", BadRequest, "does not match the expected shape"),
        ("anthropic_completion_invalid_api_key", AuthFailed, "invalid x-api-key"),
        ("test_model_name_suggestion[anthropic]", ModelNotFound, "claude-sonet-4-5"),
        ("refusal_response", Refused, "due to policy"),
        ("incomplete_partial_json_response", BadReply, "raise max_tokens"),
    ],
)
async def test_a_recorded_failure_is_a_typed_fault_that_quotes_the_vendor(
    name: str, fault: type[FaultError], says: str
) -> None:
    """Each with the sentence that helps."""
    (one,) = of(name)

    outcome = await played(one)

    assert type(outcome) is fault
    assert says in str(outcome)


async def test_a_recorded_refusal_tells_what_it_cost() -> None:
    """A budget counts it all the same."""
    (refusal,), (cut,) = of("refusal_response"), of("incomplete_partial_json_response")

    refused, broken = await played(refusal), await played(cut)

    assert isinstance(refused, FaultError)
    assert isinstance(broken, FaultError)
    assert refused.usage.input_tokens == 20
    assert (broken.usage.input_tokens, broken.usage.output_tokens) == (450, 124)
