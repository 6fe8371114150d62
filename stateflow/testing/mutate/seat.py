"""The seat of a mutant in a test process: flows are changed as they are made.

Tests import their flow as they like, and a cassette may import its file a second time by path.  So
every flow that this process makes is looked at, and one that stands where the mutant's does, under
its name, is changed in place: whoever nests it nests the mutant.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from stateflow.errors import DefinitionError
from stateflow.machine.flow import Flow
from stateflow.testing.home import Home, home_of
from stateflow.testing.mutate.mutants import of_one

__all__ = ["Seat"]


class _Init(Protocol):
    def __call__(self, flow: Flow, *args: Any, **given: Any) -> None: ...  # noqa: ANN401 - as a flow takes them


class Seat:
    """Changes flows, from the moment a mutant is seated; those made before as well."""

    def __init__(self) -> None:
        """Look at every flow from now on."""
        self.changed = 0
        """So many flows are mutants now."""
        self._flows: WeakKeyDictionary[Flow, None] = WeakKeyDictionary()
        self._home: Home | None = None
        self._id = ""
        self._init: Callable[..., None] = Flow.__init__
        _set_init(self._watched(self._init))

    def close(self) -> None:
        """Look no more."""
        _set_init(self._init)

    def seat(self, home: Home, mutant: str) -> None:
        """Change every flow that is defined at *home* into the one whose id is *mutant*."""
        self._home, self._id = home, mutant
        for flow in list(self._flows):
            self._look_at(flow)
        for flow in list(self._flows):  # whoever nests it tells of it in its table
            vars(flow).update(_table=None, _print="")

    def _watched(self, init: Callable[..., None]) -> _Init:
        @functools.wraps(init)
        def made(flow: Flow, *args: Any, **given: Any) -> None:  # noqa: ANN401 - as a flow takes them
            init(flow, *args, **given)
            self._flows[flow] = None
            self._look_at(flow)

        return made

    def _look_at(self, flow: Flow) -> None:
        home = self._home
        if home is None or home_of(flow) != home:
            return
        self._home = None  # the copy that is made now stands in the same line
        try:
            for mutant in of_one(flow):
                if mutant.id == self._id:
                    mutant.change()
                    self.changed += 1
                    break
        except DefinitionError:  # with the parts that this one was given, it is no flow
            pass
        finally:
            self._home = home


def _set_init(init: Callable[..., None]) -> None:
    setattr(Flow, "__init__", init)  # noqa: B010 - types know no change of a method
