"""One container: a block goes in, what it came to comes out, and nothing of it is left running.

Everything here blocks, and is called by one thread at a time.  The limit on time is held by our
own clock.  When a block is over, for whatever reason, all processes of its user are ended from
inside; where that cannot be done in time, the whole container is.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from shlex import quote
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from stateflow.conversation.execution import Execution
from stateflow.conversation.file import File
from stateflow.errors import SandboxUnavailable
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.docker_archive import Archive, folders, pack
from stateflow.sandbox.docker_container import KEEPER, config_of
from stateflow.sandbox.docker_image import Image
from stateflow.sandbox.docker_owner import labels_of
from stateflow.sandbox.docker_talk import Talk, Why
from stateflow.sandbox.docker_wire import EMPTY, RUNS, UNPACK, Last, header
from stateflow.sandbox.docker_work import HostFolder
from stateflow.sandbox.files import Folder, code_name

if TYPE_CHECKING:
    from stateflow.sandbox.docker import DockerSandbox
    from stateflow.sandbox.docker_engine import Engine

__all__ = ["Box"]

_BEGIN_S: Final = 20.0
"""Within which a shell must have begun to run [s]."""
_END_S: Final = 3.0
"""Within which a block must have ended once it is told to; else its container is ended [s]."""
_SOON_S: Final = 0.03
_SIGNALS: Final = 128
"""An exit code above it is that of what was killed: the block, or the script itself."""
_KEEPER: Final = " ".join(KEEPER)
_KEEPERS: Final = 2
"""The engine's init, and the one that sleeps."""
_NOT_THERE: Final = 125
"""Exit code of the script where it may not enter the work folder."""
_MB: Final = 1_048_576
_END: Final = "END"
_NEEDED: Final = ("tar", *(one for known in RUNS.values() for one in known))
_PROBE: Final = f"""
[ -w . ] && echo writable
while read -r from at kind more; do
  [ "$at $kind" = "/workspace tmpfs" ] && echo bounded
done </proc/mounts
for command in {" ".join(_NEEDED)}; do command -v $command >/dev/null && echo $command; done
echo {_END}
"""


_ANEW: Final = "Its container had to be ended, and its work folder went with it."


class Box:
    """One container of *sandbox*, made of *image*.

    Args:
        engine: where it is.
        sandbox: its limits.
        image: the id of its image.
        commands: what runs each language, as an earlier container of the image has told.

    Raises:
        SandboxUnavailable: it cannot be made or started, or no shell runs in it.
    """

    def __init__(
        self,
        engine: Engine,
        sandbox: DockerSandbox,
        image: Image,
        commands: Mapping[str, str] | None = None,
    ) -> None:
        self.gone = False
        """Whether it was ended."""
        self.used = False
        """Whether a block has run in it."""
        self.lost = ""
        """Why no block can run any more, where no execution has told so."""
        self.commands: Mapping[str, str] = commands or {}
        """Languages that can be run, and what runs them."""
        self._engine = engine
        self._sandbox = sandbox
        self._talk: Talk | None = None
        self._killed = 0
        self._starved = False
        self._print = EMPTY
        self._host = None if sandbox.folder is None else HostFolder(str(sandbox.folder))
        self._folder = Folder(limit=sandbox.files_limit, limit_bytes=sandbox.files_limit_bytes)
        name = f"stateflow-{secrets.token_hex(6)}"
        config = config_of(
            sandbox, image.id, labels_of(), volumes=image.volumes, podman=engine.podman
        )
        self._container = engine.create(name, config)
        try:
            engine.start(self._container)
            self._talk = self._talked("" if commands else _PROBE)
            self._keepers = self._begun()  # the engine is asked while it starts the shell
            if not commands:
                self._probe(self._talk)
        except BaseException:
            with suppress(SandboxUnavailable):
                self.close()
            raise

    def close(self) -> None:
        """End the container, and remove it with its work folder."""
        self.gone = True
        if self._talk is not None:
            self._talk.close()
            self._talk = None
        self._engine.remove(self._container)

    def put(self, files: Iterable[File]) -> None:
        """Put *files* into the work folder; those whose names lead elsewhere are not.

        Raises:
            SandboxUnavailable: they do not fit, or the container is gone.
        """
        archive, packed = pack(files)
        for name, content in packed.items():
            self._folder.note(name, content)
        into = " ".join(quote(f"./{folder}") for folder in folders(packed))
        with self._taken() as talk:
            talk.tell(header(archive, UNPACK, into), _BEGIN_S, Event())
        if talk.last is None or talk.exit_code != 0:
            raise SandboxUnavailable(
                f"files could not be put into the work folder of {self._sandbox.name!r}: "
                f"{talk.stderr.text[:200].strip()!r}, exit code {talk.exit_code}; give it more "
                "room with workspace_mb="
            )
        self._print = talk.last.print
        if self._host is not None:
            self._host.changed()

    def run(self, block: Block, stop: Event) -> Execution:
        """Run *block* until it ends, its time is up, or *stop* is set.

        Raises:
            SandboxUnavailable: the container is gone, or the engine is.
        """
        name = code_name(block)
        if not name:
            detail = f"{block.name!r} is no name that a file of the work folder may have."
            return Execution(block.language, fault="Refused", detail=detail)
        self.used = True
        content = block.code.encode("utf-8", "replace")
        self._folder.note(name, content)
        command = "true" if block.language == "file" else self.commands[block.language]
        said = header(content, command, name, self._print)
        with self._taken() as talk:
            why = talk.tell(said, self._sandbox.time_limit_s, stop)
            last = self._settled(talk, why)
            execution = self._execution(block.language, talk, why, last)
        if execution.fault == "OutOfMemory" and not self.gone and self._starves(command):
            self.close()
            detail = f"{execution.detail} {_ANEW}"
            execution = replace(execution, detail=detail, reset=True)
        return execution

    def ready(self, hurry: Callable[[], bool]) -> None:
        """Start the shell that waits for the next block; see that nothing else runs.

        The engine takes a while to start it, and is asked what runs meanwhile.  Where the next
        block is there already (*hurry*) that is left to a calmer moment: the shell ends others
        of its user first of all, and only a program that has taken over the last one's gets by.

        Raises:
            SandboxUnavailable: there is no such shell.
        """
        if self._talk is None:
            self._talk = self._talked()
        if hurry() or self._engine.processes(self._container).keys() <= self._keepers:
            return
        pid = self._talk.begun(_BEGIN_S)
        if not pid:
            self._talk.close()
            self._talk = None
            raise SandboxUnavailable(f"no shell runs in {self._sandbox.name!r}; check its image")
        if not self._others(pid):
            return
        self._talk.close()
        self._talk = None
        if self._ended() is None:
            self.lost = (
                f"an earlier block in {self._sandbox.name!r} left something running, so its "
                "container was ended; resume the run"
            )
            self.close()

    def _begun(self) -> set[int]:
        """Return the processes that keep the container, once they are there.

        They are known by what they are called, as long as no block has run that could lie.
        """
        until = time.monotonic() + _BEGIN_S
        while time.monotonic() < until:
            there = self._engine.processes(self._container)
            keepers = {pid for pid, command in there.items() if command.endswith(_KEEPER)}
            if len(keepers) == _KEEPERS:
                return keepers
            time.sleep(_SOON_S)
        raise SandboxUnavailable(
            f"{self._sandbox.name!r} does not begin to run; check its image, which needs sleep"
        )

    def _probe(self, talk: Talk) -> None:
        """Find out which languages can be run, before the shell waits for the first block.

        Raises:
            SandboxUnavailable: none can.
        """
        name = self._sandbox.name
        said = talk.asked(_END, _BEGIN_S)
        if _END not in said and (self._host is None or talk.exit_code != _NOT_THERE):
            raise SandboxUnavailable(
                f"no shell works in {name!r} ({talk.stderr.text[:200].strip()!r}, exit code "
                f"{talk.exit_code}); choose an image with sh, head, sleep and tar"
            )
        if "writable" not in said:
            raise SandboxUnavailable(
                f"user {self._sandbox.user!r} may not write to the work folder of {name!r}; give "
                "user= the numbers of its owner"
            )
        if "tar" not in said:
            raise SandboxUnavailable(
                f"{name!r} has no tar, which files go in and out with; install it in the image"
            )
        if "bounded" not in said and self._host is None:
            raise SandboxUnavailable(
                f"the engine at {self._engine.where} put the work folder of {name!r} on its disk, "
                "where nothing bounds it; use another, or name a folder="
            )
        self.commands = {
            language: next(one for one in RUNS[language] if one in said)
            for language in self._sandbox.languages
            if not set(said).isdisjoint(RUNS[language])
        }

    def _taken(self) -> Talk:
        """Return the shell that waits, or a new one."""
        talk, self._talk = self._talk, None
        if talk is not None and not talk.waits:
            talk.close()
            talk = None
        return talk or self._talked()

    def _talked(self, first: str = "") -> Talk:
        return Talk(
            self._engine,
            self._container,
            user=self._sandbox.user,
            look=self._host is None,
            limit_bytes=self._sandbox.output_limit_bytes,
            archive_bytes=2 * self._sandbox.workspace_mb * _MB,
            first=first,
        )

    def _settled(self, talk: Talk, why: Why) -> Last | None:
        """See to it that nothing of the block runs any more, and return the last line.

        It is ``None`` where the container had to be ended.

        Raises:
            SandboxUnavailable: the container ended, and it was not for memory.
        """
        killed = talk.exit_code is None or talk.exit_code > _SIGNALS
        if why == "over" and talk.last is not None and not (killed and self._others()):
            return talk.last
        state = self._engine.state(self._container)
        if state is None or not state["Running"]:
            self.close()
            if state is not None and state["OOMKilled"]:
                self._starved = True
                return None
            raise SandboxUnavailable(
                f"the container of {self._sandbox.name!r} was ended from outside; resume the run"
            )
        drain = Thread(target=talk.drain, args=(2 * _END_S,))
        drain.start()  # an engine whose stream nobody reads may stand still
        try:
            last = self._ended()
            if last is None:
                self.close()
        finally:
            drain.join()
        return last

    def _ended(self) -> Last | None:
        """End all processes of the user; ``None``: that cannot be done.

        It takes one process to do so, and there may be no room for one: hence many tries.
        """
        until = time.monotonic() + _END_S
        while time.monotonic() < until:
            with self._talked() as talk:
                talk.tell(header(b"", "true", ".block"), _END_S, Event())
            if talk.last is not None and not self._others():
                return talk.last
            time.sleep(_SOON_S)
        return None

    def _starves(self, command: str) -> bool:
        """Tell whether not even an empty program finds memory, for what was left behind."""
        with self._talked() as talk:
            talk.tell(header(b"", command, ".block"), _BEGIN_S, Event())
        self._killed = talk.last.killed if talk.last is not None else self._killed
        return talk.exit_code != 0

    def _others(self, pid: int = 0) -> bool:
        """Tell whether there are processes beside those that keep the container, and *pid*."""
        until = time.monotonic() + _END_S
        while self._engine.processes(self._container).keys() - self._keepers - {pid}:
            if time.monotonic() > until:
                return True
            time.sleep(_SOON_S)  # the engine's own that start a command, say
        return False

    def _execution(self, language: str, talk: Talk, why: Why, last: Last | None) -> Execution:
        before, self._killed = self._killed, last.killed if last is not None else self._killed
        starved = self._killed > before
        told: list[str] = []
        fault = ""
        if why in {"late", "cancelled"}:
            fault = "TimedOut"
            told.append(f"It was ended after {self._sandbox.time_limit_s:g} s (time_limit_s).")
        elif (starved or self._starved) and talk.exit_code != 0:
            fault = "OutOfMemory"
            told.append(
                f"It wanted more than {self._sandbox.memory_mb} MiB of memory (memory_mb), which "
                "the work folder and /tmp take theirs of."
            )
        elif starved:
            told.append("One of its processes was ended: out of memory.")
        files: tuple[File, ...] = ()
        if last is None:
            told.append(_ANEW)
        else:
            files, left_out = self._files(talk, why, last)
            told.extend(left_out)
        return Execution(
            language,
            talk.exit_code,
            stdout=talk.stdout.text,
            stderr=talk.stderr.text,
            fault=fault,
            detail=" ".join(filter(None, told)),
            files=files,
            reset=self.gone,
        )

    def _files(self, talk: Talk, why: Why, last: Last) -> tuple[tuple[File, ...], tuple[str, ...]]:
        """Return the files that were made, and sentences about those left out."""
        if self._host is not None:
            files, left_out = self._folder.made(self._host.found())
            return files, (left_out,)
        before, self._print = self._print, last.print
        if last.print in {before, EMPTY}:
            return (), ()
        if talk.archive is not None and why in {"over", "full"}:
            return self._unpacked(talk.archive)
        with self._talked() as again:  # it was ended before it could send them
            again.tell(header(b"", "true", ".block", EMPTY), _BEGIN_S, Event())
            return ((), ()) if again.archive is None else self._unpacked(again.archive)

    def _unpacked(self, archive: Archive) -> tuple[tuple[File, ...], tuple[str, ...]]:
        found, cut = archive.found()
        files, left_out = self._folder.made(found)
        return files, (left_out, cut)
