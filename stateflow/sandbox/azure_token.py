"""Tokens that Azure lets us into a pool of sessions with.

One of the two modules that import ``azure``, and only where no credential is given.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final, Protocol

from stateflow.errors import SandboxUnavailable

__all__ = ["AccessToken", "Credential", "Token"]

_SCOPE: Final = "https://dynamicsessions.io/.default"
_AHEAD_S: Final = 300
"""How long before its end a token is fetched anew [s]."""
_FETCH_S: Final = 60.0

# what it tries, one after the other, is told in our error, not on the terminal
logging.getLogger("azure.identity").addHandler(logging.NullHandler())


class AccessToken(Protocol):
    """What a credential gives, as Azure's own tools do."""

    @property
    def token(self) -> str:
        """The token itself."""
        ...

    @property
    def expires_on(self) -> int:
        """When it ends [s since 1970]."""
        ...


class Credential(Protocol):
    """Who we are, such as ``azure.identity.ManagedIdentityCredential()``."""

    def get_token(self, *scopes: str) -> AccessToken:
        """Return a token for *scopes*; may block."""
        ...


class Token:
    """Fetches tokens, and keeps the last until shortly before its end.

    Args:
        name: what error sentences call the sandbox.
        credential: who we are; whatever Azure's own tools have on this machine if not given.
    """

    def __init__(self, name: str, credential: Credential | None) -> None:
        self._name = name
        self._credential = credential
        self._token = ""
        self._until = 0.0

    async def fetch(self) -> str:
        """Return a token that is good for some minutes.

        Raises:
            SandboxUnavailable: there is no credential; the sentence says how to get one.
        """
        if not self._token or time.time() > self._until - _AHEAD_S:
            try:
                async with asyncio.timeout(_FETCH_S):
                    self._token, self._until = await asyncio.to_thread(self._fetch)
            except TimeoutError:
                raise self._missing("it took too long") from None
        return self._token

    def forget(self) -> None:
        """Let the next token be a new one."""
        self._token = ""

    def _fetch(self) -> tuple[str, float]:
        credential = self._credential
        try:
            token = _own_token() if credential is None else credential.get_token(_SCOPE)
        except ImportError:
            raise SandboxUnavailable(
                f"{self._name} needs Azure's own tools to sign in: "
                "pip install 'stateflow-agents[azure]'"
            ) from None
        except Exception as error:  # noqa: BLE001 - a credential raises what it likes; its words may hold secrets
            why = type(error).__name__
        else:
            if token.token.isascii() and token.token.isprintable() and token.token:
                return token.token, float(token.expires_on)
            why = "it holds characters that no token has"
        raise self._missing(why)

    def _missing(self, why: str) -> SandboxUnavailable:
        return SandboxUnavailable(
            f"{self._name}: no token from Azure ({why}); run `az login`, or give credential="
        )


def _own_token() -> AccessToken:
    from azure.identity import DefaultAzureCredential

    with DefaultAzureCredential() as credential:
        return credential.get_token(_SCOPE)
