"""What a container may do: nothing but compute, within limits.

No network, no capabilities, no new privileges, no root, no writable image, no more memory, time,
processes and disk than was given.  Nothing is asked of the engine that would loosen its own
rules (the default seccomp profile stays), and nothing of this machine is handed in but one
folder, where it is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from stateflow.sandbox.docker import DockerSandbox

__all__ = ["INTERNAL", "WORKSPACE", "config_of"]

WORKSPACE: Final = "/workspace"
INTERNAL: Final = "stateflow-internal"
"""Network of ``network="internal"``: its containers see each other, and nothing outside."""
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


def config_of(sandbox: DockerSandbox, image: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the container of *sandbox*, which runs *image*, as the engine's API wants it.

    Its first processes only keep it alive and reap what is orphaned.  They are another user's
    than the blocks, so that no block can end them.
    """
    keeper = next(one for one in _KEEPERS if one.split(":")[0] != sandbox.user.split(":")[0])
    return {
        "Image": image,
        "Entrypoint": ["sleep"],
        "Cmd": ["2147483647"],
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
        "HostConfig": _host_config(sandbox, labels),
    }


def _host_config(sandbox: DockerSandbox, labels: Mapping[str, str]) -> dict[str, Any]:
    memory = sandbox.memory_mb * _MB
    tmp = min(sandbox.tmp_mb, sandbox.memory_mb // 8)
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
        "Tmpfs": dict.fromkeys(("/tmp", "/dev/shm"), f"rw,nosuid,nodev,mode=1777,{_size(tmp)}"),  # noqa: S108 - inside the container
        "Sysctls": _SYSCTLS,
        "Mounts": [_workspace(sandbox, labels)],
        "Ulimits": [
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "nofile", "Soft": 1024, "Hard": 1024},
        ],
        "Init": True,
        "LogConfig": {"Type": "none"},
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
    }


def _workspace(sandbox: DockerSandbox, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the work folder: in memory and bounded, or the folder of this machine."""
    if sandbox.folder is not None:
        return {"Type": "bind", "Source": sandbox.folder, "Target": WORKSPACE}
    uid, _, gid = sandbox.user.partition(":")
    size = _size(min(sandbox.workspace_mb, sandbox.memory_mb // 2))
    return {
        "Type": "volume",
        "Target": WORKSPACE,
        "VolumeOptions": {
            "Labels": dict(labels),
            "NoCopy": True,
            "DriverConfig": {
                "Name": "local",
                "Options": {
                    "type": "tmpfs",
                    "device": "tmpfs",
                    "o": f"nosuid,nodev,{size},mode=0700,uid={uid},gid={gid or uid}",
                },
            },
        },
    }


def _size(size_mb: int) -> str:
    """Return the limits of a file system in memory; names without content take some, too."""
    return f"size={size_mb}m,nr_inodes={size_mb * _INODES_PER_MB}"
