"""One run of the script in a container: what is said to it, and what is heard until its end."""

from __future__ import annotations

import secrets
import time
from threading import Event
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

from stateflow.sandbox.docker_archive import Archive
from stateflow.sandbox.docker_engine import Engine, Speech
from stateflow.sandbox.docker_wire import SCRIPT, Last, Stderr
from stateflow.sandbox.output import Output

__all__ = ["Talk", "Why"]

Why: TypeAlias = Literal["over", "late", "cancelled", "full"]
"""Why nothing more is heard; ``full``: of an archive that has no end, or seems to."""

_LOOK_S: Final = 0.1
"""How often a silent block is looked after: was it cancelled, is it late? [s]"""
_ASK_S: Final = 0.5
"""How often the engine is asked whether a silent block still runs [s]."""
_END_S: Final = 5.0
"""Within which the engine knows the exit code of what has ended [s]."""
_SEND_S: Final = 5.0
"""Within which a block that is over must have sent its files, beside its own limit [s]."""
_SOON_S: Final = 0.005
_YOUNG_S: Final = 1.0
"""A shell that has waited for less is taken to wait still [s]."""
_STDOUT: Final = 1


class Talk:
    """A script that was started in a container, and waits to be told what to run.

    Args:
        engine: where the container is.
        container: its id.
        user: whom the script runs as.
        look: whether its last line has a print of the work folder.
        limit_bytes: most that is kept of each stream [bytes].
        archive_bytes: most that is kept of the work folder, as it comes [bytes].
        first: commands for the shell to begin with.

    Raises:
        SandboxUnavailable: it cannot be started.
    """

    def __init__(  # noqa: PLR0913 - keywords
        self,
        engine: Engine,
        container: str,
        *,
        user: str,
        look: bool,
        limit_bytes: int,
        archive_bytes: int,
        first: str = "",
    ) -> None:
        self._word = secrets.token_hex(8)
        self.last: Last | None = None
        self.exit_code: int | None = None
        self.stdout = Output(limit_bytes)
        self._stderr = Stderr(self._word, Output(limit_bytes), Archive(archive_bytes))
        command = ["sh", "-c", SCRIPT, "sh", "look" if look else "", first]
        self._made = time.monotonic()
        try:
            self._speech: Speech = engine.speak(container, command, user)
        except BaseException:
            self._stderr.archive.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def stderr(self) -> Output:
        """What the block wrote to standard error."""
        return self._stderr.output

    @property
    def archive(self) -> Archive | None:
        """What came of the work folder, until this is closed; ``None``: nothing did."""
        return None if self._stderr.code is None else self._stderr.archive

    @property
    def waits(self) -> bool:
        """Whether it still runs; one that waited for long may have been killed for memory."""
        young = time.monotonic() - self._made < _YOUNG_S
        return young or self._speech.exit_code is None

    def close(self) -> None:
        """Stop listening; what runs goes on without it."""
        self._speech.close()
        self._stderr.archive.close()

    def begun(self, limit_s: float) -> int:
        """Return the number of its process outside of the container, once it has begun.

        It is 0 where the script ended at once, or has not begun within *limit_s* [s].
        """
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            pid = self._speech.pid
            if pid or self._speech.exit_code is not None:
                return pid
            time.sleep(_SOON_S)
        return 0

    def asked(self, end: str, limit_s: float) -> list[str]:
        """Return the words that it begins with, up to the word *end*, or its own end."""
        until = time.monotonic() + limit_s
        text = b""
        while not text.endswith(f"{end}\n".encode()) and time.monotonic() < until:
            heard = self._speech.hear(_LOOK_S)
            if heard == []:
                self.exit_code = self._ended_with()
                self._stderr.close()
                break
            for stream, piece in heard or ():
                if stream == _STDOUT:
                    text += piece
                else:
                    self._stderr.write(piece)
        return text.decode("utf-8", "replace").split()

    def tell(self, said: bytes, limit_s: float, stop: Event) -> Why:
        """Say *said*, and listen until it is over, its time is up [s], or *stop* is set."""
        until = time.monotonic() + limit_s
        heard = self._say(f"{self._word}\n".encode() + said, limit_s)
        why: Why = self._listened(until, stop) if heard else "over"
        if why == "over":
            self.exit_code = self._ended_with()
            self.last = self._stderr.close()
        elif why == "full":
            self.exit_code = self._stderr.code
        return why

    def _listened(self, until: float, stop: Event) -> Why:
        """Listen until it is over, or the moment *until* has come, or *stop* is set.

        What is over and only sends its files is given a while to do so.
        """
        asked = time.monotonic()
        while True:
            end = until if self._stderr.code is None else until + _SEND_S
            heard = self._speech.hear(min(_LOOK_S, max(end - time.monotonic(), 0.001)))
            now = time.monotonic()
            self._keep(heard or ())
            if heard == []:
                return "over"
            if stop.is_set():
                return "cancelled"
            if self._stderr.archive.full:
                return "full"
            if now > end:
                return "late"
            if heard is None and now > asked + _ASK_S:
                asked = now
                if self._speech.exit_code is not None:
                    return "over"

    def drain(self, limit_s: float) -> None:
        """Take what a block that was ended had written before."""
        until = time.monotonic() + limit_s
        while (left_s := until - time.monotonic()) > 0:
            heard = self._speech.hear(left_s)
            if not heard:
                break
            self._keep(heard)
        self._stderr.close()

    def _say(self, said: bytes, limit_s: float) -> bool:
        """Say *said*, and return whether anything is to be heard."""
        try:
            self._speech.say(said, limit_s)
        except TimeoutError:
            return True
        except OSError:
            return False
        return True

    def _ended_with(self) -> int | None:
        """Return the exit code; the engine may know it a moment later than the end."""
        until = time.monotonic() + _END_S
        while (code := self._speech.exit_code) is None and time.monotonic() < until:
            time.sleep(_SOON_S)
        return code

    def _keep(self, heard: list[tuple[int, bytes]] | tuple[()]) -> None:
        for stream, piece in heard:
            if stream == _STDOUT:
                self.stdout.write(piece)
            else:
                self._stderr.write(piece)
