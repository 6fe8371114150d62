"""One run of the script in a container: what is said to it, and what is heard until its end."""

from __future__ import annotations

import secrets
import time
from threading import Event
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

from stateflow.sandbox.docker_engine import Engine, Speech
from stateflow.sandbox.docker_wire import SCRIPT, Last, Stderr
from stateflow.sandbox.output import Output

__all__ = ["Talk", "Why"]

Why: TypeAlias = Literal["over", "late", "cancelled"]
"""Why nothing more is heard."""

_LOOK_S: Final = 0.1
"""How often a silent block is looked after: was it cancelled, is it late? [s]"""
_ASK_S: Final = 0.5
"""How often the engine is asked whether a silent block still runs [s]."""
_END_S: Final = 5.0
"""Within which the engine knows the exit code of what has ended [s]."""
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

    Raises:
        SandboxUnavailable: it cannot be started.
    """

    def __init__(
        self,
        engine: Engine,
        container: str,
        *,
        user: str,
        look: bool,
        limit_bytes: int,
    ) -> None:
        word = secrets.token_hex(8)
        self.last: Last | None = None
        self.exit_code: int | None = None
        self.stdout = Output(limit_bytes)
        self._stderr = Stderr(word, Output(limit_bytes))
        command = ["sh", "-c", SCRIPT, "sh", word, "look" if look else ""]
        self._made = time.monotonic()
        self._speech: Speech = engine.speak(container, command, user)

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
    def waits(self) -> bool:
        """Whether it still runs; one that waited for long may have been killed for memory."""
        young = time.monotonic() - self._made < _YOUNG_S
        return young or self._speech.exit_code is None

    def close(self) -> None:
        """Stop listening; what runs goes on without it."""
        self._speech.close()

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

    def tell(self, said: bytes, limit_s: float, stop: Event) -> Why:
        """Say *said*, and listen until it is over, its time is up [s], or *stop* is set."""
        until = time.monotonic() + limit_s
        why: Why | None = None if self._say(said, limit_s) else "over"
        asked = time.monotonic()
        while why is None:
            heard = self._speech.hear(min(_LOOK_S, max(until - time.monotonic(), 0.001)))
            now = time.monotonic()
            self._keep(heard or ())
            if heard == []:
                why = "over"
            elif stop.is_set():
                why = "cancelled"
            elif now > until:
                why = "late"
            elif heard is None and now > asked + _ASK_S:
                asked = now
                why = "over" if self._speech.exit_code is not None else None
        if why == "over":
            self.exit_code = self._ended_with()
            self.last = self._stderr.close()
        return why

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
