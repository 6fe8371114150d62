"""The watcher: an observer that counts what the runs of this process come by.

It keeps numbers and no journal, and forgets a flow with those who made it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from types import MappingProxyType
from weakref import WeakKeyDictionary

from stateflow.engine.observing import OBSERVERS
from stateflow.journal.event import TurnTaken
from stateflow.journal.fold import Fold
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow
from stateflow.testing.coverage.coverage import Coverage
from stateflow.testing.coverage.item import Ident, ident
from stateflow.testing.coverage.outline import Outline, outline
from stateflow.testing.coverage.seen import Counts, Seen

__all__ = ["Watcher", "watched"]


class Watcher:
    """Counts turns.

    Args:
        wanted: the flows to count, with nothing seen yet; ``None``: every flow that runs.
    """

    def __init__(self, wanted: Coverage | None = None) -> None:
        self._wanted = wanted
        self._outlines: dict[Ident, Outline] = {} if wanted is None else dict(wanted.flows)
        self._counts: dict[Ident, Counts] = {}
        self._flows: WeakKeyDictionary[Flow, Seen | None] = WeakKeyDictionary()

    def turned(self, flow: Flow, fold: Fold, turn: TurnTaken, stop: Stop | None) -> None:
        """Count *turn*; see ``Observer``."""
        seen = self._seen(flow)
        if seen is not None:
            seen.turned(fold, turn, stop)

    def stopped(self, flow: Flow, stop: Stop) -> None:
        """Count *stop*; see ``Observer``."""
        seen = self._seen(flow)
        if seen is not None:
            seen.stopped(stop)

    @property
    def coverage(self) -> Coverage:
        """What was seen until now."""
        counts = {name: one.seen for name, one in self._counts.items()}
        return Coverage(MappingProxyType(dict(self._outlines)), MappingProxyType(counts))

    def _seen(self, flow: Flow) -> Seen | None:
        try:
            return self._flows[flow]
        except KeyError:
            seen = self._flows[flow] = self._begun(flow)
            return seen

    def _begun(self, flow: Flow) -> Seen | None:
        """Return where turns of *flow* are counted; ``None``: nobody wants them."""
        name = ident(flow)
        if self._wanted is None:
            told = outline(flow)
            known = self._outlines.get(name)
            self._outlines[name] = told if known is None else known + told
        elif name not in self._outlines:
            return None
        return Seen(flow.table(), self._counts.setdefault(name, Counts()))


@contextmanager
def watched(wanted: Coverage | None = None) -> Generator[Watcher]:
    """Count what runs come by in the body.

    Example:
        >>> from stateflow.agents.function import FunctionAgent
        >>> from stateflow.engine.run import run_sync
        >>> from stateflow.machine.state import State
        >>> from stateflow.machine.transition import to
        >>> echo = FunctionAgent("echo", lambda view: view.last.text)
        >>> flow = Flow("say", State("say", echo, to(None)))
        >>> with watched() as watcher:
        ...     _ = run_sync(flow, "Hello!")
        >>> {str(item): times for item, times in watcher.coverage.counted(ident(flow)).items()}
        {'say': 1, 'done': 1, 'say → done [else]': 1}
    """
    watcher = Watcher(wanted)
    OBSERVERS.append(watcher)
    try:
        yield watcher
    finally:
        OBSERVERS[:] = [one for one in OBSERVERS if one is not watcher]
