"""Agents of a document as Python expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stateflow.exchange.code import Call, Expr, Items, Name, Str, call, value
from stateflow.exchange.document import (
    AgentForm,
    AssistantForm,
    CodeForm,
    FlowAgentForm,
    FlowForm,
    HumanForm,
    ScriptedForm,
)
from stateflow.exchange.forms import FlowToolForm, LastForm, ToolForm
from stateflow.exchange.python_parts import Parts, maybe, text, texts

__all__ = ["Agents"]


@dataclass(slots=True)
class Agents(Parts):
    """Writes agents, and all that they are made of."""

    forms: Mapping[str, FlowForm] = field(default_factory=dict[str, FlowForm])
    """Flows by their keys."""
    flows: dict[str, str] = field(default_factory=dict[str, str])
    """Variables of the flows that are written, by their keys."""

    def how(self, form: FlowAgentForm) -> dict[str, Expr | None]:
        """Return what a nested flow starts from, and what it comes to."""
        summary = form.summary
        return {
            "input": text(form.input, empty=True),
            "carryover": None if form.carryover is None else self.window(form.carryover),
            "summary": None if summary == "last_message" else self.summary(summary),
        }

    def agent(self, form: AgentForm) -> Expr:
        """Return an agent."""
        if isinstance(form, AssistantForm):
            return self._assistant(form)
        if isinstance(form, CodeForm):
            return self._code(form)
        if isinstance(form, HumanForm):
            return self._human(form)
        if isinstance(form, ScriptedForm):
            return self._scripted(form)
        inner = self.forms[form.flow]
        own = form.description != inner.description
        return Call(
            f"{self.flows[form.flow]}.as_agent",
            call(
                "",
                *([] if form.name == inner.name else [Str(form.name)]),
                **self.how(form),
                description=Str(form.description) if own else None,
            ).parts,
        )

    def _assistant(self, form: AssistantForm) -> Expr:
        reply = form.reply
        tools = tuple(self.any_tool(one) for one in form.tools)
        return self.call(
            "Assistant",
            Str(form.name),
            model=self.model(form.model),
            prompt=text(form.prompt),
            reply=None
            if reply is None
            else (Name(reply) if isinstance(reply, str) else value(reply)),
            tools=Items(tools) if tools else None,
            tool_choice=None if form.tool_choice == "auto" else Str(form.tool_choice),
            reflect=None if form.reflect else Name("False"),
            rounds=maybe(form.rounds),
            repairs=maybe(form.repairs),
            vary_seed=Name("True") if form.vary_seed else None,
            description=text(form.description),
        )

    def any_tool(self, form: ToolForm) -> Expr:
        """Return a tool, a flow that is one, or a source of tools."""
        if isinstance(form, FlowToolForm):
            return call(
                f"{self.flows[form.flow]}.as_tool",
                Str(form.name),
                description=Str(form.description),
                approve=Name("True") if form.approve else None,
            )
        return self.tool(form)

    def _code(self, form: CodeForm) -> Expr:
        of = form.of
        return self.call(
            "CodeRunner",
            Str(form.name),
            sandbox=self.sandbox(form.sandbox),
            languages=texts(form.languages),
            approve=None if form.approve == "never" else Str(form.approve),
            of=self.window(of) if isinstance(of, LastForm) else text(of),
            description=text(form.description),
        )

    def _human(self, form: HumanForm) -> Expr:
        return self.call(
            "Human",
            Str(form.name),
            *([Str(form.ask)] if form.ask else []),
            options=texts(form.options or None),
            form=None if form.form is None else Name(form.form),
            default=maybe(form.default),
            may_pass=Name("True") if form.may_pass else None,
            description=text(form.description),
        )

    def _scripted(self, form: ScriptedForm) -> Expr:
        return self.call(
            "Scripted",
            Str(form.name),
            Items(tuple(map(Str, form.lines))),
            kind=None if form.drawn_as == "llm" else Str(form.drawn_as),
            description=text(form.description),
        )
