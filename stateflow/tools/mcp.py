"""Tools of MCP servers: a process spoken to over its pipes, or a server reached over HTTP.

What is written here are values: nothing is started and no SDK is imported before a run opens them.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from stateflow.errors import DefinitionError, Unreachable
from stateflow.value import check_name

if TYPE_CHECKING:
    from stateflow.tools.mcp_session import McpSession

__all__ = ["Http", "McpSource", "Names", "Stdio", "Which", "mcp_http", "mcp_stdio"]

Names: TypeAlias = bool | Iterable[str]
"""All tools, none, or those of these names."""
Which: TypeAlias = bool | tuple[str, ...]
"""The same, at rest."""

_LONGEST_COMMAND = 200
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Stdio:
    """A server that is a process of ours."""

    command: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Variables beside the few that are handed down, such as PATH; the place for secrets."""
    cwd: str | None = None

    def __str__(self) -> str:
        """Return the command, as it would be typed."""
        return shlex.join(self.command)[:_LONGEST_COMMAND]


@dataclass(frozen=True, slots=True)
class Http:
    """A server that others run, reached over streamable HTTP."""

    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        """Return the address, without what could be secret in it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True, slots=True)
class McpSource:
    """An MCP server and the terms on which agents use it."""

    name: str
    server: Stdio | Http
    only: tuple[str, ...] | None = None
    """Tools to offer; ``None``: all."""
    approve: Which = False
    """Tools of which a person must allow every call."""
    repeat: Which = True
    """Tools that may be called again after a crash."""
    timeout_s: float = 60.0
    """Limit for opening it, and for one call [s]."""

    def __str__(self) -> str:
        """Return what sentences call it."""
        return f"MCP server {self.name!r} ({self.server})"

    async def open(self) -> McpSession:
        """Start or reach the server, and shake hands.

        Raises:
            Unreachable: it cannot be started or reached, or it ends at once.
            TimedOut: it does not answer.
            AuthFailed: it refuses us.
            BadReply: it does not speak MCP.
        """
        try:
            from stateflow.tools.mcp_session import McpSession
        except ModuleNotFoundError as error:
            raise Unreachable(
                f"{self} needs a package that is not installed ({error.name}): "
                "pip install 'stateflow-agents[mcp]'"
            ) from error
        session = McpSession(self)
        await session.connect()
        return session


def mcp_stdio(  # noqa: PLR0913 - all but the command are keywords with defaults
    command: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    only: Iterable[str] | None = None,
    approve: Names = False,
    repeat: Names = True,
    timeout_s: float = 60.0,
    name: str = "",
) -> McpSource:
    """Return the tools of an MCP server that is started as a process.

    Args:
        command: what to start.
        arguments: its arguments; errors show them, so that secrets belong in *env*.
        env: variables beside the few that are handed down, such as PATH.
        cwd: the folder it runs in.
        only: names of the tools to offer; all if not given.
        approve: whether a person must allow every call, or names of the tools this holds for.
        repeat: whether a call may be made again after a crash, or names of those that may.
        timeout_s: limit for starting it, and for one call [s].
        name: what sentences and journals call it; the command if not given.

    Raises:
        DefinitionError: the command is empty, or a limit is not above zero.

    Example:
        >>> mcp_stdio("npx", "-y", "server-files", env={"TOKEN": "secret"}, only=["read"]).server
        Stdio(command=('npx', '-y', 'server-files'), cwd=None)
    """
    if not command.strip():
        raise DefinitionError("mcp_stdio needs a command, such as mcp_stdio('python', 'server.py')")
    server = Stdio(
        (command, *arguments), tuple((env or {}).items()), None if cwd is None else str(cwd)
    )
    words = " ".join(Path(word).name for word in server.command)
    return _source(name or _tidy(words), server, (only, approve, repeat), timeout_s)


def mcp_http(  # noqa: PLR0913 - all but the address are keywords with defaults
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    only: Iterable[str] | None = None,
    approve: Names = False,
    repeat: Names = True,
    timeout_s: float = 60.0,
    name: str = "",
) -> McpSource:
    """Return the tools of an MCP server that is reached over streamable HTTP.

    Args:
        url: such as ``https://host/mcp``.
        headers: sent with every request; the place for a key.
        only: names of the tools to offer; all if not given.
        approve: whether a person must allow every call, or names of the tools this holds for.
        repeat: whether a call may be made again after a crash, or names of those that may.
        timeout_s: limit for connecting, and for one call [s].
        name: what sentences and journals call it; host and path if not given.

    Raises:
        DefinitionError: the address is none of HTTP, or a limit is not above zero.

    Example:
        >>> str(mcp_http("https://me:secret@host/mcp?key=secret"))
        "MCP server 'host mcp' (https://host/mcp)"
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        server = Http(url)
        raise DefinitionError(f"'{server}' is no address of HTTP; write it as 'https://host/mcp'")
    server = Http(url, tuple((headers or {}).items()))
    place = f"{parts.netloc.rpartition('@')[2]}{parts.path}"
    return _source(
        name or _tidy(place.replace("/", " ")), server, (only, approve, repeat), timeout_s
    )


def _source(
    name: str,
    server: Stdio | Http,
    terms: tuple[Iterable[str] | None, Names, Names],
    timeout_s: float,
) -> McpSource:
    if not timeout_s > 0:
        raise DefinitionError(f"MCP server {name!r}: timeout_s={timeout_s} is not above zero [s]")
    only, approve, repeat = terms
    return McpSource(
        check_name(name, "source of tools"),
        server,
        None if only is None else _names("only", only),
        approve if isinstance(approve, bool) else _names("approve", approve),
        repeat if isinstance(repeat, bool) else _names("repeat", repeat),
        timeout_s,
    )


def _tidy(words: str) -> str:
    """Return *words* as a name."""
    printable = "".join(c if c.isprintable() else " " for c in words)
    return " ".join(printable.split())[:_LONGEST_NAME].strip()


def _names(word: str, given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):  # a text is an iterable of its letters
        raise DefinitionError(f"{word}={given!r} is one text; write {word}=[{given!r}]")
    return tuple(given)
