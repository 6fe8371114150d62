"""From the name of a model to the model.

===================================  =========================================================
``openai:NAME``                      OpenAI, or the server that OPENAI_BASE_URL names
``openai-responses:NAME``            the same through the Responses API, where a model needs it
``openai+URL#NAME``                  any server that speaks OpenAI's chat completions
``openai-responses+URL#NAME``        any server that speaks OpenAI's Responses API
``azure:DEPLOYMENT``                 Azure, at AZURE_OPENAI_ENDPOINT; with ``azure-responses:`` too
``ollama:NAME``                      Ollama, on this machine or where OLLAMA_HOST says
``anthropic:NAME``                   Anthropic, or the server that ANTHROPIC_BASE_URL names
``anthropic+URL#NAME``               any server that speaks Anthropic's messages
``llama:smollm2``                    the embedded model: no network, no key
``scripted:one|two``                 says these texts
===================================  =========================================================
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Final
from urllib.parse import urlsplit

from stateflow.errors import ModelNotFound
from stateflow.models.base import ModelClient

__all__ = ["ModelPool", "open_model"]

_KNOWN = (
    "openai:NAME, openai+https://HOST/v1#NAME, anthropic:NAME, azure:DEPLOYMENT, ollama:NAME, "
    "llama:smollm2 or scripted:one|two"
)


def open_model(name: str) -> ModelClient:
    """Return the model called *name*; nothing is connected or started yet.

    Raises:
        ModelNotFound: no such model can be reached from here; the sentence says what to do.
    """
    kind, plus, address = name.partition("+")
    if plus and kind in _AT_URL:
        url, _, model = address.partition("#")
        _check_url(name, kind, url, model)
        with _package(kind.partition("-")[0], name):
            return _AT_URL[kind](url, model)
    prefix, _, rest = name.partition(":")
    if not rest:
        raise ModelNotFound(f"{name!r} names no model; write {_KNOWN}")
    if prefix not in _OPENERS:
        raise ModelNotFound(f"{name!r} is no known kind of model; write {_KNOWN}")
    package, opener = _OPENERS[prefix]
    with _package(package, name):
        return opener(name, rest)


def _check_url(name: str, kind: str, url: str, model: str) -> None:
    """Refuse an address that leads to no *model*.

    Raises:
        ModelNotFound: it is not whole.
    """
    name = _shown(name)
    if url and "://" not in url:
        raise ModelNotFound(
            f"{name!r}: the address of its server lacks http:// or https://; "
            f"write it as {name.replace('+', '+http://', 1)}{'' if model else '#NAME'}"
        )
    if not (model and _sound(url)):
        path = "" if kind == "anthropic" else "/v1"
        raise ModelNotFound(
            f"{name!r} names no model; write it as {kind}+http://localhost:8000{path}#NAME"
        )


def _shown(name: str) -> str:
    """Return *name* without a user and password; the module for that needs a package."""
    return re.sub(r"(//|\+)[^/]*@", r"\1", name)


def _sound(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


@contextmanager
def _package(package: str, name: str) -> Generator[None]:
    """Tell in a sentence that an SDK is missing."""
    try:
        yield
    except ImportError as error:
        raise ModelNotFound(
            f"model {_shown(name)!r} is reached through the {package} package, which is not "
            f"installed: pip install 'stateflow-agents[{package}]'"
        ) from error


def _scripted(name: str, texts: str) -> ModelClient:
    from stateflow.models.scripted import ScriptedModel

    return ScriptedModel(texts.split("|"), name=name)


def _llama(_: str, model: str) -> ModelClient:
    from stateflow.models.llama import LlamaModel

    return LlamaModel(model)


def _openai(name: str, model: str) -> ModelClient:
    from stateflow.models.openai import OpenAIModel, needs_responses
    from stateflow.models.openai_server import OFFICIAL, OPENAI, vendor_at

    url = os.environ.get("OPENAI_BASE_URL") or None
    try:
        official = vendor_at(url or OFFICIAL) is OPENAI
    except ValueError:  # told when it is asked
        official = False
    responses = name.startswith("openai-responses:") or (official and needs_responses(model))
    return OpenAIModel(model, base_url=url, name=name, api="responses" if responses else "chat")


def _openai_chat_at(url: str, model: str) -> ModelClient:
    from stateflow.models.openai import OpenAIModel

    return OpenAIModel(model, base_url=url, api_key=_key_for(url))


def _openai_responses_at(url: str, model: str) -> ModelClient:
    from stateflow.models.openai import OpenAIModel

    return OpenAIModel(model, base_url=url, api_key=_key_for(url), api="responses")


def _key_for(url: str) -> str | None:
    """Return no key for an address without encryption: the environment's may not go there."""
    return None if url.startswith("https:") else ""


def _azure(name: str, deployment: str) -> ModelClient:
    from stateflow.models.azure import azure_model

    responses = name.startswith("azure-responses:")
    return azure_model(deployment, api="responses" if responses else "chat", name=name)


def _ollama(name: str, model: str) -> ModelClient:
    from stateflow.models.openai import OpenAIModel
    from stateflow.models.openai_server import OLLAMA, ollama_url
    from stateflow.models.price import FREE

    url = ollama_url(os.environ.get("OLLAMA_HOST", ""))
    return OpenAIModel(model, base_url=url, api_key="", price=FREE, name=name, vendor=OLLAMA)


def _anthropic(name: str, model: str) -> ModelClient:
    from stateflow.models.anthropic import AnthropicModel

    url = os.environ.get("ANTHROPIC_BASE_URL") or None
    return AnthropicModel(model, base_url=url, name=name)


def _anthropic_at(url: str, model: str) -> ModelClient:
    from stateflow.models.anthropic import AnthropicModel

    return AnthropicModel(model, base_url=url)


_OPENERS: Final[Mapping[str, tuple[str, Callable[[str, str], ModelClient]]]] = {
    "anthropic": ("anthropic", _anthropic),
    "azure": ("azure", _azure),
    "azure-responses": ("azure", _azure),
    "llama": ("llama", _llama),
    "ollama": ("openai", _ollama),
    "openai": ("openai", _openai),
    "openai-responses": ("openai", _openai),
    "scripted": ("", _scripted),
}
"""By prefix: the extra that installs the package, and what opens a name and its rest."""
_AT_URL: Final[Mapping[str, Callable[[str, str], ModelClient]]] = {
    "anthropic": _anthropic_at,
    "openai": _openai_chat_at,
    "openai-responses": _openai_responses_at,
}


class ModelPool:
    """Opens every model once and closes them all.

    Args:
        models: ready models by name; they are closed with the others.
    """

    def __init__(self, models: Mapping[str, ModelClient] | None = None) -> None:
        """Open nothing yet."""
        self._models: dict[str, ModelClient] = dict(models or {})

    def get(self, name: str) -> ModelClient:
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
