"""A flow as a document: the values that its JSON is made of, each named as Python names it.

A document is whole: agents, prompts, budgets, data and nested flows are in it, each once, and the
flow that is read from it is the flow that was written.  Keys and secrets are never in it, and
neither is a Python function.  The published schema, ``docs/flow.schema.json``, is made of these
values.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, WithJsonSchema

from stateflow.exchange.forms import (
    ChooserForm,
    LanguageModel,
    LastForm,
    Limit,
    Number,
    Part,
    SandboxForm,
    SchemaForm,
    SummaryForm,
    ToolForm,
    WindowForm,
)
from stateflow.value import Json

__all__ = [
    "FORMAT",
    "AgentForm",
    "AssistantForm",
    "BudgetForm",
    "CodeForm",
    "Document",
    "FinalForm",
    "FlowAgentForm",
    "FlowForm",
    "HumanForm",
    "JunctionForm",
    "NestedForm",
    "ParallelForm",
    "PlaceForm",
    "ScriptedForm",
    "StateForm",
    "TransitionForm",
    "speaking",
]

FORMAT: Final = 1
"""Version of the form that is written; older ones are read, too."""

GuardForm: TypeAlias = Annotated[Json, WithJsonSchema({"title": "Guard"})]
"""Read by :func:`stateflow.machine.guard_form.guard_of`, which knows the words."""
RuleForm: TypeAlias = Annotated[Json, WithJsonSchema({"title": "Rule"})]
"""Read by :func:`stateflow.machine.rule.rule_of`."""


class AssistantForm(Part):
    """An agent that speaks through a language model."""

    kind: Literal["assistant"]
    name: str
    model: LanguageModel
    prompt: str = ""
    reply: str | SchemaForm | None = None
    """A key of ``models``, or a JSON schema."""
    tools: list[ToolForm] = Field(default_factory=list[ToolForm])
    tool_choice: Literal["auto", "required", "none"] = "auto"
    reflect: bool = True
    rounds: int | None = None
    repairs: int | None = None
    vary_seed: bool = False
    description: str = ""


class CodeForm(Part):
    """An agent that runs code."""

    kind: Literal["code"]
    name: str
    sandbox: str | SandboxForm
    languages: list[str] | None = None
    approve: Literal["always", "never"] = "never"
    of: str | LastForm | None = None
    description: str = ""


class HumanForm(Part):
    """A person."""

    kind: Literal["human"]
    name: str
    ask: str = ""
    options: list[str] = Field(default_factory=list)
    form: str | None = None
    """A key of ``models``."""
    default: str | dict[str, Json] | None = None
    may_pass: bool = False
    description: str = ""


class ScriptedForm(Part):
    """An agent that says what is written here."""

    kind: Literal["scripted"]
    name: str
    lines: list[str]
    drawn_as: Literal["llm", "human", "code", "tool", "flow"] = "llm"
    description: str = ""


class FlowAgentForm(Part):
    """A flow that speaks as one agent."""

    kind: Literal["flow"]
    name: str
    flow: str
    """Its key in ``flows``; that of the flow it speaks in, for a flow in itself."""
    input: str | None = None
    carryover: WindowForm | None = None
    summary: SummaryForm = "last_message"
    description: str = ""


AgentForm: TypeAlias = Annotated[
    AssistantForm | CodeForm | HumanForm | ScriptedForm | FlowAgentForm,
    Field(discriminator="kind"),
]


class TransitionForm(Part):
    """A move; tried in the order written."""

    to: str | None
    """Name of a place; ``null`` is done."""
    when: GuardForm = None
    after: Number | None = None
    """Taken once the state was not left for so long [s]."""
    restart: SummaryForm | None = None


class StateForm(Part):
    """A place where an agent speaks, or several do in order."""

    kind: Literal["state"]
    name: str
    agents: list[str]
    """Keys of ``agents``."""
    to: list[TransitionForm]
    visits: int | None = None
    prompt: str = ""
    choose: ChooserForm | None = None
    sees: WindowForm | None = None
    save: str | None = None
    timeout_s: Number | None = None
    phase: str = ""


class NestedForm(Part):
    """A place where a flow speaks."""

    kind: Literal["nested"]
    name: str
    agent: str
    """Key of ``agents``."""
    to: list[TransitionForm]
    output: dict[str, str] | None = None
    """Fields of the nested flow's data by field of this one's."""
    visits: int | None = None
    save: str | None = None
    timeout_s: Number | None = None
    phase: str = ""


class ParallelForm(Part):
    """A place where several flows speak at once."""

    kind: Literal["parallel"]
    name: str
    agents: list[str]
    to: list[TransitionForm]
    join: Literal["all", "any"] | int = "all"
    others: Literal["cancel", "keep"] = "cancel"
    output: dict[str, str] | None = None
    visits: int | None = None
    save: str | None = None
    timeout_s: Number | None = None
    phase: str = ""


class JunctionForm(Part):
    """A place where nobody speaks."""

    kind: Literal["junction"]
    name: str
    to: list[TransitionForm]
    phase: str = ""


class FinalForm(Part):
    """A named end."""

    kind: Literal["final"]
    name: str
    ok: bool = True
    phase: str = ""


PlaceForm: TypeAlias = Annotated[
    StateForm | NestedForm | ParallelForm | JunctionForm | FinalForm, Field(discriminator="kind")
]


def speaking(place: PlaceForm) -> list[str]:
    """Return the keys of the agents that speak in *place*, in order."""
    if isinstance(place, NestedForm):
        return [place.agent]
    return place.agents if isinstance(place, StateForm | ParallelForm) else []


class BudgetForm(Part):
    """What a run may use up at most."""

    turns: Limit | None = None
    calls: Limit | None = None
    tokens: Limit | None = None
    usd: Limit | None = None
    seconds: Limit | None = None
    depth: Limit | None = None
    unpriced: bool = False


class FlowForm(Part):
    """One flow."""

    name: str
    description: str = ""
    places: list[PlaceForm]
    """The first is the initial one."""
    budget: BudgetForm = BudgetForm()
    on_error: str | None = None
    data: str | None = None
    """A key of ``models``."""
    choose: ChooserForm | None = None
    """Who picks in the states that name nobody."""
    accept: dict[str, str] = Field(default_factory=dict)
    rules: list[RuleForm] = Field(default_factory=list[RuleForm])


class Document(Part):
    """A flow and all that it needs."""

    stateflow: Literal[1]
    """Version of this form."""
    flow: str
    """Key of the flow that is meant; the others are nested in it."""
    flows: dict[str, FlowForm]
    agents: dict[str, AgentForm]
    models: dict[str, SchemaForm] = Field(default_factory=dict)
    """JSON schemas of data, replies and forms, by name."""
