"""A flow as Python, as a person would write it.

The code is made of the document, so what a file cannot hold is refused in the same words; run, it
builds the same flow.  Texts are literals and names are made of letters, so nothing in a flow can
become code.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Final

from stateflow.exchange.build import ordered
from stateflow.exchange.code import WIDTH, Expr, Items, Name, Pairs, Str, laid, value
from stateflow.exchange.document import (
    Document,
    FinalForm,
    FlowAgentForm,
    FlowForm,
    JunctionForm,
    NestedForm,
    ParallelForm,
    PlaceForm,
    StateForm,
    speaking,
)
from stateflow.exchange.forms import ByModelForm
from stateflow.exchange.python_agents import Agents
from stateflow.exchange.python_models import class_code
from stateflow.exchange.python_parts import maybe, text
from stateflow.exchange.shape import classes
from stateflow.exchange.write import document_of
from stateflow.machine.flow import Flow
from stateflow.machine.guard_form import PLAIN, WORDS

__all__ = ["to_python"]

_IMPORTED: Final = frozenset(
    {
        *("Annotated", "Any", "Literal", "BaseModel", "ConfigDict", "Field", "UNLIMITED"),
        *("Assistant", "AzureSandbox", "Budget", "CodeRunner", "DockerSandbox", "FallbackModel"),
        *("Final", "Flow", "Human", "Junction", "LocalSandbox", "Model", "MontySandbox", "Nested"),
        *("Parallel", "Price", "Retry", "Scripted", "Settings", "State", "always", "at_most"),
        *("at_random", "by_human", "by_model", "days", "handoff", "hours", "in_turn", "itself"),
        *("last", "last_message", "mcp_http", "mcp_stdio", "minutes", "never", "only", "steps"),
        *("summarised", "to", "within", *PLAIN, *WORDS),
    }
)
_TAKEN: Final = frozenset({*_IMPORTED, *keyword.kwlist, *dir(builtins), "flow", "_"})
_TYPING: Final = ("Annotated", "Any", "Literal")
_PYDANTIC: Final = ("BaseModel", "ConfigDict", "Field")


def to_python(flow: Flow) -> str:
    r"""Return *flow* as a Python file that defines ``flow``.

    What is run is the same flow: the same table, drawing and print.

    Raises:
        DefinitionError: it holds Python functions, or what may be a secret; the sentence names
            every one of them and its place.

    Example:
        >>> from stateflow import Assistant, State, to
        >>> writer = Assistant("writer", "openai:gpt-5", "Write a haiku.")
        >>> text = to_python(Flow("haiku", State("write", writer, to(None))))
        >>> print(text.partition("\n\n")[2])
        from stateflow import Assistant, Flow, State, to
        <BLANKLINE>
        writer = Assistant("writer", model="openai:gpt-5", prompt="Write a haiku.")
        <BLANKLINE>
        flow = Flow("haiku", State("write", writer, to(None)))
        <BLANKLINE>
    """
    return _Module(document_of(flow, "Python")).code()


@dataclass(slots=True)
class _Module:
    """Writes one file."""

    document: Document
    parts: Agents = field(default_factory=Agents)
    taken: set[str] = field(default_factory=lambda: set(_TAKEN))
    agents: dict[str, str] = field(default_factory=dict[str, str])
    """Variables of agents by their keys."""
    uses: Counter[str] = field(default_factory=Counter[str])
    """How many places each agent speaks in."""

    def code(self) -> str:
        """Return the whole file."""
        self.parts.forms = self.document.flows
        models = classes(self.document.models)
        names = [one.name for one in models]
        self.taken |= set(names)
        written = [class_code(one, names) for one in models]
        for _, used in written:
            self.parts.used |= used
        for form in self.document.flows.values():
            for place in form.places:
                self.uses.update(speaking(place))
        blocks = list(self._choosers())
        for key in ordered(self.document):
            blocks += self._flow(key, self.document.flows[key])
        body = "\n".join(blocks)
        heads = "".join(f"\n\n{code}" for code, _ in written)
        gap = "\n\n" if written else "\n"
        title = '"""A flow, written by stateflow export."""\n'
        return f"{title}\n{self._imports()}{heads}{gap}{body}"

    def _imports(self) -> str:
        used, blocks = self.parts.used, list[str]()
        typing = sorted(used & set(_TYPING))
        if typing:
            blocks.append(_import("typing", typing))
        pydantic = sorted(used & set(_PYDANTIC))
        rest = used - set(_TYPING) - set(_PYDANTIC)
        ours = sorted(rest, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
        others = _import("pydantic", pydantic) if pydantic else ""
        blocks.append(f"{others}{_import('stateflow', ours)}")
        return "\n".join(blocks)

    def _choosers(self) -> Iterator[str]:
        """Yield choosers that several states have; each is one, as its fallbacks are shared."""
        forms = [form for one in self.document.flows.values() for form in _by_model(one)]
        counts = Counter(form.model_dump_json() for form in forms)
        shared: dict[str, str] = {}
        for form in forms:
            key = form.model_dump_json()
            if counts[key] > 1 and key not in shared:
                shared[key] = self._free("chooser")
                yield laid(self.parts.by_model(form), "", f"{shared[key]} = ") + "\n"
        self.parts.shared = shared

    def _flow(self, key: str, form: FlowForm) -> Iterator[str]:
        """Yield the agents of a flow, and the flow."""
        mine = list(dict.fromkeys(one for place in form.places for one in speaking(place)))
        lines: list[str] = []
        for one in mine:
            if one not in self.agents and not self._inline(one, key):
                agent = self.document.agents[one]
                written = self.parts.agent(agent)
                self.agents[one] = self._free(agent.name)
                lines.append(laid(written, "", f"{self.agents[one]} = ") + "\n")
        if lines:
            yield "".join(lines)
        names = Counter(self.document.agents[one].name for one in mine)
        self.parts.speakers = {
            self.document.agents[one].name: self.agents[one]
            for one in mine
            if one in self.agents and names[self.document.agents[one].name] == 1
        }
        top = key == self.document.flow
        self.parts.flows[key] = "flow" if top else self._free(f"{form.name} flow", form.name)
        yield laid(self._whole(key, form), "", f"{self.parts.flows[key]} = ") + "\n"

    def _whole(self, key: str, form: FlowForm) -> Expr:
        parts = self.parts
        choose, rules = form.choose, form.rules
        return parts.call(
            "Flow",
            Str(form.name),
            *(self._place(one, key) for one in form.places),
            budget=parts.budget(form.budget),
            on_error=text(form.on_error),
            data=None if form.data is None else Name(form.data),
            choose=None if choose is None else parts.chooser(choose),
            description=text(form.description),
            accept=parts.pairs(form.accept),
            rules=Items(tuple(map(parts.rule, rules))) if rules else None,
        )

    def _place(self, form: PlaceForm, flow: str) -> Expr:
        parts, name = self.parts, Str(form.name)
        phase = text(form.phase)
        if isinstance(form, FinalForm):
            return parts.call("Final", name, ok=None if form.ok else Name("False"), phase=phase)
        rows = map(parts.transition, form.to)
        if isinstance(form, JunctionForm):
            return parts.call("Junction", name, *rows, phase=phase)
        same: dict[str, Expr | None] = {
            "visits": maybe(form.visits),
            "save": text(form.save),
            "timeout_s": maybe(form.timeout_s),
            "phase": phase,
        }
        if isinstance(form, StateForm):
            return self._state(form, list(rows), same)
        how: dict[str, Expr | None] = {"output": parts.pairs(form.output), **same}
        if isinstance(form, NestedForm):
            speaker, given = self._nested(form.agent, flow)
            return parts.call("Nested", name, speaker, *rows, **given, **how)
        join = None if form.join == "all" else value(form.join)
        others = None if form.others == "cancel" else Str(form.others)
        speakers, given = self._branches(form, flow)
        return parts.call(
            "Parallel", name, speakers, *rows, join=join, others=others, **given, **how
        )

    def _state(self, form: StateForm, rows: list[Expr], same: Mapping[str, Expr | None]) -> Expr:
        parts = self.parts
        speakers = [self._speaker(one) for one in form.agents]
        return parts.call(
            "State",
            Str(form.name),
            speakers[0] if len(speakers) == 1 else parts.call("steps", *speakers),
            *rows,
            prompt=text(form.prompt),
            choose=None if form.choose is None else parts.chooser(form.choose),
            sees=None if form.sees is None else parts.window(form.sees),
            **same,
        )

    def _nested(self, key: str, flow: str) -> tuple[Expr, dict[str, Expr | None]]:
        """Return what speaks in a nested state, and what is said of it there."""
        form = self.document.agents[key]
        if isinstance(form, FlowAgentForm) and key not in self.agents:
            if form.flow == flow:
                return self.parts.call("itself"), self.parts.how(form)
            if self._plainly_called(form):
                return Name(self.parts.flows[form.flow]), self.parts.how(form)
        return self._speaker(key), {}

    def _branches(self, form: ParallelForm, flow: str) -> tuple[Expr, dict[str, Expr | None]]:
        """Return the branches of a parallel state, and what is said of all of them."""
        agents = [self.document.agents[key] for key in form.agents]
        inner = [one for one in agents if isinstance(one, FlowAgentForm)]
        if not any(one.flow == flow for one in inner):
            return Items(tuple(self._branch(key) for key in form.agents)), {}
        branches = [
            (
                one.name,
                self.parts.call("itself") if one.flow == flow else Name(self.parts.flows[one.flow]),
            )
            for one in inner
        ]
        return Pairs(tuple((Str(name), one) for name, one in branches)), self.parts.how(inner[0])

    def _branch(self, key: str) -> Expr:
        """Return a branch: a flow by itself, where no more is said of it."""
        form = self.document.agents[key]
        if isinstance(form, FlowAgentForm) and key not in self.agents:
            told = any(one is not None for one in self.parts.how(form).values())
            if self._plainly_called(form) and not told:
                return Name(self.parts.flows[form.flow])
        return self._speaker(key)

    def _speaker(self, key: str) -> Expr:
        if key in self.agents:
            return Name(self.agents[key])
        return self.parts.agent(self.document.agents[key])

    def _inline(self, key: str, flow: str) -> bool:
        """Tell whether an agent is written where it speaks: a flow that speaks in one place."""
        form = self.document.agents[key]
        return isinstance(form, FlowAgentForm) and (form.flow == flow or self.uses[key] == 1)

    def _plainly_called(self, form: FlowAgentForm) -> bool:
        inner = self.document.flows[form.flow]
        return form.name == inner.name and form.description == inner.description

    def _free(self, *wanted: str) -> str:
        """Return a variable that is free, made of the letters of what is wanted, the last first."""
        names = [_identifier(one) for one in reversed(wanted)]
        more = (f"{names[-1]}_{number}" for number in count(2))
        name = next(one for one in chain(names, more) if one not in self.taken)
        self.taken.add(name)
        return name


def _identifier(name: str) -> str:
    word = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return word if word and not word[0].isdigit() else f"agent_{word}".rstrip("_")


def _import(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return f"{line}\n"
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"


def _by_model(form: FlowForm) -> Iterator[ByModelForm]:
    given = [form.choose, *(one.choose for one in form.places if isinstance(one, StateForm))]
    for one in given:
        if isinstance(one, ByModelForm):
            yield one
