"""Choosers, summaries and windows: from the flow to the document, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from stateflow.conversation.summary import Summary, last_message
from stateflow.conversation.window import (
    SUMMARISE,
    Last,
    Only,
    Summarised,
    Window,
    Within,
    last,
    only,
    summarised,
    within,
)
from stateflow.engine.choosers import ByModel, at_random, by_human, by_model, in_turn
from stateflow.exchange.forms import (
    AtRandomForm,
    ByModelForm,
    ChooserForm,
    LastForm,
    OnlyForm,
    SummarisedForm,
    SummarisedRule,
    SummaryForm,
    WindowForm,
    WithinForm,
)
from stateflow.exchange.language import language_form, language_of
from stateflow.exchange.unwritten import Unwritable, called
from stateflow.machine.choose import Chooser

__all__ = [
    "chooser_form",
    "chooser_of",
    "summary_form",
    "summary_of",
    "window_form",
    "window_of",
]


def chooser_form(chooser: Chooser) -> ChooserForm:
    """Return *chooser* as it is written.

    Raises:
        Unwritable: it is none of those that are built in.
    """
    if type(chooser) is ByModel:
        return _by_model_form(chooser)
    if chooser == in_turn():
        return "in_turn"
    if chooser == by_human():
        return "by_human"
    form: Any = chooser.form
    seed: object = cast("Mapping[str, object]", form).get("seed") if isinstance(form, dict) else 0
    if isinstance(seed, int) and chooser == at_random(seed=seed):
        return AtRandomForm(at_random=seed)
    raise Unwritable(f"chooser {called(chooser)}, which is Python,")


def chooser_of(form: ChooserForm) -> Chooser:
    """Return the chooser that is written as *form*.

    Raises:
        DefinitionError: it does not make sense.
    """
    if isinstance(form, ByModelForm):
        return _by_model(form)
    if isinstance(form, AtRandomForm):
        return at_random(seed=form.at_random)
    return in_turn() if form == "in_turn" else by_human()


def summary_form(summary: Summary) -> SummaryForm:
    """Return *summary* as it is written.

    Raises:
        Unwritable: it is a function.
    """
    if summary is last_message:
        return "last_message"
    if type(summary) is ByModel:
        picked: Any = summary
        return _by_model_form(picked)
    raise Unwritable(f"summary {called(summary)}, a Python function,")


def summary_of(form: SummaryForm) -> Summary:
    """Return the summary that is written as *form*.

    Raises:
        DefinitionError: it does not make sense.
    """
    return last_message if form == "last_message" else _by_model(form)


def window_form(window: Window) -> WindowForm:
    """Return *window* as it is written.

    Raises:
        Unwritable: it is none of those that are built in.
    """
    if type(window) is Last:
        return LastForm(last=window.count)
    if type(window) is Only:
        return OnlyForm(only=list(window.speakers))
    if type(window) is Within:
        return WithinForm(within=window.tokens)
    if type(window) is Summarised:
        model = cast("Any", window.model)
        return SummarisedForm(
            summarised=SummarisedRule(
                beyond=window.beyond,
                keep=window.keep,
                model=None if model is None else language_form(model),
                prompt=None if window.prompt == SUMMARISE else window.prompt,
            )
        )
    raise Unwritable(f"window {called(window)}, which is Python,")


def window_of(form: WindowForm) -> Window:
    """Return the window that is written as *form*.

    Raises:
        DefinitionError: it sees nothing.
    """
    if isinstance(form, LastForm):
        return last(form.last)
    if isinstance(form, OnlyForm):
        return only(*form.only)
    if isinstance(form, WithinForm):
        return within(tokens=form.within)
    rule = form.summarised
    given = {name: getattr(rule, name) for name in ("beyond", "keep", "prompt")}
    given = {name: part for name, part in given.items() if part is not None}
    model = None if rule.model is None else language_of(rule.model)
    return summarised(model=model, **given)


def _by_model_form(chooser: ByModel) -> ByModelForm:
    fallback = chooser.fallback
    return ByModelForm(
        by_model=language_form(chooser.model),
        prompt=chooser.prompt,
        retries=None if chooser.retries == by_model("a:a").retries else chooser.retries,
        fallback=list(fallback) if isinstance(fallback, tuple) else fallback,
    )


def _by_model(form: ByModelForm) -> ByModel:
    more = {} if form.retries is None else {"retries": form.retries}
    return by_model(language_of(form.by_model), prompt=form.prompt, fallback=form.fallback, **more)
