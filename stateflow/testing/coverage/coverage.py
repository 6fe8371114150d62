"""Coverage: what there is to cover of flows, and how often runs came by each item of it.

A value: what two processes saw is added up, in any order, and goes from one to another as JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from stateflow.machine.flow import Flow
from stateflow.testing.coverage.outline import Item, Outline, outline
from stateflow.testing.home import Home
from stateflow.value import Json

__all__ = ["Coverage", "nothing_seen"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What runs came by, of each flow."""

    flows: Mapping[Home, Outline] = field(default_factory=dict[Home, Outline])
    """What there is."""
    seen: Mapping[Home, Mapping[Item, int]] = field(default_factory=dict[Home, Mapping[Item, int]])
    """How often runs came by [times]; items of other versions of the flow included."""

    def __add__(self, other: Coverage) -> Coverage:
        """Return what both saw together."""
        flows = dict(self.flows)
        for name, one in other.flows.items():
            flows[name] = flows[name] + one if name in flows else one
        seen = {name: Counter(counts) for name, counts in self.seen.items()}
        for name, counts in other.seen.items():
            seen.setdefault(name, Counter()).update(counts)
        return Coverage(MappingProxyType(flows), MappingProxyType(seen))

    def counted(self, name: Home) -> dict[Item, int]:
        """Return how often runs came by each item that the flow *name* has [times].

        A transition that had another number when a run took it is known by its guard and target.
        """
        items = self.flows[name].items
        alike: dict[Item, Item] = {}
        for item in items:
            alike.setdefault(item._replace(number=-1), item)
        found = dict.fromkeys(items, 0)
        seen = self.seen.get(name, {})
        for item, times in seen.items():
            same = item if item in items else alike.get(item._replace(number=-1))
            if same is not None:
                found[same] += times
        for item, times in seen.items():  # of a run that never took a turn, no step tells
            if item.kind == "stood" and found.get(place := Item("place", item.at)) == 0:
                found[place] = times
        return found

    def to_json(self) -> dict[str, Json]:
        """Return all of it as JSON."""
        return {
            "flows": [
                {
                    "flow": list(name),
                    "items": [[*item, line] for item, line in one.items.items()],
                }
                for name, one in sorted(self.flows.items())
            ],
            "seen": [
                {
                    "flow": list(name),
                    "counts": [[*item, times] for item, times in sorted(counts.items())],
                }
                for name, counts in sorted(self.seen.items())
            ],
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Coverage:
        """Return what :meth:`to_json` told."""
        flows: dict[Home, Outline] = {}
        for one in told["flows"]:
            name = Home(*one["flow"])
            items = {Item(*row[:-1]): int(row[-1]) for row in one["items"]}
            flows[name] = Outline(name, MappingProxyType(items))
        seen = {
            Home(*one["flow"]): Counter({Item(*row[:-1]): row[-1] for row in one["counts"]})
            for one in told["seen"]
        }
        return cls(MappingProxyType(flows), MappingProxyType(seen))


def nothing_seen(flows: Iterable[Flow]) -> Coverage:
    """Return what there is to cover of *flows* and of all that are nested in them.

    Example:
        >>> from stateflow.agents.function import FunctionAgent
        >>> from stateflow.machine.state import State
        >>> from stateflow.machine.transition import to
        >>> echo = FunctionAgent("echo", lambda view: view.last.text)
        >>> whole = nothing_seen([Flow("say", State("say", echo, to(None)))])
        >>> [name.name for name in whole.flows]
        ['say']
    """
    told = [outline(one) for flow in flows for one in flow.flows]
    whole = Coverage()
    for one in told:
        whole += Coverage({one.flow: one})
    return whole
