"""A real Docker Engine for tests, thrown away afterwards; or the one that the user points to.

It runs in mount and process namespaces of its own, on memory disks: when the process that started
it is gone, even by SIGKILL, so are the engine, its containers and all that they wrote.  Only its
control groups, empty by then, would stay: ``stop`` removes them, and ``start`` those of the dead.

The engine is asked over its socket by the standard library alone, not by the SDK that the sandbox
uses: what the tests see is not what the tested code believes.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.support.image import BUSYBOX, PYTHON

__all__ = ["Engine", "need_engine", "outside_engine"]

IMAGE = "stateflow/python:test"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_GROUPS = Path("/sys/fs/cgroup")
_GROUP = "stateflow-test-engine-"
_BEGIN = """
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs -o size=1g tmpfs "$1/data"
exec tini -- dockerd --host "unix://$1/docker.sock" --data-root "$1/data" --exec-root /run/docker \
    --pidfile /run/docker.pid --config-file "$1/none.json" --exec-opt native.cgroupdriver=cgroupfs \
    --cgroup-parent "$2" --storage-driver overlay2 --bridge none --iptables=false \
    --ip6tables=false --ip-forward=false --ip-masq=false --oom-score-adjust 0 --log-level warn
"""
"""First the engine's own memory disks: for its state, and for what is written to its disk."""
_APART = (
    *("setpriv", "--pdeathsig", "KILL", "--"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL"),
    *("--mount-proc", "--", "sh", "-c", _BEGIN, "sh"),
)


def need_engine(*more: Path | None) -> None:
    """Skip the test where no engine can be started, or *more* is missing; on CI it must not be."""
    programs = ("dockerd", "containerd", "runc", "tini", "ps", "setpriv", "unshare")
    missing = [one for one in programs if shutil.which(one, path=_PATH) is None]
    missing += [str(one) for one in (BUSYBOX, PYTHON) if not one.exists()]
    missing += ["the user root"] if os.geteuid() else []
    missing += ["node"] if None in more else []
    if missing:
        sentence = (
            f"missing for the Docker tests: {', '.join(missing)}; on Debian, as root: apt-get "
            "install --no-install-recommends busybox-static docker.io nodejs procps python3; or "
            "set DOCKER_HOST to an engine, STATEFLOW_TEST_IMAGE to an image there with Python"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)


class _Connection(http.client.HTTPConnection):
    """To a socket in the file system."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


@dataclass
class Engine:
    """One engine, ours unless *folder* is ``None``."""

    address: str
    """Such as ``unix:///tmp/x/docker.sock``, for DOCKER_HOST."""
    image: str
    """In it are Python and a shell."""
    folder: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def _group(self) -> str:
        return f"{_GROUP}{os.getpid()}-{id(self)}"

    @classmethod
    def begin(cls, folder: Path, archives: Sequence[bytes]) -> Engine:
        """Start one in *folder*, with the images of *archives*."""
        (folder / "data").mkdir()
        (folder / "none.json").write_text("{}")  # never the settings of this machine
        engine = cls(f"unix://{folder}/docker.sock", IMAGE, folder)
        engine.start(archives)
        return engine

    def start(self, archives: Sequence[bytes]) -> None:
        """Start it, also again; it then knows of nothing but the images of *archives*."""
        assert self.folder
        _sweep_dead()
        (self.folder / "docker.sock").unlink(missing_ok=True)
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*_APART, str(self.folder), f"/{self._group}"],
                env={"PATH": _PATH},  # ours would have it measure its coverage
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._await_answer(self.process)
            for archive in archives:
                self.ask("POST", "/images/load?quiet=1", archive)
        except BaseException:
            self.stop()
            raise

    def _await_answer(self, process: subprocess.Popen[bytes], limit_s: float = 30.0) -> None:
        end = time.monotonic() + limit_s
        while time.monotonic() < end and process.poll() is None:
            with suppress(OSError):
                self.ask("GET", "/_ping")
                return
            time.sleep(0.02)
        assert self.folder
        said = (self.folder / "log").read_text("utf-8", "replace")
        raise AssertionError(f"the engine for tests did not start:\n{said[-2000:]}")

    def stop(self, limit_s: float = 10.0) -> None:
        """Kill it and everything in it, with no time to say goodbye, and see them gone."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        end = time.monotonic() + limit_s
        while not _swept(self._group) and time.monotonic() < end:
            time.sleep(0.02)
        assert _swept(self._group), f"{self._group} still has processes"

    def halt(self, *, on: bool = False) -> None:
        """Let its processes stand still, or go *on*: it keeps its connections but says nothing."""
        assert self.process
        sign = signal.SIGCONT if on else signal.SIGSTOP
        for one in _family(self.process.pid):
            with suppress(ProcessLookupError):  # it has ended since
                os.kill(one, sign)

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - as it comes
        """Ask the engine; its answer, JSON where it is JSON.

        Raises:
            AssertionError: it refuses.
            OSError: it is not there.
        """
        given = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        connection = _Connection(self.address.removeprefix("unix://"), timeout=30)
        try:
            headers = {"Content-Type": kind, "Host": "engine"}
            connection.request(method, f"/v1.41{path}", given, headers)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        assert answer.status < http.client.BAD_REQUEST, (method, path, answer.status, said)
        json_said = answer.getheader("Content-Type") == "application/json"
        return json.loads(said) if json_said and said else said

    def containers(self) -> list[str]:
        """Return the ids of all containers that this process may have made, running or not."""
        return [one["Id"] for one in self.ask("GET", f"/containers/json?all=1&{self._ours}")]

    def leftovers(self) -> list[str]:
        """Return what there is beside images: containers and volumes."""
        volumes: list[dict[str, str]] = self.ask("GET", f"/volumes?{self._ours}")["Volumes"] or []
        return self.containers() + [one["Name"] for one in volumes]

    @property
    def _ours(self) -> str:
        mine = {"label": [f"stateflow.pid={os.getpid()}"]} if self.folder is None else {}
        return urlencode({"filters": json.dumps(mine)})

    def processes(self, container: str) -> list[str]:
        """Return the command lines of the processes that *container* has: none, if it is gone."""
        asked = urlencode({"ps_args": "-eo pid,args"})
        try:
            table = self.ask("GET", f"/containers/{container}/top?{asked}")
        except AssertionError:
            return []
        return [row[-1] for row in table["Processes"] or ()]

    def execute(self, command: Sequence[str], *, user: str, **host: object) -> str:
        """Run *command* in a container with these settings, and return what it wrote."""
        asked = {"Image": self.image, "Cmd": command, "User": user, "HostConfig": host}
        one = self.ask("POST", "/containers/create", asked)["Id"]
        try:
            self.ask("POST", f"/containers/{one}/start")
            self.ask("POST", f"/containers/{one}/wait")
            said: bytes = self.ask("GET", f"/containers/{one}/logs?stdout=1&stderr=1")
        finally:
            self.ask("DELETE", f"/containers/{quote(one)}?force=1&v=1")
        return b"".join(_frames(said)).decode()


def _frames(said: bytes) -> Iterator[bytes]:
    """Yield what stands in each frame of a log: a head of eight bytes, the last four its length."""
    while said:
        end = 8 + int.from_bytes(said[4:8], "big")
        yield said[8:end]
        said = said[end:]


def outside_engine() -> Engine | None:
    """Return the engine that the user points to, where an image for tests is named too."""
    image = os.environ.get("STATEFLOW_TEST_IMAGE")
    if not image:
        return None
    return Engine(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock", image)


def _family(pid: int) -> list[int]:
    """Return the processes below *pid*."""
    below = [
        int(one)
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for one in (thread / "children").read_text("utf-8").split()
    ]
    return [one for child in below for one in (child, *_family(child))]


def _swept(group: str) -> bool:
    """Return whether the control *group* is gone, which it cannot be while a process is in it."""
    tops = [one for one in (*_GROUPS.glob(group), *_GROUPS.glob(f"*/{group}")) if one.is_dir()]
    for top in tops:
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
    return not any(top.exists() for top in tops)


def _sweep_dead() -> None:
    """Remove the control groups of engines whose process was killed before it could."""
    for top in (*_GROUPS.glob(f"{_GROUP}*"), *_GROUPS.glob(f"*/{_GROUP}*")):
        owner = top.name.removeprefix(_GROUP).partition("-")[0]
        if not Path("/proc", owner).exists():
            _swept(top.name)
