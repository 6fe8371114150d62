"""What no file can hold: Python functions and objects, and secrets; gathered, then told at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stateflow.errors import DefinitionError

__all__ = ["Offender", "Unwritable", "Unwritten", "called", "no_function"]

T = TypeVar("T")


class Unwritable(Exception):
    """A part cannot be written; its text names the part and says what it is."""


def called(what: object) -> str:
    """Return what a function or an object is called."""
    name: object = getattr(what, "__qualname__", None) or getattr(what, "name", None)
    return repr(name if isinstance(name, str) else type(what).__name__)


def no_function(word: str, given: T | Callable[..., Any]) -> T:
    """Return what is *given* as *word*.

    Raises:
        Unwritable: it is a Python function.
    """
    if callable(given):
        raise Unwritable(f"{word} {called(given)}, a Python function,")
    return given


@dataclass(frozen=True, slots=True)
class Offender:
    """One part that cannot be written."""

    what: str
    """Such as ``guard 'long_winded', a Python function, of state 'write'``."""
    of_agent: bool
    """It is, or belongs to, an agent; else to the machine."""


@dataclass(slots=True)
class Unwritten:
    """All that cannot be written of one flow, in order."""

    found: list[Offender] = field(default_factory=list[Offender])

    def tried(self, where: str, write: Callable[[], T], *, of_agent: bool = False) -> T | None:
        """Return what *write* returns; ``None`` where it cannot, which is kept with its place."""
        try:
            return write()
        except Unwritable as error:
            offender = Offender(f"{error} of {where}", of_agent)
            if offender not in self.found:
                self.found.append(offender)
        return None

    def refuse(self, flow: str, form: str, *, agents: bool = True) -> None:
        """Refuse to write *flow* as *form*, if there is anything that cannot be.

        Raises:
            DefinitionError: there is; it names everything at once.
        """
        told = [one.what for one in self.found if agents or not one.of_agent]
        if told:
            raise DefinitionError(
                f"flow {flow!r} cannot be written as {form}, for it holds what is no plain data, "
                f"or may be a secret: {'; '.join(told)}; use what is built in there, or keep it in "
                "Python"
            )
