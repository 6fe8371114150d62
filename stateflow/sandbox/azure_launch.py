"""What travels to Azure with every block: it runs the block as a program of its own, and reports.

Its source is sent, so it stands alone: the standard library only, and nothing in here is imported
where an agent's code runs.  A session at Azure is one long-lived interpreter; without this, a block
would find the variables of the one before it, and would have no exit code.  Whatever a block
starts is ended before its report is written.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import os
import platform
import selectors
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

__all__ = ["main"]

_MARK = "STATEFLOW_BLOCK"
"""Variable by which a process is known to come from a block, wherever it hides."""
_SUBREAPER = 36
_MOST_ENTRIES = 20_000
_MOST_TOLD = 200
_LONGEST_TOLD = 201  # one more than any name that is kept
_PIECE = 65_536
_LET_GO_S = 5.0
_LAST_WORDS_S = 0.5
_PROC = Path("/proc")
_OOM = (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events"))


def main(text: str) -> None:
    """Do what the plan *text* says, and print one line that reports it."""
    plan = json.loads(text)
    report = _done(plan)
    packed = base64.b64encode(
        zlib.compress(json.dumps(report, ensure_ascii=False).encode())
    ).decode()
    print(f"\n{plan['nonce']}<{packed}>", flush=True)  # noqa: T201 - the way back


def _done(plan: dict[str, Any]) -> dict[str, Any]:
    folder = Path(plan["folder"])
    mark = Path(tempfile.gettempdir()) / f"stateflow-{plan['session']}"
    if plan["begin"]:
        mark.touch()
    about = {"python": platform.python_version(), "languages": list(_commands())}
    if not mark.exists():
        return {**about, "lost": True}
    for old in folder.glob(f"stateflow-{plan['session']}-out-*"):
        old.unlink()
    try:
        for staged, name in plan["place"]:
            (folder / staged).replace(_target(folder, name))
        if plan["code"] is None:
            return about
        code = _target(folder, plan["name"])
        fresh = folder / f"stateflow-{plan['session']}-code"
        fresh.write_bytes(base64.b64decode(plan["code"]))
        fresh.replace(code)  # a link of that name is replaced, never followed
    except OSError as error:
        return {**about, "fault": "Refused", "why": error.strerror or type(error).__name__}
    before = dict(_entries(folder))
    report = _run([*_commands()[plan["language"]], str(code)], plan)
    return {**about, **report, **_made(folder, before, plan)}


def _commands() -> dict[str, list[str]]:
    """Return what runs each language that is here."""
    commands = {"python": [sys.executable]}
    for language, program in (("sh", "sh"), ("bash", "bash"), ("javascript", "node")):
        path = shutil.which(program)
        if path is not None:
            commands[language] = [path]
    return commands


def _target(folder: Path, name: str) -> Path:
    """Return where *name* belongs, with its folders made; never outside of *folder*."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        raise PermissionError(1, "a link leads out of the work folder")
    return path


class _Kept:
    """Head and tail of a stream, half of the limit each."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.head = bytearray()
        self.tail = bytearray()
        self.size = 0

    def take(self, data: bytes) -> None:
        self.size += len(data)
        start = min(len(data), self.limit // 2 - len(self.head))
        self.head += data[:start]
        self.tail += data[start:]
        del self.tail[: -(self.limit - self.limit // 2)]

    def told(self) -> list[Any]:
        head, tail = (base64.b64encode(part).decode() for part in (self.head, self.tail))
        return [head, tail, self.size]


def _run(command: list[str], plan: dict[str, Any]) -> dict[str, Any]:
    """Run *command* to its end or its limit, and end all that it started."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)  # orphans become ours, so they are found
    before = _below(os.getpid())
    kills = _oom_kills()
    child = subprocess.Popen(  # noqa: S603 - to run what an agent wrote is what this is for
        command,
        cwd=plan["folder"],
        env={
            **os.environ,
            _MARK: plan["session"],
            "MPLBACKEND": "Agg",  # the interpreter's own draws into its cell
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    kept = {"stdout": _Kept(plan["output_limit"]), "stderr": _Kept(plan["output_limit"])}
    with selectors.DefaultSelector() as selector:
        for name, stream in kept.items():
            selector.register(getattr(child, name), selectors.EVENT_READ, stream)
        late = _listen(child, selector, time.monotonic() + plan["time_limit_s"])
        clean = _end(child, before, plan["session"])
        _read(selector, time.monotonic() + _LAST_WORDS_S)
    for name in kept:
        getattr(child, name).close()
    code = child.returncode
    killed = code == -signal.SIGKILL and _oom_kills() > kills
    return {
        "exit": None if late else 128 - code if code < 0 else code,
        "fault": "TimedOut" if late else "OutOfMemory" if killed else "",
        "streams": [kept["stdout"].told(), kept["stderr"].told()],
        "dirty": not clean,
    }


def _listen(child: subprocess.Popen[bytes], selector: selectors.BaseSelector, until: float) -> bool:
    """Read what *child* writes until it ends; return whether that took too long."""
    while child.poll() is None:
        left = until - time.monotonic()
        if left <= 0:
            return True
        if selector.get_map():
            _read(selector, time.monotonic() + min(left, 0.05))
        else:  # it has closed its streams
            time.sleep(min(left, 0.01))
    return False


def _read(selector: selectors.BaseSelector, until: float) -> None:
    """Take what comes until *until*, or until a moment without anything."""
    while selector.get_map() and (left := until - time.monotonic()) > 0:
        ready = selector.select(min(left, 0.05))
        for key, _ in ready:
            stream: IO[bytes] = key.fileobj  # type: ignore[assignment] # what was registered
            data = os.read(stream.fileno(), _PIECE)
            if data:
                key.data.take(data)
            else:
                selector.unregister(stream)
        if not ready:
            return


def _end(child: subprocess.Popen[bytes], before: set[int], session: str) -> bool:
    """End *child* and all that comes from it; return whether nothing is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    until = time.monotonic() + _LET_GO_S
    while left := (_below(os.getpid()) - before) | _marked(session):
        for how in (signal.SIGSTOP, signal.SIGKILL):  # stopped, none begins others meanwhile
            for pid in left:
                with contextlib.suppress(OSError):
                    os.kill(pid, how)
        for pid in left:
            with contextlib.suppress(OSError):
                os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def _below(root: int) -> set[int]:
    """Return the processes that come from *root*."""
    parents: dict[int, int] = {}
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            rest = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            parents[int(folder.name)] = int(rest[1])
    found: set[int] = set()
    newest = {root}
    while newest:
        newest = {pid for pid, parent in parents.items() if parent in newest} - found
        found |= newest
    return found


def _marked(session: str) -> set[int]:
    """Return the processes that carry the mark of a block of *session*."""
    found: set[int] = set()
    mark = f"{_MARK}={session}".encode()
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.add(int(folder.name))
    return found


def _oom_kills() -> int:
    """Return how often this machine has ended a process for want of memory."""
    count = 0
    for path in _OOM:
        with contextlib.suppress(OSError, ValueError, IndexError):
            words = path.read_text().split()
            count += int(words[words.index("oom_kill") + 1])
    return count


_Look = tuple[bool, int, int, int, int]


def _entries(folder: Path) -> Iterator[tuple[str, _Look]]:
    """Find all that is below *folder* but folders, and how each looks; links are not followed."""
    waiting = [""]
    count = 0
    while waiting:
        begins = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(folder / begins) as found:
            for entry in found:
                count += 1
                if count > _MOST_ENTRIES:
                    return
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{begins}{entry.name}/")
                    continue
                with contextlib.suppress(OSError):
                    seen = entry.stat(follow_symlinks=False)
                    look = (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
                    yield f"{begins}{entry.name}", (stat.S_ISREG(seen.st_mode), *look)


def _made(folder: Path, before: dict[str, _Look], plan: dict[str, Any]) -> dict[str, Any]:
    """Tell what is new or changed, and set copies of it out, within the limits, to be fetched."""
    again = set(plan["again"])
    changed: list[tuple[str, _Look]] = []
    for name, look in sorted(_entries(folder)):
        if name in plan["skip"] or "__pycache__" in name.split("/"):
            continue
        if _shown(name) in again or before.get(name) != look:
            changed.append((name, look))
    told: list[list[Any]] = []
    room, places = plan["files_limit_bytes"], plan["files_limit"]
    for name, (regular, size, *_) in changed[:_MOST_TOLD]:
        state = "other"
        if regular:
            state = "large" if size > plan["files_limit_bytes"] else "crowded"
            if size == 0:
                state = "empty"
            elif size <= room and places:
                state = "out" if _set_out(folder, name, plan, len(told)) else "other"
                room, places = room - size, places - 1
        told.append([_shown(name), size, state])
    return {"files": told, "more": len(changed) - len(told)}


def _shown(name: str) -> str:
    """Return *name* as text that every reader of JSON takes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")[:_LONGEST_TOLD]


def _set_out(folder: Path, name: str, plan: dict[str, Any], number: int) -> bool:
    try:
        shutil.copyfile(
            folder / name,
            folder / f"stateflow-{plan['session']}-out-{number}",
            follow_symlinks=False,
        )
    except OSError:
        return False
    return True
