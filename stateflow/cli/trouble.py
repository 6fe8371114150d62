"""Trouble: one clear sentence on stderr and an exit code, never a traceback."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress

from cyclopts import App, CycloptsError

from stateflow.errors import StateflowError
from stateflow.value import plain

__all__ = ["BadInput", "Misused", "explained", "guarded", "tell"]

INTERRUPTED = 130
_PIPE_CLOSED = 141
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class BadInput(Exception):
    """What a command was given cannot be used; the sentence is its text."""

    code = 1


class Misused(BadInput):
    """The words of a command make no sense, whatever files there are."""

    code = 2


def tell(sentence: str) -> None:
    """Put ``error: SENTENCE`` on stderr."""
    print(f"error: {plain(sentence)}", file=sys.stderr)  # noqa: T201 - the terminal is the point


def guarded(app: App, words: Sequence[str]) -> int:
    """Run *words* with *app*, and return the exit code."""
    words, debug = _debug(words)
    try:
        result: object = app(
            words,
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except CycloptsError as error:
        tell(" ".join(str(error).split()))
        return Misused.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the end of the line: nobody else would tell it
        return _told(error, debug=debug)
    return result if isinstance(result, int) else 0


def _debug(words: Sequence[str]) -> tuple[list[str], bool]:
    """Take ``--debug`` out of *words*, wherever it stands."""
    left = list(words)
    debug = os.environ.get("STATEFLOW_DEBUG", "") not in {"", "0"}
    options = left[: left.index("--")] if "--" in left else left
    if "--debug" in options:
        left.remove("--debug")
        debug = True
    return left, debug


def _told(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    tell(explained(error))
    return error.code if isinstance(error, BadInput) else 1


def explained(error: Exception) -> str:
    """Return *error* as one sentence."""
    if isinstance(error, StateflowError | BadInput):
        return str(error)
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return f"the result cannot be written ({error.strerror}); make room, or write elsewhere"
    return (
        f"unexpected {type(error).__name__}: {error}; run it again with --debug for the traceback"
    )
