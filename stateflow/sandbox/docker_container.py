"""What a container may do: nothing but compute, within limits.

No network, no capabilities, no new privileges, no root, no writable image, no more memory, time,
processes and disk than was given.  Nothing is asked of the engine that would loosen its own
rules (the default seccomp profile stays), and nothing of this machine is handed in but one
folder, where it is named.

Podman speaks the same language with a few words less; what differs is told here, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from stateflow.sandbox.docker import DockerSandbox

__all__ = ["INTERNAL", "KEEPER", "WORKSPACE", "config_of"]

WORKSPACE: Final = "/workspace"
INTERNAL: Final = "stateflow-internal"
"""Network of ``network="internal"``: its containers see each other, and nothing outside."""
KEEPER: Final = ("sleep", "2147483647")
"""What keeps a container until it is ended."""
_TMP: Final[tuple[str, ...]] = ("/tmp", "/dev/shm")  # noqa: S108 - inside the container
_PODMANS_OWN: Final = ("/run", "/var/tmp")  # noqa: S108 - inside the container
"""Where podman puts memory disks without a limit of their own."""
_NOT_OF_PODMAN: Final = re.compile(",(nr_inodes|uid|gid)=[0-9]+")
_MANY: Final = 8_192
_KEEPERS: Final = ("65533:65533", "65532:65532")
_NETWORKS: Final = {"none": "none", "internal": INTERNAL, "open": "default"}
_INODES_PER_MB: Final = 256
_MB: Final = 1_048_576
_SYSCTLS: Final = {
    "kernel.shm_rmid_forced": "1",  # shared memory goes with the last process that has it
    "kernel.msgmni": "16",
    "kernel.sem": "250 32000 100 128",
}
"""What else could outlive its process, and so fill the memory for good."""


def config_of(
    sandbox: DockerSandbox,
    image: str,
    labels: Mapping[str, str],
    *,
    volumes: Sequence[str] = (),
    podman: bool = False,
) -> dict[str, Any]:
    """Return the container of *sandbox*, which runs *image*, as the engine's API wants it.

    The *volumes* that the image declares would lie on the engine's disk without a limit; they
    are memory disks here, as large as ``/tmp``.

    Its first processes only keep it alive and reap what is orphaned.  They are another user's
    than the blocks, so that no block can end them.
    """
    keeper = next(one for one in _KEEPERS if one.split(":")[0] != sandbox.user.split(":")[0])
    config = {
        "Image": image,
        "Entrypoint": [KEEPER[0]],
        "Cmd": [*KEEPER[1:]],
        "User": keeper,
        "WorkingDir": WORKSPACE,
        "Hostname": "sandbox",
        "Env": [
            f"HOME={WORKSPACE}",
            "LANG=C.UTF-8",
            "PYTHONDONTWRITEBYTECODE=1",
            "PYTHONUNBUFFERED=1",  # what a block has said is kept when it runs out of time
        ],
        "Labels": dict(labels),
        "AttachStdin": False,
        "OpenStdin": False,
        "Tty": False,
        "NetworkDisabled": sandbox.network == "none",
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _host_config(sandbox, volumes),
    }
    return _for_podman(config) if podman else config


def _host_config(sandbox: DockerSandbox, volumes: Sequence[str]) -> dict[str, Any]:
    memory = sandbox.memory_mb * _MB
    return {
        "NetworkMode": _NETWORKS[sandbox.network],
        "Memory": memory,
        "MemorySwap": memory,  # the same: none of it is swap
        "NanoCpus": round(sandbox.cpus * 1e9),
        "PidsLimit": sandbox.pids_limit,
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Privileged": False,
        "IpcMode": "private",
        "Tmpfs": _memory_disks(sandbox, volumes),
        "Sysctls": _SYSCTLS,
        "Mounts": _mounts(sandbox),
        "Ulimits": [
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "nofile", "Soft": 1024, "Hard": 1024},
        ],
        "Init": True,
        "LogConfig": {"Type": "none"},
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
    }


def _mounts(sandbox: DockerSandbox) -> list[dict[str, Any]]:
    """Return the one folder of this machine that is handed in, if it was named."""
    if sandbox.folder is None:
        return []
    return [{"Type": "bind", "Source": sandbox.folder, "Target": WORKSPACE}]


def _memory_disks(sandbox: DockerSandbox, volumes: Sequence[str]) -> dict[str, str]:
    """Return what lies in memory, with how large it may become: all that can be written to."""
    tmp = _size(min(sandbox.tmp_mb, sandbox.memory_mb // 8))
    disks: dict[str, str] = {}
    disks.update(dict.fromkeys((*_TMP, *volumes), f"rw,noexec,nosuid,nodev,mode=1777,{tmp}"))
    if sandbox.folder is None:
        uid, _, gid = sandbox.user.partition(":")
        size = _size(min(sandbox.workspace_mb, sandbox.memory_mb // 2))
        owner = f"mode=0700,uid={uid},gid={gid or uid}"
        disks[WORKSPACE] = f"rw,exec,nosuid,nodev,{size},{owner}"
    else:
        disks.pop(WORKSPACE, None)
    return disks


def _size(size_mb: int) -> str:
    """Return the limits of a file system in memory; names without content take some, too."""
    return f"size={size_mb}m,nr_inodes={size_mb * _INODES_PER_MB}"


def _for_podman(config: dict[str, Any]) -> dict[str, Any]:
    """Return *config* without what podman refuses, and with what it would do by itself, bounded.

    Its memory disks have no owner and no limit on names, so that names count as memory alone.
    It would ask for more processes of a user than a machine within a machine may have.
    """
    host = dict(config["HostConfig"])
    disks = dict(host["Tmpfs"])
    disks.update(dict.fromkeys(_PODMANS_OWN, disks[_TMP[0]]))
    host["Tmpfs"] = {
        disk: _NOT_OF_PODMAN.sub("", options).replace("mode=0700", "mode=1777")
        for disk, options in disks.items()
    }
    host["Ulimits"] = [*host["Ulimits"], {"Name": "nproc", "Soft": _MANY, "Hard": _MANY}]
    return {**config, "HostConfig": host, "Healthcheck": None}
