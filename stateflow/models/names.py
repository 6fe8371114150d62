"""From the name of a model to the model.

==========================  ==================================================================
``openai:NAME``             OpenAI, or the server that OPENAI_BASE_URL names
``openai+URL#NAME``         any server that speaks OpenAI's chat completions
``llama:smollm2``           the embedded model: no network, no key
``scripted:one|two``        says these texts
==========================  ==================================================================
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from stateflow.errors import ModelNotFound
from stateflow.models.base import Model

__all__ = ["ModelPool", "open_model"]

_KNOWN = "openai:NAME, openai+https://HOST/v1#NAME, llama:smollm2 or scripted:one|two"


def open_model(name: str) -> Model:
    """Return the model called *name*; nothing is connected or started yet.

    Raises:
        ModelNotFound: no such model can be reached from here; the sentence says what to do.
    """
    prefix, colon, rest = name.partition(":")
    if prefix.startswith("openai+") and colon:
        return _at_url(name)
    if not rest or not colon:
        sentence = f"{name!r} names no model; write {_KNOWN}"
        raise ModelNotFound(sentence)
    if prefix == "scripted":
        from stateflow.models.scripted import ScriptedModel

        return ScriptedModel(rest.split("|"), name=name)
    if prefix == "llama":
        from stateflow.models.llama import LlamaModel

        return LlamaModel(rest)
    if prefix == "openai":
        return _openai(rest, None, None)
    if prefix == "anthropic":
        sentence = (
            f"{name!r} cannot be reached: anthropic is not available in this version; "
            f"write {_KNOWN}"
        )
        raise ModelNotFound(sentence)
    sentence = f"{name!r} is no known kind of model; write {_KNOWN}"
    raise ModelNotFound(sentence)


def _at_url(name: str) -> Model:
    """Open a model at a server of one's own.

    A key from the environment is not sent in clear text to whatever host a name holds.
    """
    url, _, model = name.removeprefix("openai+").partition("#")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not (sound and model):
        sentence = f"{name!r} names no model; write it as openai+http://localhost:8000/v1#NAME"
        raise ModelNotFound(sentence)
    key = None if url.startswith("https:") else "none"
    return _openai(model, url, key)


def _openai(model: str, url: str | None, key: str | None) -> Model:
    try:
        from stateflow.models.openai import OpenAIModel
    except ImportError as error:
        sentence = (
            f"model {model!r} is reached through the openai package, which is not installed: "
            "pip install 'stateflow-agents[openai]'"
        )
        raise ModelNotFound(sentence) from error
    if url is None:
        url = os.environ.get("OPENAI_BASE_URL") or None
        return OpenAIModel(model, base_url=url, api_key=key, name=f"openai:{model}")
    return OpenAIModel(model, base_url=url, api_key=key)


class ModelPool:
    """Opens every model once and closes them all.

    Args:
        models: ready models by name; they are closed with the others.
    """

    def __init__(self, models: Mapping[str, Model] | None = None) -> None:
        """Open nothing yet."""
        self._models: dict[str, Model] = dict(models or {})

    def get(self, name: str) -> Model:
        """Return the model called *name*.

        Raises:
            ModelNotFound: see :func:`open_model`.
        """
        if name not in self._models:
            self._models[name] = open_model(name)
        return self._models[name]

    async def aclose(self) -> None:
        """Close all, also when closing one fails."""
        async with AsyncExitStack() as stack:
            for model in self._models.values():
                stack.push_async_callback(model.aclose)
