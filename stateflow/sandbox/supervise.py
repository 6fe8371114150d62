"""Runs one command, and ends with it everything that it started.  A program of its own.

It is started as a script, by its path: it imports nothing of this package.  It stands between the
engine and the code for two reasons:

* limits are set in the child before the command begins.  Python code between fork and exec is only
  safe in a process with a single thread, which the engine is not, and this is.
* it adopts what the command leaves behind (on Linux), in whatever session or group that is, and
  kills it.  It does so when the command ends, and when its own standard input closes: the engine
  closes it at a limit and when cancelled, and the system does if the engine dies.

Its exit code is that of the command; 128 and n if signal n ended that.

Coverage cannot see it, because it runs with a scrubbed environment; the tests of the local sandbox
run all of it.
"""

from __future__ import annotations

# ruff: noqa: PTH116, PTH123, PTH208 - pathlib would double how long this takes to start
import os
import resource
import select
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType

_SUBREAPER = 36
"""``PR_SET_CHILD_SUBREAPER`` of Linux: orphans below us become our children."""
_DEATH_SIGNAL = 1
"""``PR_SET_PDEATHSIG`` of Linux: what we get when our parent dies."""
_NOT_STARTED = 127
"""As a shell tells that there is no such command."""
_SIGNALLED = 128
_COUNTING_S = 0.1
"""How often the processes of root are counted [s]."""
_DEAF = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""What the code could send us by ``kill $PPID``; only SIGKILL ends us."""


def main(limits: Mapping[str, int], command: list[str]) -> int:  # pragma: no cover
    """Run *command* within *limits*, end what it leaves, and return its exit code."""
    for number in _DEAF:
        signal.signal(number, signal.SIG_IGN)
    _prctl(_SUBREAPER, 1)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, _ignore)
    most = limits["NPROC"]
    child = os.fork()
    if child == 0:
        _become({**limits, "NPROC": most + _running()}, command)
    _wait(child, woken, most)
    return _end(child)


def _ignore(_number: int, _frame: FrameType | None) -> None:  # pragma: no cover
    """Let the signal wake us, which it would not if it were ignored."""


def _prctl(option: int, value: int) -> None:  # pragma: no cover
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _running() -> int:  # pragma: no cover
    """Count what our user runs: the limit on processes is one on all that a user has."""
    count = 0
    for pid in _pids():
        with suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{pid}/task"))
    return count


def _become(limits: Mapping[str, int], command: list[str]) -> None:  # pragma: no cover
    """Be *command*, in a process group of its own, with the signals of a new program."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (*_DEAF, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        _prctl(_DEATH_SIGNAL, signal.SIGKILL)
        os.setpgid(0, 0)
        os.umask(0o077)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for name, value in limits.items():
            _limit(name, value)
        os.execv(command[0], command)  # noqa: S606 - that is what it is for
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(_NOT_STARTED)


def _limit(name: str, value: int) -> None:  # pragma: no cover
    kind = getattr(resource, f"RLIMIT_{name}", None)
    if kind is None:
        return  # this system knows no such limit
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _wait(child: int, woken: int, most: int) -> None:  # pragma: no cover
    """Return when *child* has ended, the engine wants it ended, or there are too many processes."""
    free = os.getuid() == 0  # the system sets root no limit on processes, so we count
    while True:
        ready, _, _ = select.select([0, woken], [], [], _COUNTING_S if free else None)
        if 0 in ready:
            return
        if free and len(_descendants()) > most:
            os.write(2, f"ended: it had more than {most} processes\n".encode())
            return
        if woken not in ready:
            continue
        os.read(woken, 4096)
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ended.si_pid == child:
                return  # not waited for yet, so that its number stays that of its group
            os.waitpid(ended.si_pid, 0)


def _end(child: int) -> int:  # pragma: no cover
    """Kill everything that is left, and return the exit code of *child*."""
    with suppress(OSError):
        os.killpg(child, signal.SIGKILL)  # at once: what forks for ever cannot outrun it
    status = 0
    while True:
        for pid in _children():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            pid, how = os.waitpid(-1, 0)
            while pid != 0:
                status = how if pid == child else status
                pid, how = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break  # none is left: what they had started came to us when they ended
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _SIGNALLED - code


def _children() -> list[int]:  # pragma: no cover
    """Return our children; elsewhere than on Linux there is only their group."""
    return [pid for pid in _pids() if _parent(pid) == os.getpid()]


def _descendants() -> set[int]:  # pragma: no cover
    """Return all that is below us."""
    parents = {pid: _parent(pid) for pid in _pids()}
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def _parent(pid: int) -> int:  # pragma: no cover
    with suppress(OSError, IndexError), open(f"/proc/{pid}/stat", "rb") as file:
        # the name of the program is in parentheses, and may hold any character
        return int(file.read().rpartition(b")")[2].split()[1])
    return 0


def _pids() -> list[int]:  # pragma: no cover
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


if __name__ == "__main__":  # pragma: no cover
    given = [limit.split("=") for limit in sys.argv[1].split(",")]
    os._exit(main({name: int(value) for name, value in given}, sys.argv[2:]))
