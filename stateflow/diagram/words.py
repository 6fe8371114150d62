"""The words of a drawing: who speaks in a place, its limits and notes, and what arrows ask.

Everything is told in full, on one line; writers shorten and escape.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stateflow.conversation.agent import Agent
from stateflow.conversation.summary import last_message
from stateflow.conversation.window import Window
from stateflow.diagram.look import Look, Stroke, line
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow, flows_of
from stateflow.machine.guard import Guard
from stateflow.machine.nested import FieldsOut, FlowAgent
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import DEFAULT_TIMEOUT_S, State
from stateflow.machine.transition import Action, Transition

__all__ = [
    "act",
    "acts",
    "asked",
    "asking",
    "by",
    "counted",
    "done",
    "flow_name",
    "held",
    "joined",
    "kind",
    "limits",
    "notes",
    "own_budget",
    "passed",
    "spent",
]

_KINDS: Mapping[object, Look] = {
    "llm": "llm",
    "human": "human",
    "code": "code",
    "tool": "tool",
    "flow": "flow",
}


def kind(agent: Agent) -> Look:
    """Return how *agent* is drawn; one of no known kind is a tool."""
    named: object = getattr(agent, "kind", "tool")
    return _KINDS.get(named, "tool") if isinstance(named, str) else "tool"


def by(agent: Agent) -> str:
    """Return the sandbox that code runs in, or the model's name without its provider.

    ``openai:gpt-5`` is ``gpt-5``.
    """
    if isinstance(agent, FlowAgent):
        return ""
    sandbox: object = getattr(getattr(agent, "sandbox", None), "name", None)
    if isinstance(sandbox, str):
        return line(sandbox)
    model: object = getattr(agent, "model", None)
    model = getattr(model, "name", model)  # of one that is more than its name
    if not isinstance(model, str) or not model.strip():
        return ""
    if model.startswith("scripted:"):
        return "scripted"
    return line(model.split(":", 1)[-1].rsplit("/", 1)[-1] or model)


def limits(state: State) -> Iterator[str]:
    """Yield the limits of *state*."""
    if state.visits is not None:
        yield f"≤ {state.visits} visit{'' if state.visits == 1 else 's'}"
    if state.timeout_s != DEFAULT_TIMEOUT_S:
        yield f"≤ {_number(state.timeout_s)} s"


def spent(budget: Budget) -> Iterator[str]:
    """Yield the limits of *budget*."""
    if budget.usd is not None and not math.isinf(budget.usd):
        yield f"${budget.usd:,.2f}" if budget.usd >= 0.01 else f"${budget.usd:g}"  # noqa: PLR2004 - a cent
    for unit in ("turns", "calls", "tokens"):
        limit = getattr(budget, unit)
        if limit is not None and not math.isinf(limit):
            yield f"{_number(limit)} {unit.removesuffix('s') if limit == 1 else unit}"
    if budget.seconds is not None and not math.isinf(budget.seconds):
        yield f"{_number(budget.seconds)} s"


def held(flow: Flow) -> str:
    """Return how much *flow* holds, for where it is drawn closed."""
    return f"({counted(len(flow.states), 'state')})"


def flow_name(agent: FlowAgent, shown: str) -> str:
    """Return what the flow of *agent* is called, and the agent, where *shown* does not tell."""
    flow = line(agent.flow.name)
    return flow if agent.name in {agent.flow.name, shown} else f"{line(agent.name)} ({flow})"


def own_budget(flow: Flow) -> Iterator[str]:
    """Yield the budget of a nested *flow*, where it was given one."""
    told = ", ".join(spent(flow.budget)) if flow.budget != Budget() else ""
    if told:
        yield f"budget {told}"


def notes(state: State) -> Iterator[str]:
    """Yield who picks in *state*, what is saved, entry and exit actions."""
    if state.choose is not None:
        yield f"chosen by {line(state.choose.name)}"
    for agent in state.agents:
        for tool in getattr(agent, "toolbox", ()):
            for flow in flows_of(tool):
                yield f"tool {line(tool.name)} is flow {line(flow.name)} {held(flow)}"
        yield from asking(agent)
    yield from acts("entry", state.entry)
    if state.save is not None:
        yield f"saves {line(state.save)}"
    if state.output is not None:
        yield f"output {_output(state.output)}"
    yield from acts("exit", state.exit)


def asking(agent: Agent) -> Iterator[str]:
    """Yield who must allow what *agent* does: a person, or a function of the code."""
    leave: object = getattr(agent, "approve", "never")
    if leave == "always":
        yield "asks a person"
    elif callable(leave):
        yield f"code allowed by {act(leave)}"
    tools: Iterable[object] = getattr(agent, "toolbox", ())
    names = [line(str(getattr(tool, "name", "?"))) for tool in tools if _asks(tool)]
    if names:
        yield f"asks a person for {', '.join(names)}"


def _asks(tool: object) -> bool:
    """Tell whether a person must allow *tool*, or some of what it offers."""
    return bool(getattr(tool, "approve", False))


def passed(agent: FlowAgent) -> tuple[str, ...]:
    """Return what goes into a nested flow and what comes out, where it is not the default."""
    found: list[str] = []
    if agent.input is not None:
        given = f'"{line(agent.input)}"' if isinstance(agent.input, str) else act(agent.input)
        found.append(f"input {given}")
    if agent.carryover is not None:
        found.append(f"carryover {_window(agent.carryover)}")
    if agent.summary is not last_message:
        found.append(f"summary {act(agent.summary)}")
    return tuple(found)


def acts(word: str, action: Action | None) -> Iterator[str]:
    """Yield ``word / action``, where there is one."""
    if action is not None:
        yield f"{word} / {act(action)}"


def act(action: object) -> str:
    """Return what *action* is called; nothing where there is none."""
    if action is None:
        return ""
    named: object = getattr(action, "__name__", None) or getattr(action, "name", None)
    return line(named if isinstance(named, str) else type(action).__name__)


def asked(transition: Transition, *, quiet: bool) -> tuple[Stroke, str]:
    """Return how *transition* is drawn, and the words of its guard.

    Args:
        transition: that is to be drawn.
        quiet: whether one that asks nothing needs no word.
    """
    guard = transition.when
    if guard is None:
        return ("plain", "") if quiet else ("else", "else")
    if transition.after is not None:
        return "limit", _bare(guard)
    if guard.faults:
        return "fault", f"on {_faults(guard)}"
    return ("limit" if guard.exhausts else "plain"), _bare(guard)


def done(transition: Transition) -> str:
    """Return what is done as *transition* is taken."""
    restart = "restart" if transition.restart is not None else ""
    return ", ".join(word for word in (act(transition.do), restart) if word)


def counted(number: int, word: str) -> str:
    """Return *number* of *word*.

    Example:
        >>> counted(1, "state"), counted(1200, "state")
        ('1 state', '1,200 states')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def joined(state: Parallel) -> str:
    """Return how the branches of *state* are joined."""
    kept = " · others kept" if state.others == "keep" else ""
    return f"join {state.join}{kept}"


def _bare(guard: Guard) -> str:
    """Return the name of *guard*, without the brackets around the whole of a joined one."""
    name = line(guard.name)
    several = isinstance(guard.form, Mapping) and bool({"and", "or"} & set(guard.form))
    return name[1:-1] if several and name[:1] == "(" and name[-1:] == ")" else name


def _faults(guard: Guard) -> str:
    """Return what *guard* waits for: ``raised('TimedOut')`` waits for ``TimedOut``."""
    form = guard.form
    if not isinstance(form, Mapping) or form.get("guard") != "raised":
        return _bare(guard)
    named = form.get("args", ())
    faults = [str(fault) for fault in named] if isinstance(named, Sequence) else []
    return line(", ".join(faults)) if faults else "any fault"


def _output(output: Action) -> str:
    if isinstance(output, FieldsOut):
        return ", ".join(f"{line(here)} ← {line(there)}" for here, there in output.fields)
    return act(output)


def _window(window: Window) -> str:
    """Return *window* as it was written: ``last(3)``."""
    form = window.form
    if not isinstance(form, Mapping) or len(form) != 1:
        return line(type(window).__name__)
    word, given = next(iter(form.items()))
    shown = [repr(one) for one in given] if isinstance(given, list | tuple) else [repr(given)]
    return line(f"{word}({', '.join(shown)})")


def _number(number: float) -> str:
    """Return *number* as people write it: ``60``, ``1,500``, ``0.5``."""
    return f"{int(number):,}" if number == int(number) else f"{number:,g}"
