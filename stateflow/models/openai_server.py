"""Whose server it is that speaks OpenAI's APIs, and what is special about it."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from stateflow.models.http import host_of

__all__ = [
    "AZURE",
    "OFFICIAL",
    "OLLAMA",
    "OPENAI",
    "OTHER",
    "Vendor",
    "login_of",
    "ollama_url",
    "vendor_at",
]

OFFICIAL: Final = "https://api.openai.com/v1"
_OLLAMA_PORT = "11434"
_PORTS: Final = {"http": "80", "https": "443"}
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Vendor:
    """What is special about a kind of server."""

    prefix: str
    """What names of models begin with."""
    variable: str = "OPENAI_API_KEY"
    """Of the environment: where the key comes from when none is given."""
    needs_key: bool = False
    key_header: Literal["Authorization", "api-key"] = "Authorization"
    limit: str = "max_tokens"
    """What chat completions call the most that a reply may hold."""
    counts: bool = False
    """Whether it counts the tokens of a request that is not made."""
    absent_cure: str = "check its name and the address"
    down_cure: str = "check the address and the network"

    @property
    def key_cure(self) -> str:
        """What to do about a missing or wrong key."""
        if not self.variable:
            return "write openai+URL#NAME, which sends OPENAI_API_KEY"
        return f"export {self.variable}=..."


OPENAI: Final = Vendor("openai", needs_key=True, limit="max_completion_tokens", counts=True)
AZURE: Final = Vendor(
    "azure",
    variable="AZURE_OPENAI_API_KEY",
    needs_key=True,
    key_header="api-key",
    limit="max_completion_tokens",
    absent_cure="check the name of the deployment and AZURE_OPENAI_ENDPOINT",
    down_cure="check AZURE_OPENAI_ENDPOINT and the network",
)
OLLAMA: Final = Vendor(
    "ollama",
    variable="",
    absent_cure="`ollama pull NAME` gets it, `ollama list` tells what is there",
    down_cure="is `ollama serve` running? Then `ollama pull NAME`; OLLAMA_HOST tells another host",
)
OTHER: Final = Vendor("openai")


def vendor_at(url: str) -> Vendor:
    """Return whose server is at *url*, as far as the address tells.

    Raises:
        ValueError: there cannot be such an address.
    """
    host = host_of(url) or ""
    return OPENAI if host == "api.openai.com" or host.endswith(".api.openai.com") else OTHER


def login_of(url: str) -> tuple[str, str]:
    """Return the header and the password that the user and password in *url* stand for.

    They are taken out of the address that is connected to, because that is logged.

    Example:
        >>> login_of("https://me:secret@host/v1")
        ('Basic bWU6c2VjcmV0', 'secret')
        >>> login_of("https://host/v1")
        ('', '')
    """
    parts = urlsplit(url)
    if not (parts.username or parts.password):
        return "", ""
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}", password


def ollama_url(host: str) -> str:
    """Return where Ollama's own client would look for its server, given its OLLAMA_HOST.

    Without a scheme the port is 11434, with one it is that of the scheme; a port that cannot be
    is as good as none; where a server listens everywhere, it is asked here.
    Source: ollama's envconfig package, ``Host`` and ``ConnectableHost``.

    Example:
        >>> ollama_url(""), ollama_url("gpu-box"), ollama_url("https://ollama.example/x")
        ('http://127.0.0.1:11434/v1', 'http://gpu-box:11434/v1', 'https://ollama.example:443/x/v1')
    """
    scheme, found, rest = host.strip(" \t\r\n\"'").partition("://")
    if not found:
        scheme, rest = "http", scheme
    usual = _PORTS.get(scheme, _OLLAMA_PORT) if found else _OLLAMA_PORT
    address, _, path = rest.partition("/")
    parts = re.fullmatch(r"(\[.*\]|[^:]*)(?::(.*))?", address)
    bare = parts is None or (address.count(":") > 1 and not address.startswith("["))  # IPv6
    name, port = (address, None) if parts is None or bare else (parts[1], parts[2])
    if not (port and port.isdecimal() and int(port) <= _HIGHEST_PORT):
        port = usual
    path = f"/{path}".rstrip("/")
    return f"{scheme}://{_connectable(name.strip('[]'))}:{port}{path}/v1"


def _connectable(host: str) -> str:
    try:
        address = ipaddress.ip_address(host or "127.0.0.1")
    except ValueError:
        return host
    if address.is_unspecified:
        address = ipaddress.ip_address("::1" if address.version == 6 else "127.0.0.1")  # noqa: PLR2004 - IPv6
    return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6
