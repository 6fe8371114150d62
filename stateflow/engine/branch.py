"""Branches: nested runs of one turn, and when the turn has enough of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stateflow.conversation.effect import Given, Key
from stateflow.journal.event import ChildEnded
from stateflow.journal.said import Answer
from stateflow.machine.flow import Flow
from stateflow.value import Json

__all__ = ["Branch", "Join", "given_json"]


@dataclass(frozen=True, slots=True)
class Branch:
    """A nested run to be held: its place, its flow, and what it starts from."""

    key: Key
    flow: Flow
    given: Given


@dataclass(frozen=True, slots=True)
class Join:
    """When a turn has enough of its branches."""

    need: int
    """So many must end."""
    keep: bool = False
    """Whether the others are run to their end all the same."""

    def met(self, came_to: Mapping[int, Answer]) -> bool:
        """Tell whether enough branches have ended, given what they *came to* so far."""
        return _ended(came_to) >= self.need

    def closed(self, branches: int, came_to: Mapping[int, Answer]) -> bool:
        """Tell whether nobody waits for any other branch: enough have ended, or too many failed."""
        if len(came_to) == branches:
            return True
        ended = _ended(came_to)
        failed = len(came_to) - ended
        return not self.keep and (ended >= self.need or branches - failed < self.need)


def _ended(came_to: Mapping[int, Answer]) -> int:
    return sum(isinstance(one, ChildEnded) and one.result is not None for one in came_to.values())


def given_json(given: Given) -> dict[str, Json]:
    """Return what a nested run starts from, as it is journaled."""
    shown: dict[str, Json] = {"task": given.task, "data": given.data}
    if given.files:
        shown["files"] = [file.sha256 for file in given.files]
    return shown
