"""Images: the one that was named, as it is here, or one with packages baked in.

Packages are installed while an image is built, with the network on, and never while code runs.
The image that comes of it is kept, by the hash of what went into it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from stateflow.errors import DefinitionError, SandboxUnavailable
from stateflow.sandbox.docker_owner import DERIVED
from stateflow.value import Json

if TYPE_CHECKING:
    from stateflow.sandbox.docker_engine import Engine

__all__ = ["Image", "check_packages", "derived_tag", "dockerfile", "ensure"]

_NAME: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION: Final = r"(?:===|==|~=|!=|<=|>=|<|>)[A-Za-z0-9.!+*_-]+"
_REQUIREMENT: Final = re.compile(
    rf"{_NAME}(?:\[{_NAME}(?:,{_NAME})*\])?(?:{_VERSION}(?:,{_VERSION})*)?"
)
"""What may be installed: a name, extras, versions.  No addresses, no options, no spaces."""
_CHATTER: Final = ("--->", "Removing intermediate container")
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is here, ready to run."""

    name: str
    """As it was asked for."""
    id: str
    """Of what really runs, such as ``sha256:...``."""
    digest: str = ""
    """Of the image in its registry, where it has one."""
    packages: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    """Folders that it declares to be volumes."""

    @property
    def identity(self) -> dict[str, Json]:
        """What a journal keeps of it."""
        said: dict[str, Json] = {"image": self.name, "id": self.id}
        if self.digest:
            said["digest"] = self.digest
        if self.packages:
            said["packages"] = list(self.packages)
        return said


def check_packages(packages: Sequence[str]) -> tuple[str, ...]:
    """Return *packages* if each is a plain requirement.

    Raises:
        DefinitionError: one is not.

    Example:
        >>> check_packages(["numpy==2.1.0", "pandas[excel]>=2,<3"])
        ('numpy==2.1.0', 'pandas[excel]>=2,<3')
    """
    if isinstance(packages, str):
        raise DefinitionError(f"packages={packages!r} is one text; write packages=[{packages!r}]")
    for one in packages:
        if not _is_plain(one):
            raise DefinitionError(
                f"packages={one!r} is no plain requirement; write a name and versions without "
                "spaces, such as 'numpy==2.1.0'"
            )
    return tuple(packages)


def _is_plain(one: object) -> bool:
    return isinstance(one, str) and len(one) <= _LONGEST and _REQUIREMENT.fullmatch(one) is not None


def dockerfile(base: str, packages: Iterable[str]) -> bytes:
    """Return how the image with *packages* is built from the image *base*.

    The command is a list, so that no shell ever reads it.
    """
    command = [
        *("python3", "-m", "pip", "install", "--no-cache-dir", "--no-input"),
        *("--disable-pip-version-check", "--root-user-action=ignore", "--", *packages),
    ]
    return f"FROM {base}\nUSER 0:0\nRUN {json.dumps(command)}\n".encode()


def derived_tag(base: str, packages: Iterable[str]) -> str:
    """Return what the image with *packages* is called; their order does not matter."""
    text = json.dumps([base, sorted(packages)])
    return f"stateflow/derived:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def ensure(
    engine: Engine, name: str, packages: tuple[str, ...], limit_s: float, stop: Event
) -> Image:
    """Return the image *name*, with *packages*; it is fetched and built where it is not here.

    Raises:
        SandboxUnavailable: it cannot be had within *limit_s* [s], or before *stop* is set.
    """
    until = _Until(time.monotonic() + limit_s, stop)
    found = engine.image(name)
    if found is None:
        _follow(engine.pull(name), f"the image {name!r} cannot be pulled", until)
        found = engine.image(name)
    if found is None:
        raise SandboxUnavailable(f"the image {name!r} is not here; `docker pull {name}` gets it")
    digest = _digest(name, found.get("RepoDigests") or ())
    base = str(found["Id"])
    if not packages:
        return Image(name, base, digest, volumes=_volumes(found))
    tag = derived_tag(base, packages)
    made = engine.image(tag)
    if made is None:
        key, _, value = DERIVED.partition("=")
        build = engine.build(io.BytesIO(dockerfile(base, packages)), tag, {key: value})
        _follow(build, f"{', '.join(packages)} cannot be installed into the image {name!r}", until)
        made = engine.image(tag)
    if made is None:
        raise SandboxUnavailable(f"the image {tag!r} was built and is not there; try again")
    return Image(name, str(made["Id"]), digest, packages, _volumes(made))


def _volumes(found: Mapping[str, Any]) -> tuple[str, ...]:
    config: Mapping[str, Any] = found.get("Config") or {}
    return tuple(sorted(config.get("Volumes") or ()))


@dataclass(frozen=True, slots=True)
class _Until:
    moment: float
    stop: Event

    @property
    def over(self) -> bool:
        return self.stop.is_set() or time.monotonic() > self.moment


def _follow(progress: Iterable[Mapping[str, Any]], what: str, until: _Until) -> None:
    """Wait until *progress* ends.

    Raises:
        SandboxUnavailable: it ends in an error, or is not over in time.
    """
    last = ""
    for line in progress:
        said = " ".join(_COLOUR.sub("", line.get("stream") or line.get("status") or "").split())
        if "error" in line:
            told = " ".join(str(line["error"]).split())
            raise SandboxUnavailable(f"{what}: {last[:200] + '; ' if last else ''}{told[:300]}")
        if said and not said.startswith(_CHATTER):
            last = said
        if until.over:
            raise SandboxUnavailable(f"{what} in time; give it more with start_limit_s=")


def _digest(name: str, digests: Sequence[str]) -> str:
    """Return the digest under which the registry of *name* knows the image."""
    wanted = name.partition("@")[0]
    ours = [one.partition("@")[2] for one in digests if _bare(one) == _bare(wanted)]
    pinned = name.partition("@")[2]
    if pinned in ours:
        return pinned
    return ours[0] if ours else ""


def _bare(name: str) -> str:
    """Return *name* without digest and tag."""
    name = name.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"
