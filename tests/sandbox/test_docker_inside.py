"""What code finds when it looks around in a container: nothing of this machine, and no way out.

One program tries everything and tells what came of it.  It runs twice: in a ``DockerSandbox``, and
as root in a container that nobody hardened, which shows that the program finds a way where one is.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from stateflow.sandbox.blocks import Block
from stateflow.sandbox.docker import DockerSandbox
from tests.support.engine import Engine
from tests.support.image import SECRET

Found: TypeAlias = dict[str, Any]

LOOK = (Path(__file__).parents[1] / "support" / "looking.py").read_text("utf-8")
NOBODY = 65534
NO_CAPABILITY = "0" * 16

FOUND = {
    "uid": NOBODY,
    "gid": NOBODY,
    "groups": [NOBODY],
    "CapInh": NO_CAPABILITY,
    "CapPrm": NO_CAPABILITY,
    "CapEff": NO_CAPABILITY,
    "CapBnd": NO_CAPABILITY,
    "CapAmb": NO_CAPABILITY,
    "NoNewPrivs": "1",
    "Seccomp": "2",
    "folder": "/workspace",
    "hostname": "sandbox",
    "core dumps": 0,
    "stdin": "",
    "interfaces": ["lo"],
    "routes": 0,
    "ipv4": "ENETUNREACH",
    "metadata": "ENETUNREACH",
    "names": "gaierror",
    "raw socket": "EPERM",
    "packet socket": "EPERM",
    "root": "ro",
    "write ": "EROFS",
    "write /etc": "EROFS",
    "write /dev": "EACCES",
    "write /proc": "ENOENT",
    "write /sys": "EROFS",
    "write /workspace": "1 written",
    "write /tmp": "1 written",
    "/secret": "EACCES",
    "rootcat": "failed",
    "init's root": "EACCES",
    "sockets": [],
    "disks": [],
    "core pattern": "EROFS",
    "keys": "0 read",
    "timers": "0 read",
    "firmware": 0,
    "control groups": [],
    "setuid": "EPERM",
    "chown": "EPERM",
    "mount": "EPERM",
    "new users": "failed",
    "new mounts": "failed",
    "mknod": "EPERM",
    "trace": "EPERM",
    "clock": "EPERM",
    "set hostname": "EPERM",
    "nice": "EACCES",
    "chroot": "EPERM",
    "kill init": "EPERM",
}
"""By what was tried."""
OPEN = {
    "uid": 0,
    "NoNewPrivs": "0",
    "Seccomp": "0",
    "core dumps": -1,
    "packet socket": None,
    "root": "rw",
    "write /etc": "1 written",
    "/secret": "1 read",
    "rootcat": SECRET,
    "setuid": None,
    "chown": None,
    "new users": "done",
    "mknod": None,
    "chroot": None,
}
"""Some of what stands open where nobody closed it."""
MOUNTED = {
    *("/", "/data", "/dev", "/dev/mqueue", "/dev/pts", "/dev/shm", "/sys", "/sys/fs/cgroup"),  # noqa: S108
    *("/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/sbin/docker-init", "/tmp", "/workspace"),  # noqa: S108
}
"""All that may be mounted, beside what hides parts of ``/proc`` and ``/sys``."""

HELD: Found = {
    "NetworkMode": "none",
    "Memory": 48 << 20,
    "MemorySwap": 48 << 20,
    "NanoCpus": 500_000_000,
    "PidsLimit": 20,
    "ReadonlyRootfs": True,
    "Privileged": False,
    "CapDrop": ["ALL"],
    "SecurityOpt": ["no-new-privileges"],
    "IpcMode": "private",
    "AutoRemove": False,
    "PublishAllPorts": False,
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "LogConfig": {"Type": "none", "Config": {}},
}
"""Of the container that the last test makes."""


@pytest.fixture(scope="module")
def found(shared_engine: Engine) -> Found:
    async def look() -> Found:
        session = await DockerSandbox(shared_engine.image).open()
        try:
            execution = await session.run(Block(LOOK, "python"))
        finally:
            await session.aclose()
        assert execution.ok, execution
        return dict(json.loads(execution.stdout))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", shared_engine.address)
        patch.setenv("VENDOR_API_KEY", "sk-of-the-host")
        return asyncio.run(look())


@pytest.mark.parametrize(("what", "expected"), FOUND.items(), ids=FOUND)
def test_code_finds_no_way_out(found: Found, what: str, expected: object) -> None:
    assert found[what] == expected


def test_there_is_no_ipv6_either(found: Found) -> None:
    assert found["ipv6"] in {"EADDRNOTAVAIL", "EAFNOSUPPORT", "ENETUNREACH"}


def test_nothing_of_this_machine_is_mounted(found: Found) -> None:
    hides = {one for one in found["mounted"] if one.startswith(("/proc/", "/sys/"))}

    assert set(found["mounted"]) - hides <= MOUNTED


def test_the_environment_is_made_up_for_the_sandbox(found: Found) -> None:
    environment = found["environment"]

    assert "sk-of-the-host" not in environment.values()
    assert environment["HOME"] == "/workspace"
    assert environment["LANG"] == "C.UTF-8"


def test_only_processes_of_the_sandbox_are_seen(found: Found) -> None:
    assert found["processes"] <= 4  # init, the shell that runs the block, the block


def test_the_same_program_finds_ways_out_of_a_container_that_nobody_hardened(
    engine: Engine,
) -> None:
    said = engine.execute(
        ["python3", "-c", LOOK],
        user="0",
        NetworkMode="none",
        Tmpfs={"/workspace": ""},
        SecurityOpt=["seccomp=unconfined"],
    )

    found = json.loads(said)

    assert {what: found[what] for what in OPEN} == OPEN


def test_every_limit_is_set_on_the_container(engine: Engine) -> None:
    async def settings() -> Any:  # noqa: ANN401 - as the engine tells it
        sandbox = DockerSandbox(
            engine.image, memory_mb=48, cpus=0.5, pids_limit=20, workspace_mb=8, tmp_mb=4
        )
        before = engine.containers()
        session = await sandbox.open()
        try:
            (container,) = set(engine.containers()) - set(before)
            return engine.ask("GET", f"/containers/{container}/json")
        finally:
            await session.aclose()

    told = asyncio.run(settings())
    host = told["HostConfig"]

    assert {name: host[name] for name in HELD} == HELD
    assert not host["Binds"]
    assert not host["Devices"]
    assert not host["PidMode"]
    assert not host["UsernsMode"]
    assert not host["CapAdd"]
    assert not any("unconfined" in one for one in host["SecurityOpt"])
    assert "size=4m" in host["Tmpfs"]["/tmp"]  # noqa: S108 - a memory disk
    assert {one["Name"]: one["Hard"] for one in host["Ulimits"]}["core"] == 0
    assert told["Config"]["OpenStdin"] is False
    assert not told["Config"]["User"].startswith("0")
    assert told["Config"]["Labels"]["stateflow"] == "sandbox"
