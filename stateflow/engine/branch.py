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

    def decided(self, branches: int, ended: Mapping[int, Answer]) -> bool:
        """Tell whether enough have *ended*, or too many failed."""
        well = _well(ended)
        return well >= self.need or branches - (len(ended) - well) < self.need

    def met(self, ended: Mapping[int, Answer]) -> bool:
        """Tell whether enough have *ended*."""
        return _well(ended) >= self.need

    def closed(self, branches: int, ended: Mapping[int, Answer]) -> bool:
        """Tell whether nobody waits for any other branch."""
        return len(ended) == branches or (not self.keep and self.decided(branches, ended))


def _well(ended: Mapping[int, Answer]) -> int:
    return sum(isinstance(one, ChildEnded) and one.result is not None for one in ended.values())


def given_json(given: Given) -> dict[str, Json]:
    """Return what a nested run starts from, as it is journaled."""
    shown: dict[str, Json] = {"task": given.task, "data": given.data}
    if given.files:
        shown["files"] = [file.sha256 for file in given.files]
    return shown
