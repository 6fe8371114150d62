"""What processes that died have left at an engine: found by its labels, and removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from stateflow.sandbox.docker_owner import DERIVED, LABEL, is_left

if TYPE_CHECKING:
    from stateflow.sandbox.docker_engine import Engine

__all__ = ["prune"]

_ID: Final = 12
"""So much of an id is enough to tell it from others [characters]."""


def prune(engine: Engine, *, everything: bool = False, images: bool = False) -> Iterator[str]:
    """Remove what is left at *engine*, and yield a line for each, once it is gone.

    That is what processes of this machine made that are gone; *everything*: what others made and
    what is in use, too.  *images*: those with packages baked in, which are kept to be used again.

    Raises:
        SandboxUnavailable: the engine cannot be asked.
    """
    yield from _containers(engine, everything=everything)
    if everything:
        for one in engine.networks(LABEL):
            if engine.remove_network(one["Name"]):
                yield f"network {one['Name']}"
    if images:
        for one in engine.images(DERIVED):
            if engine.remove_image(one["Id"]):
                yield f"image {(one.get('RepoTags') or [one['Id']])[0]}"


def _containers(engine: Engine, *, everything: bool) -> Iterator[str]:
    for one in engine.containers(LABEL):
        if everything or is_left(_labels(one)):
            engine.remove(one["Id"])
            name = str((one.get("Names") or [one["Id"][:_ID]])[0]).removeprefix("/")
            yield f"container {name}{_maker(one)}"


def _labels(one: Mapping[str, Any]) -> Mapping[str, str]:
    return one.get("Labels") or {}


def _maker(one: Mapping[str, Any]) -> str:
    labels = _labels(one)
    pid, host = labels.get("stateflow.pid"), labels.get("stateflow.host")
    return f", made by process {pid} of {host}" if pid and host else ""
