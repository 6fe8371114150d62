"""The smaller parts of a document: models, choosers, windows, tools and sandboxes."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from stateflow.value import Json

__all__ = [
    "AboveForm",
    "AtRandomForm",
    "ByModelForm",
    "ChooserForm",
    "FallbackForm",
    "FlowToolForm",
    "HandoffForm",
    "LanguageModel",
    "LastForm",
    "Limit",
    "McpForm",
    "ModelForm",
    "Number",
    "OnlyForm",
    "Part",
    "PriceForm",
    "RetryForm",
    "SandboxForm",
    "SchemaForm",
    "SettingsForm",
    "SummarisedForm",
    "SummarisedRule",
    "SummaryForm",
    "ToolForm",
    "WindowForm",
    "WithinForm",
]

SchemaForm: TypeAlias = Annotated[dict[str, Json], WithJsonSchema({"type": "object"})]
"""A JSON schema of an object."""
Number: TypeAlias = int | float
Limit: TypeAlias = int | float | Literal["unlimited"]


class Part(BaseModel):
    """What every part of a document is: whole, closed, and unchanging."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class SettingsForm(Part):
    """How a model is to speak."""

    temperature: Number | None = None
    top_p: Number | None = None
    seed: int | None = None
    max_tokens: int | None = None
    effort: str | None = None
    extra: dict[str, Json] | None = None


class RetryForm(Part):
    """When a model is asked again."""

    attempts: int | None = None
    on: list[str] | None = None
    wait_s: Number | None = None
    most_s: Number | None = None


class PriceForm(Part):
    """What tokens cost [USD per 10^6 tokens]."""

    input: Number
    output: Number
    cached: Number | None = None
    above: list[AboveForm] | None = None
    written: Number | None = None
    listed: str | None = None


class AboveForm(Part):
    """What a whole call costs whose input is longer."""

    tokens: int
    price: PriceForm


class ModelForm(Part):
    """A language model that is more than its name."""

    name: str
    settings: SettingsForm | None = None
    retry: RetryForm | None = None
    price: PriceForm | None = None


class FallbackForm(Part):
    """Several models, of which the next is asked where one fails."""

    fallback: list[str | ModelForm]
    on: list[str] | None = None


LanguageModel: TypeAlias = str | ModelForm | FallbackForm


class ByModelForm(Part):
    """A model picks who is next, or summarises."""

    by_model: LanguageModel
    prompt: str | None = None
    retries: int | None = None
    fallback: str | list[str] | None = None


class AtRandomForm(Part):
    """Chance picks who is next, the same in every run."""

    at_random: int
    """The seed."""


ChooserForm: TypeAlias = Literal["in_turn", "by_human"] | AtRandomForm | ByModelForm
SummaryForm: TypeAlias = Literal["last_message"] | ByModelForm


class LastForm(Part):
    """The last messages."""

    last: int


class OnlyForm(Part):
    """What some speakers said."""

    only: list[str]


class WithinForm(Part):
    """The newest messages that fit [tokens]."""

    within: int


class SummarisedRule(Part):
    """When a transcript is summarised, and by whom."""

    beyond: int | None = None
    keep: int | None = None
    model: LanguageModel | None = None
    prompt: str | None = None


class SummarisedForm(Part):
    """The newest messages, and a summary of those before."""

    summarised: SummarisedRule


WindowForm: TypeAlias = LastForm | OnlyForm | WithinForm | SummarisedForm


class HandoffForm(Part):
    """A tool that hands the floor over."""

    handoff: str
    name: str | None = None
    description: str | None = None


class FlowToolForm(Part):
    """A tool that runs a flow."""

    flow: str
    """Its key in ``flows``."""
    name: str
    description: str
    approve: bool = False


class McpForm(Part):
    """An MCP server: a command that is started, or an address."""

    mcp: list[str] | str
    name: str | None = None
    cwd: str | None = None
    only: list[str] | None = None
    approve: bool | list[str] = False
    repeat: bool | list[str] = True
    timeout_s: Number | None = None


ToolForm: TypeAlias = HandoffForm | FlowToolForm | McpForm


class SandboxForm(Part):
    """A sandbox with settings of its own."""

    name: str
    """``monty``, ``local``, ``docker:IMAGE`` or ``azure:POOL``."""
    settings: dict[str, Json]
