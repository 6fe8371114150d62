"""A program that looks for ways out of the container that it runs in, and tells what it found.

It is run inside, so it uses the standard library alone.  Where something is refused, the finding is
the name of the error.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
STATUS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
PTRACE_ATTACH = 16
DISK = 0o060666


def tried(way: Callable[[], object]) -> object:
    try:
        return way()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)


def connected(family: socket.AddressFamily, address: str, port: int) -> object:
    def way() -> str:
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.settimeout(0.5)
            one.connect((address, port))
        return "connected"

    return tried(way)


def opened(family: socket.AddressFamily, protocol: int) -> object:
    return tried(lambda: socket.socket(family, socket.SOCK_RAW, protocol).close())


def written(path: str, text: str = "x") -> object:
    return tried(lambda: f"{Path(path).write_text(text, 'utf-8')} written")


def read(path: str) -> object:
    def way() -> str:
        with Path(path).open("rb", buffering=0) as one:
            return f"{len(one.read(1))} read"

    return tried(way)


def called(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "failed"


def names_in(folder: str) -> list[str]:
    return sorted(one.name for one in Path(folder).iterdir())


def found(kind: Callable[[Path], bool]) -> Iterator[str]:
    """Yield what is of this *kind* anywhere, but for the kernel's own file systems."""
    for folder, folders, names in os.walk("/"):
        folders[:] = [one for one in folders if f"{folder}{one}" not in ("/proc", "/sys")]
        yield from (f"{folder}/{one}" for one in names if kind(Path(folder, one)))


def system(name: str, *args: object) -> object:
    """Call into the kernel through the C library."""
    if getattr(LIBC, name)(*args) >= 0:
        return "done"
    return errno.errorcode[ctypes.get_errno()]


def who() -> dict[str, object]:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "groups": sorted(os.getgroups()),
        **{key: status[key].strip() for key in STATUS},
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "hostname": socket.gethostname(),
        "core dumps": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "stdin": os.read(0, 10).decode(),
    }


def network() -> dict[str, object]:
    return {
        "interfaces": names_in("/sys/class/net"),
        "routes": len(Path("/proc/net/route").read_text("utf-8").splitlines()) - 1,
        "ipv4": connected(socket.AF_INET, "192.0.2.1", 53),
        "ipv6": connected(socket.AF_INET6, "2001:db8::1", 53),
        "metadata": connected(socket.AF_INET, "169.254.169.254", 80),
        "names": tried(lambda: socket.gethostbyname("example.org")),
        "raw socket": opened(socket.AF_INET, socket.IPPROTO_ICMP),
        "packet socket": opened(socket.AF_PACKET, 3),
    }


def files() -> dict[str, object]:
    mounts = [line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    groups = Path("/sys/fs/cgroup").glob("**/cgroup.procs")
    return {
        "root": next(options for _, at, _, options, *_ in mounts if at == "/")[:2],
        "mounted": sorted({at for _, at, kind, *_ in mounts if kind not in ("cgroup", "proc")}),
        **{f"write {path}": written(f"{path}/x") for path in ("", "/etc", "/dev", "/proc", "/sys")},
        "write /workspace": written("/workspace/x"),
        "write /tmp": written("/tmp/x"),  # noqa: S108 - a memory disk
        "/secret": read("/secret"),
        "rootcat": called("rootcat", "/secret"),
        "init's root": read("/proc/1/root/secret"),
        "init's memory": read("/proc/1/mem"),
        "sockets": list(found(Path.is_socket)),
        "disks": list(found(Path.is_block_device)),
        "sysrq": written("/proc/sysrq-trigger", "h"),
        "core pattern": written("/proc/sys/kernel/core_pattern"),
        "kernel memory": read("/proc/kcore"),
        "keys": read("/proc/keys"),
        "timers": read("/proc/timer_list"),
        "firmware": tried(lambda: len(names_in("/sys/firmware"))),
        "control groups": [str(path) for path in groups if os.access(path, os.W_OK)],
    }


def kernel() -> dict[str, object]:
    return {
        "setuid": tried(lambda: os.setuid(0)),
        "chown": tried(lambda: os.chown("/workspace/x", 0, 0)),
        "mount": system("mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "new users": called("unshare", "-U", "echo", "done"),
        "new mounts": called("unshare", "-m", "echo", "done"),
        "mknod": tried(lambda: os.mknod("/workspace/disk", DISK, os.makedev(254, 0))),
        "trace": system("ptrace", PTRACE_ATTACH, 1, 0, 0),
        "clock": system("settimeofday", (ctypes.c_long * 2)(1, 1), None),
        "set hostname": system("sethostname", b"x", 1),
        "nice": tried(lambda: os.setpriority(os.PRIO_PROCESS, 0, os.nice(0) - 1)),
        "kill init": tried(lambda: os.kill(1, 9)),
        "processes": sum(one.isdigit() for one in names_in("/proc")),
        "chroot": tried(lambda: os.chroot("/workspace")),
    }


if __name__ == "__main__":
    print(json.dumps({**who(), **network(), **files(), **kernel()}))  # noqa: T201 - it answers
