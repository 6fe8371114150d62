"""Parts of a document as Python expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from stateflow.exchange.code import (
    Call,
    Chain,
    Expr,
    Items,
    Name,
    Not,
    Pairs,
    Str,
    call,
    literal,
    value,
)
from stateflow.exchange.document import BudgetForm, TransitionForm
from stateflow.exchange.forms import (
    AtRandomForm,
    ByModelForm,
    ChooserForm,
    FallbackForm,
    HandoffForm,
    LanguageModel,
    LastForm,
    McpForm,
    ModelForm,
    OnlyForm,
    PriceForm,
    SandboxForm,
    SummaryForm,
    WindowForm,
    WithinForm,
)
from stateflow.machine.guard_form import PLAIN
from stateflow.machine.rule.rule import rule_of
from stateflow.value import Json

__all__ = ["Parts", "maybe", "text", "texts"]

_UNITS: Final = (("days", 86_400.0, 2), ("hours", 3_600.0, 1), ("minutes", 60.0, 1))
_SANDBOXES: Final = {
    "monty": "MontySandbox",
    "local": "LocalSandbox",
    "docker": "DockerSandbox",
    "azure": "AzureSandbox",
}


def texts(given: list[str] | None) -> Expr | None:
    """Return a list of texts."""
    return None if given is None else Items(tuple(map(Str, given)))


def text(given: str | None, *, empty: bool = False) -> Expr | None:
    """Return a text; ``None`` where there is nothing to say."""
    return Str(given) if given or (empty and given is not None) else None


def maybe(given: Json) -> Expr | None:
    """Return a value, if there is one."""
    return None if given is None else value(given)


@dataclass(slots=True)
class Parts:
    """Writes parts, and keeps the names that they import."""

    used: set[str] = field(default_factory=set[str])
    speakers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables of agents, by the names that only they have."""
    shared: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables of choosers that several states have, by their JSON."""

    def call(self, name: str, /, *parts: Expr, **named: Expr | None) -> Call:
        """Return a call of what is imported as *name*."""
        self.used.add(name)
        return call(name, *parts, **named)

    def name(self, name: str) -> Name:
        """Return what is imported as *name*."""
        self.used.add(name)
        return Name(name)

    def transition(self, form: TransitionForm) -> Expr:
        """Return a transition."""
        return self.call(
            "to",
            value(form.to),
            when=None if form.when is None else self.guard(form.when),
            after=None if form.after is None else self.time(form.after),
            restart=None if form.restart is None else self.summary(form.restart),
        )

    def guard(self, form: Json) -> Expr:
        """Return a guard."""
        given = cast("Mapping[str, Any]", form)
        for word, sign in (("and", "&"), ("or", "|")):
            if word in given:
                left, right = (self.guard(one) for one in given[word])
                before = left.parts if isinstance(left, Chain) and left.sign == sign else (left,)
                return Chain(sign, (*before, right))
        if "not" in given:
            return Not(self.guard(given["not"]))
        word = given["guard"]
        if len(given) == 1 and word in PLAIN:
            return self.name(word)
        spoken = word == "spoke"
        args = [self._speaker(one) if spoken else value(one) for one in given.get("args", ())]
        named = {
            key: self._speaker(one) if key == "by" else value(one)
            for key, one in given.items()
            if key not in {"guard", "args"}
        }
        return self.call(word, *args, **named)

    def _speaker(self, name: str) -> Expr:
        return Name(self.speakers[name]) if name in self.speakers else Str(name)

    def time(self, seconds: float) -> Expr:
        """Return a time, in the largest unit that people would say it in."""
        for unit, length, least in _UNITS:
            times = int(seconds / length)
            if times >= least and times * length == seconds:
                return self.call(unit, Name(str(times)))
        return value(seconds)

    def summary(self, form: SummaryForm) -> Expr:
        """Return a summary."""
        return self.name("last_message") if form == "last_message" else self.by_model(form)

    def chooser(self, form: ChooserForm) -> Expr:
        """Return a chooser, by its variable where several states have it."""
        if isinstance(form, ByModelForm):
            variable = self.shared.get(form.model_dump_json())
            return self.by_model(form) if variable is None else Name(variable)
        if isinstance(form, AtRandomForm):
            return self.call("at_random", seed=value(form.at_random))
        return self.call(form)

    def by_model(self, form: ByModelForm) -> Expr:
        """Return a model that picks, or summarises."""
        return self.call(
            "by_model",
            self.model(form.by_model),
            prompt=maybe(form.prompt),
            retries=maybe(form.retries),
            fallback=maybe(form.fallback),
        )

    def model(self, form: LanguageModel) -> Expr:
        """Return a language model."""
        if isinstance(form, str):
            return Str(form)
        if isinstance(form, FallbackForm):
            on = None if form.on is None else Items(tuple(map(Str, form.on)), "()")
            return self.call("FallbackModel", *(self.model(one) for one in form.fallback), on=on)
        return self._model(form)

    def _model(self, form: ModelForm) -> Expr:
        settings = None if form.settings is None else form.settings.model_dump(exclude_none=True)
        retry = None if form.retry is None else form.retry.model_dump(exclude_none=True)
        waits = {key: value(one) for key, one in (retry or {}).items()}
        if retry is not None and "on" in retry:
            waits["on"] = Items(tuple(map(Str, retry["on"])), "()")
        return self.call(
            "Model",
            Str(form.name),
            settings=None
            if settings is None
            else self.call("Settings", **{key: value(one) for key, one in settings.items()}),
            retry=None if retry is None else self.call("Retry", **waits),
            price=None if form.price is None else self._price(form.price),
        )

    def _price(self, form: PriceForm) -> Expr:
        above = None
        if form.above is not None:
            pairs = (Items((value(one.tokens), self._price(one.price)), "()") for one in form.above)
            above = Items(tuple(pairs), "()")
        return self.call(
            "Price",
            input=value(form.input),
            output=value(form.output),
            cached=maybe(form.cached),
            above=above,
            written=maybe(form.written),
            listed=maybe(form.listed),
        )

    def window(self, form: WindowForm) -> Expr:
        """Return a window."""
        if isinstance(form, LastForm):
            return self.call("last", value(form.last))
        if isinstance(form, OnlyForm):
            return self.call("only", *map(Str, form.only))
        if isinstance(form, WithinForm):
            return self.call("within", tokens=value(form.within))
        rule = form.summarised
        return self.call(
            "summarised",
            beyond=maybe(rule.beyond),
            keep=maybe(rule.keep),
            model=None if rule.model is None else self.model(rule.model),
            prompt=maybe(rule.prompt),
        )

    def sandbox(self, form: str | SandboxForm) -> Expr:
        """Return a sandbox."""
        if isinstance(form, str):
            return Str(form)
        kind, _, rest = form.name.partition(":")
        settings = {key: value(one) for key, one in form.settings.items()}
        return self.call(_SANDBOXES[kind], *([Str(rest)] if rest else []), **settings)

    def tool(self, form: HandoffForm | McpForm) -> Expr:
        """Return a tool, or a source of tools."""
        if isinstance(form, HandoffForm):
            return self.call(
                "handoff",
                Str(form.handoff),
                name=maybe(form.name),
                description=maybe(form.description),
            )
        given = form.model_dump(exclude_defaults=True, exclude={"mcp"})
        named = {key: value(one) for key, one in given.items()}
        if isinstance(form.mcp, str):
            return self.call("mcp_http", Str(form.mcp), **named)
        return self.call("mcp_stdio", *map(Str, form.mcp), **named)

    def budget(self, form: BudgetForm) -> Expr | None:
        """Return a budget, if there is anything to say of it."""
        given = form.model_dump(exclude_defaults=True)
        limits = {
            key: self.name("UNLIMITED") if one == "unlimited" else value(one)
            for key, one in given.items()
        }
        return self.call("Budget", **limits) if limits else None

    def rule(self, form: Json) -> Expr:
        """Return a rule, as it is written."""
        rule = rule_of(form)
        self.used.add(rule.word)
        times = f", {rule.most}" if rule.word == "at_most" else ""
        parts = ", ".join(literal(one) for one in rule.bounds)
        scope = f".{rule.scope}({parts})" if rule.scope else ""
        return Name(f"{rule.word}({literal(rule.place)}{times}){scope}")

    def pairs(self, given: Mapping[str, str] | None) -> Expr | None:
        """Return a dict of texts, if there is one."""
        if not given:
            return None
        return Pairs(tuple((Str(key), Str(one)) for key, one in given.items()))
