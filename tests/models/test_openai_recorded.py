"""Recorded traffic of OpenAI's, replayed at the level of HTTP.

The recordings are not part of this project; where they are not at hand, nothing is tested.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from stateflow.errors import (
    AuthFailed,
    BadRequest,
    FaultError,
    ModelNotFound,
    Overloaded,
    RateLimited,
)
from stateflow.models.base import ModelReply
from stateflow.models.openai import Api
from tests.support.openai_wire import ask, model

WIRE = Path(__file__).parents[3] / "shared" / "wire"
HOST = "https://api.openai.com/"
FAULTS: dict[int, type[FaultError]] = {
    400: BadRequest,
    401: AuthFailed,
    404: ModelNotFound,
    429: RateLimited,
    500: Overloaded,
}


class Exchange(NamedTuple):
    """One recorded answer."""

    url: str
    status: int
    headers: Mapping[str, list[str]]
    body: bytes

    def replay(self, _: httpx2.Request) -> httpx2.Response:
        """Answer as it was recorded."""
        kept = ("content-type", "content-encoding", "x-request-id", "retry-after")
        headers = [
            (name, value)
            for name, values in self.headers.items()
            for value in values
            if name.lower() in kept
        ]
        return httpx2.Response(self.status, headers=headers, content=self.body)


def exchanges(path: Path) -> list[Exchange]:
    """Return what VCR, of Python or Ruby, has recorded of OpenAI."""
    yaml = pytest.importorskip("yaml", reason="the recordings are YAML")
    tape: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = tape.get("interactions") or tape.get("http_interactions") or []
    return [_exchange(one) for one in found if one["request"]["uri"].startswith(HOST)]


def _exchange(one: dict[str, Any]) -> Exchange:
    answer = one["response"]
    if "parsed_body" in answer:
        body: str | bytes = json.dumps(answer["parsed_body"])
    else:
        recorded: dict[str, str | bytes] = answer.get("body") or {}
        body = recorded.get("string", "")
    raw = body.encode() if isinstance(body, str) else body
    return Exchange(one["request"]["uri"], answer["status"]["code"], answer["headers"], raw)


def recordings() -> list[object]:
    """Return one case for each file that holds traffic of OpenAI's."""
    paths = [*WIRE.glob("*.yaml"), *WIRE.glob("*.yml")]
    ours = [path for path in paths if HOST in path.read_text(encoding="utf-8")]
    if not ours:
        return [pytest.param(None, marks=pytest.mark.skip(reason="no recordings at hand"))]
    return [pytest.param(path, id=path.stem) for path in sorted(ours)]


async def replayed(exchange: Exchange) -> ModelReply:
    """Return the reply to a request that gets the recorded answer."""
    api: Api = "responses" if exchange.url.endswith("/responses") else "chat"
    return await ask(model(exchange.replay, api=api))


@pytest.mark.parametrize("path", recordings())
async def test_a_recording_yields_the_reply_or_the_fault_that_it_shows(path: Path) -> None:
    """Whatever is 200 is a whole reply, all else is the fault of its status."""
    found = exchanges(path)

    for exchange in found:
        if exchange.status in FAULTS:
            with pytest.raises(FAULTS[exchange.status]) as caught:
                await replayed(exchange)
            assert type(caught.value) is FAULTS[exchange.status]
        else:
            reply = await replayed(exchange)
            assert reply.text or reply.calls
            assert reply.stop in {"stop", "tool_calls", "completed"}
            assert all(isinstance(json.loads(call.arguments), dict) for call in reply.calls)

    assert found
