"""Podman's service for tests, which speaks as Docker's engine does; thrown away afterwards.

Like the engine for tests, whose ways it has, it lives in namespaces and on memory disks of its
own, and is gone with the process that started it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.engine import Engine
from tests.support.image import BUSYBOX, PYTHON

__all__ = ["Podman", "need_podman"]

_SWEEP_S = 1.0
"""Longest that the control groups of what was killed are waited for [s]."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SETTINGS = """
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
init_path = "/usr/bin/catatonit"
"""
_STORAGE = """
[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "{folder}/data"
"""
_BEGIN = """
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs -o size=1g tmpfs "$1/data"
exec catatonit -- podman --log-level warn system service --time 0 "unix://$1/docker.sock"
"""
_APART = (
    *("setpriv", "--pdeathsig", "KILL", "--"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL"),
    *("--mount-proc", "--", "sh", "-c", _BEGIN, "sh"),
)


def need_podman() -> None:
    """Skip the test where podman cannot be started; on CI it must not be."""
    programs = ("podman", "conmon", "runc", "catatonit", "setpriv", "unshare")
    missing = [one for one in programs if shutil.which(one, path=_PATH) is None]
    missing += [str(one) for one in (BUSYBOX, PYTHON) if not one.exists()]
    missing += ["the user root"] if os.geteuid() else []
    if missing:
        sentence = (
            f"missing for the podman tests: {', '.join(missing)}; on Debian, as root: apt-get "
            "install --no-install-recommends busybox-static catatonit podman python3 runc"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)


class Podman(Engine):
    """One service."""

    def start(self, archives: Sequence[bytes]) -> None:
        """Start it, with the images of *archives*."""
        assert self.folder
        (self.folder / "containers.conf").write_text(_SETTINGS)
        (self.folder / "storage.conf").write_text(_STORAGE.format(folder=self.folder))
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*_APART, str(self.folder)],
                env={
                    "PATH": _PATH,
                    "CONTAINERS_CONF": f"{self.folder}/containers.conf",
                    "CONTAINERS_STORAGE_CONF": f"{self.folder}/storage.conf",
                },
                cwd=self.folder,  # where it notes who ran out of memory
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

    def stop(self, limit_s: float = 10.0) -> None:
        """Kill it and everything in it."""
        super().stop(limit_s)
        end = time.monotonic() + _SWEEP_S
        while not _swept() and time.monotonic() < end:
            time.sleep(0.02)

    def processes(self, container: str) -> list[str]:
        """Return the command lines of the processes that *container* has: none, if it is gone."""
        try:
            said = self.ask("GET", f"/containers/{container}/top?ps_args=args")
        except AssertionError:
            return []
        table = json.loads(said)  # which it does not say that it is
        return [row[-1] for row in table["Processes"] or ()]


def _swept() -> bool:
    """Remove the control groups of what is gone, and return whether none is left."""
    tops = list(Path("/sys/fs/cgroup").glob("*/libpod_parent"))
    for top in tops:
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):  # not gone yet, or another's: somebody may use podman here
                Path(folder).rmdir()
    return not any(top.exists() for top in tops)
