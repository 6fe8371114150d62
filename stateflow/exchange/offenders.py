"""What stands in the way of writing a flow down."""

from __future__ import annotations

from stateflow.exchange.write import read_through
from stateflow.machine.flow import Flow

__all__ = ["refuse_functions"]


def refuse_functions(flow: Flow, form: str, *, agents: bool = True) -> None:
    """Refuse to write *flow* as *form* if it holds Python functions, objects or secrets.

    Args:
        flow: what is to be written, with all that is nested in it.
        form: what it is to be written as, in the sentence: ``SCXML``.
        agents: whether agents are written, too; else only places, guards, actions and choosers
            count.

    Raises:
        DefinitionError: it does; the sentence names every part and its place.

    Example:
        >>> from stateflow import Scripted, State, guard, to
        >>> @guard
        ... def long_winded(view):
        ...     return len(view.last.text) > 1000
        >>> flow = Flow("talk", State("say", Scripted("bob", []), to(None, when=long_winded)))
        >>> refuse_functions(flow, "SCXML")
        Traceback (most recent call last):
        stateflow.errors.DefinitionError: flow 'talk' cannot be written as SCXML, ... guard \
'long_winded', a Python function, of state 'say'; ...
    """
    read_through(flow)[0].refuse(flow.name, form, agents=agents)
