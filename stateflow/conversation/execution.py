"""Executions: what blocks of code came to, and how a transcript tells of them.

Guards read what is typed here (the exit code, what ended it early); the text is for models and
people, and nothing ever reads it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stateflow.conversation.file import File
from stateflow.errors import StoreError
from stateflow.value import Json

__all__ = ["Execution", "tell"]


@dataclass(frozen=True, slots=True)
class Execution:
    """What one block of code came to.

    Example:
        >>> Execution("python", 0, stdout="42").ok, Execution("python", 137, fault="OutOfMemory").ok
        (True, False)
    """

    language: str
    exit_code: int | None = None
    """Of its process; ``None``: it never ran to an end, and ``fault`` says why."""
    stdout: str = ""
    """What it wrote, head and tail where that is more than its limit."""
    stderr: str = ""
    fault: str = ""
    """What ended it early: ``TimedOut``, ``OutOfMemory`` or ``Refused``."""
    detail: str = ""
    """What people and models should know beside: one sentence or several."""
    files: tuple[File, ...] = ()
    """Files that it made or changed."""
    reset: bool = False
    """Whether the sandbox had to begin anew afterwards, with an empty work folder."""
    seconds: float = 0.0
    """How long it took [s]; stands in the journal with the effect, not in the value."""

    @property
    def ok(self) -> bool:
        """Whether it ran to its end and said that all is well."""
        return self.exit_code == 0 and not self.fault

    def to_json(self) -> dict[str, Json]:
        """Return what a journal keeps of it: fields that are set, files by their hash."""
        said: dict[str, Json] = {"language": self.language}
        for name in ("exit_code", "stdout", "stderr", "fault", "detail", "reset"):
            value: Json = getattr(self, name)
            if value is not None and value != "" and value is not False:
                said[name] = value
        if self.files:
            said["files"] = [file.to_json() for file in self.files]
        return said

    @classmethod
    def from_json(cls, said: Mapping[str, Any], seconds: float = 0.0) -> Execution:
        """Return the execution that :meth:`to_json` wrote, and that took so long [s].

        Raises:
            StoreError: it is none.
        """
        try:
            files = tuple(File.from_json(file) for file in said.get("files", ()))
            fields: dict[str, Any] = {"seconds": seconds, **said, "files": files}
            return cls(**fields)
        except (AttributeError, KeyError, TypeError) as error:
            raise StoreError(
                f"a journal holds {str(said)[:80]!r} where an execution should be ({error}); it is "
                "damaged, or was changed by hand: restore it from a copy"
            ) from error


def tell(executions: Sequence[Execution], blocks: int = 0) -> str:
    """Return *executions* as text for models and people; of *blocks*, those not run are named.

    Example:
        >>> print(tell([Execution("python", 1, stderr="NameError: x")]))
        python: exit code 1
        stderr:
        NameError: x
    """
    of = max(blocks, len(executions))
    parts = [
        "\n".join(_told(one, f"block {number} of {of}, " if of > 1 else ""))
        for number, one in enumerate(executions, 1)
    ]
    if 0 < len(executions) < of:
        parts.append(f"not run: block {len(executions) + 1} and what follows")
    return "\n\n".join(parts)


def _told(one: Execution, which: str) -> Iterator[str]:
    ended = _ENDED.get(one.fault, one.fault)
    code = "" if one.exit_code is None else f"exit code {one.exit_code}"
    yield f"{which}{one.language}: {', '.join(filter(None, (ended, code))) or 'not run'}"
    if one.detail:
        yield one.detail
    for stream, text in (("stdout", one.stdout), ("stderr", one.stderr)):
        if text:
            yield f"{stream}:\n{text.removesuffix(chr(10))}"
    if one.files:
        yield f"files: {', '.join(f'{file.name} ({file.size} bytes)' for file in one.files)}"
    if one.ok and not (one.stdout or one.stderr or one.files):
        yield "no output"


_ENDED = {"TimedOut": "timed out", "OutOfMemory": "out of memory", "Refused": "refused"}
