"""Containers of a docker engine: hardened by default, opened up only by name.

What is written here are values: nothing is started and no SDK is imported before a run opens them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast, get_args

from stateflow.errors import DefinitionError, SandboxUnavailable
from stateflow.sandbox.docker_image import check_packages
from stateflow.sandbox.docker_wire import RUNS
from stateflow.sandbox.limits import check_limits
from stateflow.value import Json

if TYPE_CHECKING:
    from stateflow.sandbox.docker_session import DockerSession

__all__ = ["DockerSandbox", "Network"]

Network: TypeAlias = Literal["none", "internal", "open"]
"""Whom a container reaches: nobody, containers of one network without a way out, or everybody."""

_USER: Final = re.compile(r"[1-9]\d{0,9}(:\d{1,10})?")
_IMAGE: Final = re.compile(r"[A-Za-z0-9][\w.:/@-]{0,299}", re.ASCII)
_LEAST_MEMORY_MB: Final = 16
_LEAST_PIDS: Final = 8
_SYSTEM: Final = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "usr")
_SYSTEM_DATA: Final = ("/var/lib", "/var/run")
"""Folders that are never handed in, with all that is in them: they are this machine."""


@dataclass(frozen=True, slots=True)
class DockerSandbox:
    """A container of *image*, with no network, no privileges, and limits on all it may use.

    Args:
        image: such as ``python:3.12-slim``, or pinned as ``python@sha256:...``; it needs ``sh``
            and the usual small tools (``head``, ``sleep``, ``tar``).
        keep: one container for all blocks of a run; else a fresh one for each.
        time_limit_s: limit for one block [s].
        memory_mb: memory of all processes together, with the work folder [MiB]; none is swap.
        cpus: how many processors' time they may use.
        pids_limit: how many processes and threads there may be.
        workspace_mb: most that the work folder may hold [MiB]; it lies in memory, and takes half
            of that at most.
        tmp_mb: most that ``/tmp``, ``/dev/shm`` and each volume that the image declares may hold
            [MiB]; an eighth of memory each at most.
        output_limit_bytes: most that is kept of each stream [bytes].
        files_limit_bytes: most that the files of one block may hold together [bytes].
        files_limit: most files that are taken from one block.
        network: ``none``; ``internal``, the network ``stateflow-internal`` without a way out; or
            ``open``, the engine's usual network: the internet, and whatever this machine reaches.
        packages: Python packages to bake into the image, once, such as ``numpy==2.1.0``.
        folder: a folder of this machine as the work folder; only regular files are read from it.
        user: number of the user, and of the group, that code runs as; never root.
        languages: which may be run, of those that the image has.
        start_limit_s: limit for pulling the image, and for baking packages into it [s]; no answer
            of the engine may take longer.

    Raises:
        DefinitionError: an argument makes no sense; the sentence says which.

    Example:
        >>> DockerSandbox("python:3.12-slim", memory_mb=256).name
        'docker:python:3.12-slim'
    """

    image: str
    keep: bool = field(default=True, kw_only=True)
    time_limit_s: float = field(default=60.0, kw_only=True)
    memory_mb: int = field(default=512, kw_only=True)
    cpus: float = field(default=1.0, kw_only=True)
    pids_limit: int = field(default=128, kw_only=True)
    workspace_mb: int = field(default=64, kw_only=True)
    tmp_mb: int = field(default=64, kw_only=True)
    output_limit_bytes: int = field(default=16_384, kw_only=True)
    files_limit_bytes: int = field(default=20_000_000, kw_only=True)
    files_limit: int = field(default=50, kw_only=True)
    network: Network = field(default="none", kw_only=True)
    packages: Sequence[str] = field(default=(), kw_only=True)
    folder: str | Path | None = field(default=None, kw_only=True)
    user: str = field(default="65534:65534", kw_only=True)
    languages: Sequence[str] = field(default=("python", "sh", "bash", "javascript"), kw_only=True)
    start_limit_s: float = field(default=120.0, kw_only=True)

    def __post_init__(self) -> None:
        """Check every argument, and bring lists and paths to one form."""
        if not _fits(_IMAGE, self.image):
            raise DefinitionError(
                f"{self.image!r} names no image; write it as 'python:3.12-slim' or "
                "'python@sha256:...'"
            )
        what = repr(self.name)
        if not isinstance(cast("object", self.keep), bool):
            raise DefinitionError(f"keep={self.keep!r} of {what} is neither True nor False")
        check_limits(what, **{limit: getattr(self, limit) for limit in _LIMITS})
        self._check_least("memory_mb", _LEAST_MEMORY_MB)
        self._check_least("pids_limit", _LEAST_PIDS)
        if self.network not in get_args(Network):
            raise DefinitionError(
                f"network={self.network!r} is none of {what}; write 'none', 'internal' or 'open'"
            )
        if not _fits(_USER, self.user):
            raise DefinitionError(
                f"user={self.user!r} cannot run code in {what}; write numbers as '1000:1000', and "
                "never root"
            )
        object.__setattr__(self, "packages", check_packages(self.packages))
        object.__setattr__(self, "languages", _languages(self.languages))
        object.__setattr__(self, "folder", _folder(self.folder))

    def _check_least(self, name: str, least: int) -> None:
        if getattr(self, name) < least:
            raise DefinitionError(
                f"{name}={getattr(self, name)!r} is too little for {self.name!r} to start; give "
                f"at least {least}"
            )

    @property
    def name(self) -> str:
        """What flows, journals and sentences call it."""
        return f"docker:{self.image}"

    @property
    def keeps(self) -> bool:
        """Whether what blocks leave in the work folder is lost with the container."""
        return self.keep and self.folder is None

    @property
    def risk(self) -> str:
        """Nothing: what is opened up (a folder, the network) was named."""
        return ""

    @property
    def form(self) -> Json:
        """The image, and settings that are not as usual; of a folder, only that there is one."""
        said: dict[str, Json] = {"docker": self.image}
        for setting in fields(self):
            value: Json = getattr(self, setting.name)
            if setting.name not in {"image", "start_limit_s"} and value != setting.default:
                said[setting.name] = list(value) if isinstance(value, tuple) else value
        if self.folder is not None:
            said["folder"] = True
        return said

    async def open(self) -> DockerSession:
        """Start a container, after fetching its image where that is not here.

        Raises:
            SandboxUnavailable: the engine or the image cannot be had; the sentence says the cure.
        """
        try:
            from stateflow.sandbox.docker_session import DockerSession
        except ModuleNotFoundError as error:
            raise SandboxUnavailable(
                f"{self.name!r} needs a package that is not installed ({error.name}): "
                "pip install 'stateflow-agents[docker]'"
            ) from error
        session = DockerSession(self)
        await session.open()
        return session


_LIMITS: Final = (
    "time_limit_s",
    "memory_mb",
    "cpus",
    "pids_limit",
    "workspace_mb",
    "tmp_mb",
    "output_limit_bytes",
    "files_limit_bytes",
    "files_limit",
    "start_limit_s",
)


def _fits(pattern: re.Pattern[str], given: object) -> bool:
    return isinstance(given, str) and pattern.fullmatch(given) is not None


def _languages(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise DefinitionError(f"languages={given!r} is one text; write languages=[{given!r}]")
    for one in given:
        if one not in RUNS:
            raise DefinitionError(
                f"languages={one!r} is none that containers run; choose from {', '.join(RUNS)}"
            )
    if not given:
        raise DefinitionError(f"languages={given!r} are none; choose from {', '.join(RUNS)}")
    return tuple(given)


def _folder(given: str | Path | None) -> str | None:
    """Return the folder without links on the way to it, if it may be handed in.

    Raises:
        DefinitionError: it may not.
    """
    if given is None:
        return None
    path = Path(given)
    if not path.is_absolute() or not path.is_dir():
        raise DefinitionError(
            f"folder={str(given)!r} is no folder of this machine; write its whole path"
        )
    real = path.resolve()
    if _is_this_machine(real):
        raise DefinitionError(
            f"folder={str(given)!r} would hand this machine to the container; make a folder of "
            "its own for the work"
        )
    return str(real)


def _is_this_machine(folder: Path) -> bool:
    """Tell whether *folder* belongs to the system, holds a home, or the way to an engine."""
    top = folder.parts[1:2]
    home = Path.home().resolve()
    return (
        len(folder.parts) <= 2  # noqa: PLR2004 - the root, and what lies right below it
        or top[0] in _SYSTEM
        or any(folder.is_relative_to(one) for one in _SYSTEM_DATA)
        or home.is_relative_to(folder)
        or any(one.is_socket() for one in folder.glob("docker.sock"))
    )
