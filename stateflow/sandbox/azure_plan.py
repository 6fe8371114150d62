"""What is asked of the program that runs blocks at Azure, and what it reports.

The report comes from where untrusted code ran.  It is unpacked within a limit and checked, and
nothing that it says is used as a path here.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Final, Literal

from pydantic import Base64Bytes, ConfigDict, TypeAdapter, ValidationError

from stateflow.sandbox.output import Output

__all__ = ["Made", "Plan", "Report", "most_said", "read_report"]

_MOST_NAMES: Final = 250_000
"""Most that the names of files may take in a report [bytes]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one execution is to do."""

    session: str
    """Word that the files of ours are named with."""
    nonce: str
    """Word that the report begins with; no block is told it."""
    begin: bool
    """Whether the session is new; else it must be the one that was begun."""
    place: tuple[tuple[str, str], ...] = ()
    """Files that were uploaded, and where in the work folder they belong."""
    code: str | None = None
    """The block in base64; ``None``: nothing is to be run."""
    name: str = ""
    language: str = ""
    time_limit_s: float = 0.0
    output_limit: int = 0
    files_limit: int = 0
    files_limit_bytes: int = 0
    again: tuple[str, ...] = ()
    """Files that were left out the last time for want of room."""
    skip: tuple[str, ...] = ()
    """Files of ours, which no block makes."""
    folder: str = "/mnt/data"
    """The work folder: the one that the service uploads to and downloads from."""

    def code_text(self) -> str:
        """Return the Python code that does it: one line, and no name of it stays behind."""
        source = files("stateflow.sandbox").joinpath("azure_launch.py").read_bytes()
        packed = base64.b64encode(zlib.compress(source + b"\nmain(PLAN)\n")).decode()
        plan = ascii(json.dumps(asdict(self)))
        return (
            "exec(compile(__import__('zlib').decompress(__import__('base64').b64decode("
            f"'{packed}')), 'stateflow', 'exec'), {{'__name__': 'stateflow', 'PLAN': {plan}}})"
        )


@dataclass(frozen=True, slots=True)
class Made:
    """One file that is new or changed."""

    name: str
    size: int
    state: Literal["out", "empty", "large", "crowded", "other"]
    """``out``: a copy of it is set out to be fetched; else why not."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one execution came to."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    python: str
    languages: tuple[str, ...]
    lost: bool = False
    """The session is not the one that was begun."""
    exit: int | None = None
    fault: Literal["", "TimedOut", "OutOfMemory", "Refused"] = ""
    why: str = ""
    streams: tuple[tuple[Base64Bytes, Base64Bytes, int], ...] = ()
    """Head, tail and size [bytes] of both streams."""
    dirty: bool = False
    """Something that the block started could not be ended."""
    files: tuple[tuple[str, int, Literal["out", "empty", "large", "crowded", "other"]], ...] = ()
    more: int = 0
    """Files that are not even told."""

    @property
    def made(self) -> tuple[Made, ...]:
        """Files that are new or changed, by name."""
        return tuple(Made(*one) for one in self.files)

    def text(self, stream: int, limit: int) -> str:
        """Return what the block wrote to its first or second stream."""
        if len(self.streams) <= stream:
            return ""
        head, tail, size = self.streams[stream]
        output = Output(limit)
        output.write(head)
        output.written = max(output.written, size - len(tail))  # the middle stayed at Azure
        output.write(tail)
        return output.text


_REPORT: Final = TypeAdapter(Report)


def most_said(output_limit: int) -> int:
    """Return how long a report can be at most [characters], with streams of *output_limit*."""
    return 3 * output_limit + _MOST_NAMES


def read_report(stdout: str, nonce: str, limit: int) -> Report | None:
    """Return the report in what the interpreter wrote; ``None``: there is none, or not all of it.

    Args:
        stdout: what the interpreter wrote.
        nonce: word that the report begins with.
        limit: most that the report may hold unpacked [bytes].
    """
    found = re.search(rf"{re.escape(nonce)}<([A-Za-z0-9+/=]+)>", stdout)
    if found is None:
        return None
    try:
        unpack = zlib.decompressobj()
        text = unpack.decompress(base64.b64decode(found[1]), limit)
        return None if unpack.unconsumed_tail else _REPORT.validate_json(text)
    except (zlib.error, ValueError, ValidationError):
        return None
