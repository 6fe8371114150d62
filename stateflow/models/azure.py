"""Models that Azure hosts, by the name of their deployment.

They are reached through the SDK's plain client at Azure's v1 address, which takes OpenAI's own
requests as they are.  The SDK's client for Azure is not used: it puts the deployment into the
path and a dated version into the query, both of which that address has no use for.

The only module that imports ``azure``, and only where there is no key.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import Final

from stateflow.errors import AuthFailed, ModelNotFound
from stateflow.models.openai import Api, OpenAIModel
from stateflow.models.openai_server import AZURE

__all__ = ["AzureToken", "azure_model"]

_SCOPE: Final = "https://cognitiveservices.azure.com/.default"
_AHEAD_S = 300
"""How long before its end a token is fetched anew [s]."""

# what it tries, one after the other, is told in our error, not on the terminal
logging.getLogger("azure.identity").addHandler(logging.NullHandler())


def azure_model(deployment: str, *, api: Api, name: str) -> OpenAIModel:
    """Return the model that is deployed under the name *deployment*.

    Args:
        deployment: its name in Azure.
        api: which of OpenAI's APIs.
        name: what error sentences call it.

    Raises:
        ModelNotFound: nothing says where Azure hosts it.
    """
    endpoint = os.environ.get("AZURE_OPENAI_ENDPOINT", "").strip().rstrip("/")
    if not endpoint:
        raise ModelNotFound(
            f"{name!r} needs an address: export AZURE_OPENAI_ENDPOINT=https://NAME.openai.azure.com"
        )
    url = endpoint if endpoint.endswith("/openai/v1") else f"{endpoint}/openai/v1"
    key = os.environ.get(AZURE.variable, "").strip()
    return OpenAIModel(
        deployment,
        base_url=url,
        api_key=key or AzureToken(name),
        name=name,
        api=api,
        vendor=AZURE,
    )


class AzureToken:
    """Fetches tokens with whatever credential Azure's own tools have here, and keeps the last."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._token = ""
        self._until = 0.0

    async def __call__(self) -> str:
        """Return a token that is good for some minutes.

        Raises:
            AuthFailed: there is no credential; the sentence says how to get one.
        """
        if time.time() > self._until - _AHEAD_S:
            self._token, self._until = await asyncio.to_thread(self._fetch)
        return self._token

    def _fetch(self) -> tuple[str, float]:
        try:
            from azure.core.exceptions import AzureError
            from azure.identity import DefaultAzureCredential
        except ImportError:
            raise AuthFailed(
                f"{self._name} needs a key: export {AZURE.variable}=..., or "
                "pip install 'stateflow-agents[azure]' to sign in without one"
            ) from None
        try:
            with DefaultAzureCredential() as credential:
                token = credential.get_token(_SCOPE)
        except (AzureError, ValueError) as error:
            fault = AuthFailed(
                f"{self._name}: Azure gave no token ({type(error).__name__}); "
                f"run `az login`, or export {AZURE.variable}=..."
            )
        else:
            return token.token, float(token.expires_on)
        raise fault
