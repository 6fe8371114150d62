"""Means: sandboxes, handoffs and MCP servers; from the flow to the document, and back."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from stateflow.errors import DefinitionError
from stateflow.exchange.forms import HandoffForm, McpForm, SandboxForm
from stateflow.exchange.language import changed
from stateflow.exchange.unwritten import Unwritable, called
from stateflow.sandbox.base import Sandbox
from stateflow.sandbox.names import sandbox_of
from stateflow.tools.handoff import Handoff, handoff
from stateflow.tools.mcp import Http, McpSource, Stdio, mcp_http, mcp_stdio

__all__ = [
    "handoff_form",
    "handoff_of",
    "mcp_form",
    "mcp_of",
    "sandbox_from",
    "sandbox_settings",
]


def sandbox_settings(sandbox: Sandbox) -> str | SandboxForm:
    """Return *sandbox* as it is written: by its name, where it has no settings of its own.

    Raises:
        Unwritable: it is none that is built in, or holds a way in.
    """
    try:
        plain = sandbox_of(sandbox.name)
    except DefinitionError:
        plain = None
    if type(plain) is not type(sandbox) or plain is None:
        raise Unwritable(f"sandbox {called(sandbox)}, which is Python,")
    settings = changed(sandbox, plain)
    for name, value in settings.items():
        if isinstance(value, Path):
            settings[name] = str(value)
        elif not isinstance(value, bool | int | float | str | list):
            raise Unwritable(f"{name} of sandbox {sandbox.name!r}, which is Python,")
    return SandboxForm(name=sandbox.name, settings=settings) if settings else sandbox.name


def sandbox_from(form: str | SandboxForm) -> Sandbox:
    """Return the sandbox that is written as *form*.

    Raises:
        DefinitionError: there is none of that name, or it has no such setting.
    """
    if isinstance(form, str):
        return sandbox_of(form)
    plain: Any = sandbox_of(form.name)
    known = [one.name for one in fields(plain)]
    for name, value in form.settings.items():
        fits = isinstance(value, bool | int | float | str | list | tuple)
        if name not in known or not fits or name in {"credential", "http_client"}:
            raise DefinitionError(
                f"sandbox {form.name!r} takes no setting {name!r} from a file; it takes: "
                f"{', '.join(known)}"
            )
    settings = {
        name: tuple(cast("list[object]", value)) if isinstance(value, list) else value
        for name, value in form.settings.items()
    }
    try:
        return cast("Sandbox", replace(plain, **settings))
    except TypeError as error:
        raise DefinitionError(f"sandbox {form.name!r}: {error}") from error


def handoff_form(tool: Handoff) -> HandoffForm:
    """Return *tool* as it is written: what follows from its target is left out."""
    told = handoff(tool.target, name=tool.name)
    plain = handoff(tool.target) if _named_plainly(tool) else None
    return HandoffForm(
        handoff=tool.target,
        name=None if plain is not None else tool.name,
        description=None if tool.description == told.description else tool.description,
    )


def _named_plainly(tool: Handoff) -> bool:
    try:
        return handoff(tool.target).name == tool.name
    except DefinitionError:  # of a target whose name is too long for that of a tool
        return False


def handoff_of(form: HandoffForm) -> Handoff:
    """Return the tool that is written as *form*.

    Raises:
        DefinitionError: it does not make sense.
    """
    return handoff(form.handoff, name=form.name, description=form.description or "")


def mcp_form(source: object) -> McpForm:
    """Return the MCP server *source* as it is written.

    Raises:
        Unwritable: it is none, or holds what may be secret.
    """
    if not isinstance(source, McpSource):
        raise Unwritable(f"source of tools {called(source)}, which is Python,")
    told = f"MCP server {source.name!r}"
    server = source.server
    secret = server.env if isinstance(server, Stdio) else server.headers
    if secret:
        word = "env" if isinstance(server, Stdio) else "headers"
        names = ", ".join(repr(name) for name, _ in secret)
        raise Unwritable(f"{word} {names} of {told}, which may hold a secret,")
    if isinstance(server, Http):
        parts = urlsplit(server.url)
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise Unwritable(f"what stands beside host and path in the address of {told}")
    where = list(server.command) if isinstance(server, Stdio) else server.url
    cwd = server.cwd if isinstance(server, Stdio) else None
    plain = mcp_of(McpForm(mcp=where, cwd=cwd))
    return McpForm(mcp=where, cwd=cwd, **changed(source, plain))


def mcp_of(form: McpForm) -> McpSource:
    """Return the MCP server that is written as *form*; nothing is opened.

    Raises:
        DefinitionError: it does not make sense.
    """
    terms: dict[str, Any] = {"only": form.only, "approve": form.approve, "repeat": form.repeat}
    if form.timeout_s is not None:
        terms["timeout_s"] = form.timeout_s
    if form.name is not None:
        terms["name"] = form.name
    if isinstance(form.mcp, str):
        if form.cwd is not None:
            raise DefinitionError(
                f"MCP server {form.mcp!r} is reached by its address; leave out cwd"
            )
        return mcp_http(form.mcp, **terms)
    if not form.mcp:
        raise DefinitionError("an MCP server needs a command; write mcp: ['python', 'server.py']")
    return mcp_stdio(*form.mcp, cwd=form.cwd, **terms)
