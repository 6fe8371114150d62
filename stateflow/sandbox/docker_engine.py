"""The docker engine behind a typed fence: with its client, the one place that knows its SDK.

Every error of the SDK, of HTTP and of the socket becomes ``SandboxUnavailable`` here, with what
to do about it.  All calls block, so they belong in a thread.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Final, cast

import docker.errors  # type: ignore[import-untyped]  # it ships no types
import requests

from stateflow.errors import SandboxUnavailable
from stateflow.sandbox.docker_client import TROUBLE, Client, address
from stateflow.sandbox.docker_wire import Frames
from stateflow.value import plain

__all__ = ["ANSWER_S", "Engine", "Speech"]

ANSWER_S: Final = 20.0
"""Within which the engine answers whatever is no pull, build or block [s]."""
_LONGEST_QUOTE: Final = 300
_PIECE: Final = 65_536
_PODMANS_LIST: Final = "hpid,args"
_NO_ADDRESS: Final = {"com.docker.network.bridge.inhibit_ipv4": "true"}
_GONE: Final = ("is not running", "No such container", "No such exec", "marked for removal")
"""What the engine says of a container that was ended; its status codes vary."""


class Engine:
    """A connection to the engine that ``DOCKER_HOST`` names, or the machine's own.

    Args:
        answer_s: limit for one answer [s]; pulling an image and building one take longer.

    Raises:
        SandboxUnavailable: it is not there.
    """

    def __init__(self, answer_s: float = ANSWER_S) -> None:
        self.where = address()
        self._answer_s = answer_s
        with self._asked("answer"):
            self._api: Any = Client(answer_s)
        with self._asked("tell what it is"):
            parts = self._api.version().get("Components") or ()
        self.podman = any(part.get("Name") == "Podman Engine" for part in parts)
        """Whether it is podman's service, which differs here and there."""

    def close(self) -> None:
        """Close every connection."""
        self._api.close()

    def image(self, name: str) -> Mapping[str, Any] | None:
        """Return what is known of the image *name*; ``None``: it is not here."""
        with self._asked(f"look up the image {name!r}"):
            try:
                return cast("Mapping[str, Any]", self._api.inspect_image(name))
            except docker.errors.NotFound:
                return None

    def images(self, label: str) -> list[Mapping[str, Any]]:
        """Return the images with *label*."""
        with self._asked("list images"):
            return list(self._api.images(filters={"label": label}))

    def pull(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Fetch the image *name* from its registry, and yield how it goes on."""
        cure = f"check its name (`docker pull {name}`), or build it or load it there"
        with self._asked(f"have the image {name!r}, nor could it pull it", cure):
            yield from self._api.pull(name, stream=True, decode=True)

    def build(self, dockerfile: IO[bytes], tag: str, labels: Mapping[str, str]) -> Iterator[Any]:
        """Build the image *tag* from a *dockerfile* without a folder, and yield how it goes on."""
        with self._asked(f"build the image {tag!r}"):
            yield from self._api.build(
                fileobj=dockerfile,
                tag=tag,
                labels=dict(labels),
                rm=True,
                forcerm=True,
                decode=True,
                use_config_proxy=True,  # of the user, for the build only
            )

    def remove_image(self, name: str) -> bool:
        """Remove the image *name*, and return whether that could be: it may be in use."""
        return self._removed(f"the image {name!r}", lambda: self._api.remove_image(name))

    def network(self, name: str, labels: Mapping[str, str]) -> None:
        """Make the network *name*, which leads nowhere outside, unless it is there.

        Nor does it lead to this machine, which has no address in it.

        Raises:
            SandboxUnavailable: there is one of that name that leads outside.
        """
        with self._asked(f"make the network {name!r}"):
            there = [one for one in self._api.networks(names=[name]) if one["Name"] == name]
            if not there:
                self._api.create_network(
                    name, "bridge", _NO_ADDRESS, internal=True, labels=dict(labels)
                )
        if any(not one["Internal"] for one in there):
            raise SandboxUnavailable(
                f"the network {name!r} leads outside, so it is not ours; `docker network rm {name}`"
            )

    def networks(self, label: str) -> list[Mapping[str, Any]]:
        """Return the networks with *label*."""
        with self._asked("list networks"):
            return list(self._api.networks(filters={"label": label}))

    def remove_network(self, name: str) -> bool:
        """Remove the network *name*, and return whether that could be: it may be in use."""
        return self._removed(f"the network {name!r}", lambda: self._api.remove_network(name))

    def create(self, name: str, config: Mapping[str, Any]) -> str:
        """Create the container *name*, and return its id."""
        with self._asked("create a container"):
            made = self._api.create_container_from_config(dict(config), name)
            return cast("str", made["Id"])

    def start(self, container: str) -> None:
        """Start *container*."""
        with self._asked("start a container"):
            self._api.start(container)

    def state(self, container: str) -> Mapping[str, Any] | None:
        """Return the state of *container*; ``None``: there is no such."""
        with self._asked("look up a container"):
            try:
                return cast("Mapping[str, Any]", self._api.inspect_container(container)["State"])
            except docker.errors.NotFound:
                return None

    def processes(self, container: str) -> dict[int, str]:
        """Return the processes of *container*: commands by their number outside of it."""
        with self._asked("list the processes of a container"):
            told = self._api.top(container, _PODMANS_LIST if self.podman else None)
            at = told["Titles"].index("HPID" if self.podman else "PID")
            return {int(row[at]): str(row[-1]) for row in told["Processes"] or ()}

    def remove(self, container: str) -> None:
        """End and remove *container* with its work folder; one that is gone is fine."""
        with self._asked("remove a container"), suppress(docker.errors.NotFound):
            self._api.remove_container(container, v=True, force=True)

    def containers(self, label: str) -> list[Mapping[str, Any]]:
        """Return the containers with *label*, running or not."""
        with self._asked("list containers"):
            return list(self._api.containers(all=True, filters={"label": label}))

    def speak(self, container: str, command: Sequence[str], user: str) -> Speech:
        """Start *command* in *container*, as *user*, and return the way to it."""
        with self._asked("run a command"):
            made = self._api.exec_create(
                container, list(command), stdin=True, user=user, workdir="/"
            )
            speech = self._api.exec_start(made["Id"], socket=True)
            return Speech(self, made["Id"], speech)

    def spoken(self, speech: str) -> Mapping[str, Any]:
        """Return how the command of *speech* fares: ``Running``, ``ExitCode``, ``Pid``."""
        with self._asked("look up a command"):
            return cast("Mapping[str, Any]", self._api.exec_inspect(speech))

    def _removed(self, what: str, remove: Callable[[], object]) -> bool:
        with self._asked(f"remove {what}"):
            try:
                remove()
            except docker.errors.APIError as error:
                if error.is_client_error():
                    return False
                raise
            return True

    @contextmanager
    def _asked(self, what: str, cure: str = "") -> Generator[None]:
        """Turn what goes wrong with asking for *what* into the one error.

        Raises:
            SandboxUnavailable: something did.
        """
        try:
            yield
        except docker.errors.APIError as error:
            if any(words in str(error.explanation) for words in _GONE):
                fault = SandboxUnavailable(
                    f"a container of the docker engine at {self.where} was ended by somebody "
                    "else, or with the engine; resume the run"
                )
                raise fault from None
            said = _quoted(error.explanation or error)
            said = f"{said}; {cure}" if cure else said
            fault = SandboxUnavailable(f"the docker engine at {self.where} did not {what}: {said}")
        except TROUBLE as error:
            fault = SandboxUnavailable(self._silent(error))
        else:
            return
        raise fault from None  # the SDK's own tracebacks are long and say no more

    def _silent(self, error: BaseException) -> str:
        """Return why nothing came, and what can be done about it."""
        found = list(_causes(error))
        if any(isinstance(one, PermissionError) for one in found):
            return (
                f"you may not use the docker engine at {self.where}; join the group docker "
                "(`sudo usermod -aG docker $USER`, then log in again), or set DOCKER_HOST"
            )
        if any(isinstance(one, requests.Timeout | TimeoutError) for one in found):
            return (
                f"the docker engine at {self.where} did not answer within {self._answer_s:g} s; "
                "restart it, or set DOCKER_HOST"
            )
        told = next((one for one in found if isinstance(one, OSError) and one.strerror), error)
        said = told.strerror if isinstance(told, OSError) and told.strerror else told
        return (
            f"the docker engine at {self.where} did not answer: {_quoted(said)}; start it "
            "(`systemctl start docker`), or set DOCKER_HOST"
        )


class Speech:
    """The way to a command that runs in a container: its standard input and both outputs."""

    def __init__(self, engine: Engine, name: str, sdk: Any) -> None:  # noqa: ANN401 - a socket of one kind or another
        self.name = name
        self._engine = engine
        self._sdk = sdk
        self._socket: socket.socket = getattr(sdk, "_sock", sdk)
        self._frames = Frames()

    @property
    def pid(self) -> int:
        """Its number outside of the container; 0: it has not begun."""
        return int(self._engine.spoken(self.name).get("Pid") or 0)

    @property
    def exit_code(self) -> int | None:
        """Its exit code; ``None``: it still runs."""
        told = self._engine.spoken(self.name)
        return None if told["Running"] else cast("int", told["ExitCode"])

    def say(self, data: bytes, limit_s: float) -> None:
        """Write *data* to its standard input.

        Raises:
            TimeoutError: it does not read within *limit_s* [s].
            ConnectionError: it has ended.
        """
        self._socket.settimeout(limit_s)
        self._socket.sendall(data)

    def hear(self, limit_s: float) -> list[tuple[int, bytes]] | None:
        """Return what came, by stream; ``None``: nothing within *limit_s* [s]; ``[]``: it ended."""
        self._socket.settimeout(limit_s)
        try:
            data = self._socket.recv(_PIECE)
            while data:
                heard = list(self._frames.feed(data))
                if heard:
                    return heard
                data = self._socket.recv(_PIECE)
        except TimeoutError:
            return None
        except OSError:
            return []  # how it ended is asked for, not guessed
        return []

    def close(self) -> None:
        """Close the way; what runs goes on without it."""
        with suppress(*TROUBLE):
            response = getattr(self._sdk, "_response", None)
            if response is not None:
                response.close()
            self._sdk.close()
        with suppress(*TROUBLE):
            self._socket.close()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield *error*, and what it came from, from the outside in."""
    for _ in range(10):
        if error is None:
            return
        yield error
        inner = [one for one in error.args if isinstance(one, BaseException)]
        reason = getattr(error, "reason", None)
        if isinstance(reason, BaseException):
            inner.append(reason)
        error = inner[0] if inner else error.__cause__ or error.__context__


def _quoted(said: object) -> str:
    text = " ".join(plain(str(said)).split()).rstrip(".")
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]} ..."
