"""Keys, addresses and counting at Anthropic, apart from what a reply holds."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import httpx2
import pytest

from stateflow.errors import AuthFailed, BadReply, BadRequest, RateLimited, TimedOut, Unreachable
from stateflow.models.anthropic import AnthropicModel
from stateflow.models.base import ChatMessage, ModelRequest, Settings
from stateflow.models.names import open_model

KEY = "sk-ant-very-secret-key"
ASK = ModelRequest("m", "Be brief.", (ChatMessage("user", "hi"),), Settings(temperature=0.5))
WHOLE = {"type": "message", "content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"}


def way(answer: Callable[[httpx2.Request], httpx2.Response]) -> httpx2.AsyncClient:
    """Return a way to a server that answers like this."""
    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer), follow_redirects=True)


async def asked(model: AnthropicModel, request: ModelRequest = ASK) -> str:
    """Ask once, close, and return the text."""
    try:
        return (await model.complete(request, on_delta=lambda _: None)).text
    finally:
        await model.aclose()


async def test_a_server_that_cannot_read_images_is_not_taken_for_a_busy_one() -> None:
    """llama.cpp tells it with the status 500; asked again, it would say the same."""
    error = {"type": "server_error", "message": "image input is not supported"}
    answer = httpx2.Response(500, json={"type": "error", "error": error})

    with pytest.raises(BadRequest, match="ask a model that can"):
        await asked(AnthropicModel("m", api_key=KEY, http_client=way(lambda _: answer)))


async def sent_key(base_url: str, api_key: str | None = None) -> str:
    """Return how a request to *base_url* says who it is from."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=WHOLE)

    await asked(AnthropicModel("m", base_url=base_url, api_key=api_key, http_client=way(answer)))
    return str(dict(seen[0].headers))


async def test_the_environments_key_is_never_sent_in_clear_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A flow may name any host."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", KEY)

    assert KEY not in await sent_key("http://h:1")
    assert KEY in await sent_key("https://h:1")
    assert KEY in await sent_key("http://h:1", KEY)


async def test_a_server_that_is_exported_with_a_key_gets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who exports both means the one for the other."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")

    model = open_model("anthropic:claude")

    assert isinstance(model, AnthropicModel)
    assert model.name == "anthropic:claude"
    with pytest.raises(Unreachable):
        await asked(model)


async def test_without_a_key_nothing_is_sent_and_the_sentence_says_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The SDK would look for other credentials on this machine."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", KEY)

    with pytest.raises(AuthFailed, match="export ANTHROPIC_API_KEY"):
        await asked(AnthropicModel("m"))


async def test_a_key_with_a_line_break_is_trimmed_and_a_strange_one_is_refused() -> None:
    """Both would make the transport tell the key."""
    assert KEY in await sent_key("https://h", f"{KEY}\n")
    with pytest.raises(AuthFailed) as caught:
        await asked(AnthropicModel("m", api_key=f"{KEY}\nü"))
    assert KEY not in str(caught.value)


async def test_a_redirect_is_not_followed() -> None:
    """It could carry the key to another host."""
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.host)
        return httpx2.Response(307, headers={"location": "https://elsewhere/v1/messages"})

    with pytest.raises(BadReply, match="elsewhere"):
        await asked(AnthropicModel("m", api_key=KEY, http_client=way(answer)))
    assert seen == ["api.anthropic.com"]


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        (httpx2.Response(200, json={"input_tokens": 14}), 14),
        (httpx2.Response(404, json={"error": {"type": "not_found_error"}}), None),
    ],
    ids=["counts", "does-not"],
)
async def test_a_request_is_counted_by_the_provider_where_it_counts(
    answer: httpx2.Response, tokens: int | None
) -> None:
    """Only what is counted is sent."""
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return answer

    model = AnthropicModel("m", api_key=KEY, http_client=way(handler))

    assert await model.count(ASK) == tokens
    await model.aclose()

    assert seen[0].url.path == "/v1/messages/count_tokens"
    assert set(json.loads(seen[0].content)) == {"model", "messages", "system"}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (httpx2.Response(429, json={}), RateLimited),
        (httpx2.Response(200, json={"input_tokens": "many"}), BadReply),
        (httpx2.Response(200, json=[]), BadReply),
        (httpx2.Response(200, text="{", headers={"content-type": "application/json"}), BadReply),
        (httpx2.Response(200, html="<html>"), BadReply),
    ],
)
async def test_a_count_that_fails_is_a_fault(
    answer: httpx2.Response, fault: type[Exception]
) -> None:
    """It is not taken for zero."""
    model = AnthropicModel("m", api_key=KEY, http_client=way(lambda _: answer))

    with pytest.raises(fault):
        await model.count(ASK)
    await model.aclose()


async def test_what_on_delta_raises_is_not_taken_for_the_models_fault() -> None:
    """A bug in a screen must not look like a bad reply."""
    answer = httpx2.Response(200, json=WHOLE)
    model = AnthropicModel("m", api_key=KEY, http_client=way(lambda _: answer))

    def fail(piece: str) -> None:
        raise ValueError(piece)

    with pytest.raises(ValueError, match="x"):
        await model.complete(ASK, on_delta=fail)
    await model.aclose()


async def test_broken_unicode_is_a_bad_request_on_the_way_out_and_mended_on_the_way_in() -> None:
    """Half a character can neither be sent nor stored."""
    body = json.dumps({**WHOLE, "content": [{"type": "text", "text": "a\ud800"}]}).encode()
    answer = httpx2.Response(200, content=body, headers={"content-type": "application/json"})

    assert await asked(AnthropicModel("m", api_key=KEY, http_client=way(lambda _: answer))) == "a�"
    with pytest.raises(BadRequest, match="unicode"):
        await asked(AnthropicModel("m", api_key=KEY), ModelRequest("m", "\ud800", ASK.messages))


@pytest.mark.parametrize("url", ["http://[", "http://h:99999999", "no-scheme"])
async def test_a_malformed_address_is_unreachable(url: str) -> None:
    """It comes from the environment, so it is checked late."""
    with pytest.raises(Unreachable, match="address"):
        await asked(AnthropicModel("m", base_url=url))


async def test_a_server_that_is_down_or_silent_is_told_apart() -> None:
    """Nobody listens there, or somebody does and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        patient = httpx2.AsyncClient(timeout=0.2, trust_env=False)
        with pytest.raises(TimedOut):
            await asked(AnthropicModel("m", base_url=url, http_client=patient))

    with pytest.raises(Unreachable, match=url):
        await asked(AnthropicModel("m", base_url=url))
