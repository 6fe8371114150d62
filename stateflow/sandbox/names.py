"""Sandboxes by name: ``monty``, ``docker:IMAGE``, ``local``, ``azure:POOL``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeGuard

from stateflow.errors import DefinitionError
from stateflow.sandbox.base import Sandbox

__all__ = ["sandbox_of"]


def sandbox_of(sandbox: str | Sandbox) -> Sandbox:
    """Return the sandbox that is called *sandbox*, or is one.  Nothing is opened.

    Raises:
        DefinitionError: there is none of that name.

    Example:
        >>> sandbox_of("docker:python:3.12-slim").name
        'docker:python:3.12-slim'
    """
    if not isinstance(sandbox, str):
        if _is_sandbox(sandbox):
            return sandbox
        raise DefinitionError(f"{sandbox!r} is no sandbox; {_KNOWN}")
    kind, _, rest = sandbox.partition(":")
    make = _NAMED.get(kind)
    if make is not None and rest:
        return make(rest)
    plain = _PLAIN.get(sandbox)
    if plain is not None:
        return plain()
    lacks = f"{kind} needs a name behind the colon" if make is not None else "there is none such"
    raise DefinitionError(f"sandbox {sandbox!r}: {lacks}; {_KNOWN}")


_KNOWN: Final = "write 'monty', 'docker:IMAGE', 'local' or 'azure:POOL'"


def _is_sandbox(thing: object) -> TypeGuard[Sandbox]:
    said = all(hasattr(thing, word) for word in ("name", "languages", "keeps", "risk", "form"))
    return said and callable(getattr(thing, "open", None))


def _monty() -> Sandbox:
    from stateflow.sandbox.monty import MontySandbox

    return MontySandbox()


def _local() -> Sandbox:
    from stateflow.sandbox.local import LocalSandbox

    return LocalSandbox()


def _docker(image: str) -> Sandbox:
    from stateflow.sandbox.docker import DockerSandbox

    return DockerSandbox(image)


def _azure(pool: str) -> Sandbox:
    from stateflow.sandbox.azure import AzureSandbox

    return AzureSandbox(pool)


_PLAIN: Final[Mapping[str, Callable[[], Sandbox]]] = {"monty": _monty, "local": _local}
_NAMED: Final[Mapping[str, Callable[[str], Sandbox]]] = {"docker": _docker, "azure": _azure}
