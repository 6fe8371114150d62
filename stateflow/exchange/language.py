"""Language models: from the flow to the document, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, TypeVar, cast

from stateflow.exchange.forms import (
    AboveForm,
    FallbackForm,
    LanguageModel,
    ModelForm,
    PriceForm,
    RetryForm,
    SettingsForm,
)
from stateflow.exchange.unwritten import Unwritable
from stateflow.models.base import Settings
from stateflow.models.model import AnyModel, FallbackModel, Model
from stateflow.models.price import Price
from stateflow.models.retry import Retry
from stateflow.value import Json

__all__ = ["changed", "language_form", "language_of", "refuse_secrets"]

T = TypeVar("T")

_SECRET: Final = re.compile(
    r"api_?-?key|authoriz|bearer|cookie|credential|header|passw|secret|token$", re.IGNORECASE
)
"""Names of what must not lie in a file."""


def language_form(model: AnyModel) -> LanguageModel:
    """Return *model* as it is written: by its name, where there is no more to say.

    Raises:
        Unwritable: its settings hold what could be a key.
    """
    if isinstance(model, str):
        return model
    if isinstance(model, FallbackModel):
        default = FallbackModel("a:a", "b:b").on
        on = None if model.on == default else list(model.on)
        return FallbackForm(fallback=[_model_form(one) for one in model.models], on=on)
    return _model_form(model)


def language_of(form: LanguageModel) -> AnyModel:
    """Return the model that is written as *form*.

    Raises:
        DefinitionError: it does not make sense.
    """
    if isinstance(form, str):
        return form
    if isinstance(form, FallbackForm):
        models = [_model_of(one) for one in form.fallback]
        return FallbackModel(*models) if form.on is None else FallbackModel(*models, on=(*form.on,))
    return _model_of(form)


def changed(value: object, default: object, *names: str) -> dict[str, Any]:
    """Return those fields of *value* that differ from *default*, as JSON holds them."""
    found: dict[str, Any] = {}
    for name in names or [one.name for one in fields(cast("Any", value))]:
        part: object = getattr(value, name)
        if part != getattr(default, name):
            found[name] = list(cast("tuple[object, ...]", part)) if type(part) is tuple else part
    return found


def refuse_secrets(what: str, given: Mapping[str, Json]) -> None:
    """Refuse names in *given*, however deep, that could be those of secrets.

    Raises:
        Unwritable: there is one; it is named, and its value is not told.
    """
    ahead: list[object] = [given]
    while ahead:
        part = ahead.pop()
        if isinstance(part, Mapping):
            for name, inner in cast("Mapping[object, object]", part).items():
                if _SECRET.search(str(name)):
                    raise Unwritable(f"{what} {str(name)!r}, which may hold a secret,")
                ahead.append(inner)
        elif isinstance(part, list | tuple):
            ahead += cast("list[object]", part)


def _model_form(model: Model) -> str | ModelForm:
    settings = changed(model.settings, Settings())
    refuse_secrets(f"setting of model {model.name!r}:", settings.get("extra", {}))
    if "extra" in settings:
        settings["extra"] = dict(settings["extra"])
    retry = changed(model.retry, Retry())
    if not settings and not retry and model.price is None:
        return model.name
    return ModelForm(
        name=model.name,
        settings=SettingsForm(**settings) if settings else None,
        retry=RetryForm(**retry) if retry else None,
        price=None if model.price is None else _price_form(model.price),
    )


def _price_form(price: Price) -> PriceForm:
    given = changed(price, Price(0.0, 0.0), "cached", "written", "listed")
    above = [AboveForm(tokens=n, price=_price_form(dearer)) for n, dearer in price.above]
    return PriceForm(input=price.input, output=price.output, above=above or None, **given)


def _model_of(form: str | ModelForm) -> Model:
    if isinstance(form, str):
        return Model(form)
    settings = _given(Settings, form.settings)
    retry = _given(Retry, form.retry)
    return Model(form.name, settings, retry, None if form.price is None else _price_of(form.price))


def _given(kind: type[T], form: SettingsForm | RetryForm | None) -> T:
    given = {} if form is None else form.model_dump(exclude_none=True)
    return kind(**{name: _tuple(part) for name, part in given.items()})


def _tuple(part: object) -> object:
    return tuple(cast("list[object]", part)) if isinstance(part, list) else part


def _price_of(form: PriceForm) -> Price:
    above = tuple((one.tokens, _price_of(one.price)) for one in form.above or ())
    return Price(form.input, form.output, form.cached, above, form.written, form.listed or "")
