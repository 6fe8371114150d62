"""What a call may cost, and what it did: tokens times the price of the model that answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from stateflow.conversation.agent import Turn
from stateflow.conversation.effect import Effect
from stateflow.conversation.message import NO_USAGE, Usage
from stateflow.engine.scene import Scene
from stateflow.errors import RunError, StateflowError
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.models.base import ModelRequest
from stateflow.models.model import AnyModel, Model, models_of
from stateflow.models.names import ModelPool
from stateflow.models.price import Price
from stateflow.value import Json

__all__ = [
    "Asker",
    "asker_of",
    "ceiling_of",
    "date_of_prices",
    "price_for",
    "priced",
    "refuse_unpriced",
]


class Asker(Protocol):
    """An agent or a chooser that asks models."""

    def request(self, turn: Turn, args: Json, /) -> ModelRequest:
        """Return the whole request that the small *args* of an effect stand for."""
        ...

    def asks(self, turn: Turn, args: Json, /) -> Sequence[Model]:
        """Return the models to ask for that effect, in order; the next where one fails."""
        ...


def asker_of(scene: Scene) -> Asker:
    """Return who asks in *scene*."""
    asker: object = scene.chooser if scene.chat is not None else scene.agent
    return asker  # type: ignore[return-value]  # only those who ask make a model.call


def price_for(model: Model, models: ModelPool) -> Price | None:
    """Return what *model* costs; ``None``: nobody knows."""
    if model.price is not None:
        return model.price
    try:
        known = models.get(model.name).price
    except StateflowError:
        known = None  # there is no such model, as the call itself will say
    return known if known is not None else _listed(model)


def _listed(model: Model) -> Price | None:
    from stateflow.models.price_list import price_of

    return price_of(model.name)


def priced(usage: Usage, price: Price | None) -> Usage:
    """Return *usage* with its money."""
    if usage is NO_USAGE:
        return usage
    return replace(usage, usd=None if price is None else price.cost(usage))


def ceiling_of(effect: Effect, scene: Scene, budget: Budget) -> Usage:
    """Return the most that *effect* can cost, whichever of its models answers."""
    given = effect.call.ceiling
    ceiling = given() if callable(given) else given
    if budget.usd is None or budget.usd == math.inf or effect.call.op != "model.call":
        return ceiling
    costs = [
        None if (price := price_for(model, scene.models)) is None else price.most(ceiling)
        for model in asker_of(scene).asks(scene.turn, effect.call.args)
    ]
    known = [cost for cost in costs if cost is not None]
    return replace(ceiling, usd=max(known) if len(known) == len(costs) else None)


def refuse_unpriced(
    flow: Flow, budget: Budget, models: ModelPool, overrides: Mapping[str, str] | None
) -> None:
    """Refuse a run whose money nobody could count.

    Raises:
        RunError: the budget is in USD and the price of a model of *flow* is not known.
    """
    if budget.usd is None or budget.usd == math.inf or budget.unpriced:
        return
    for who, model in _asked(flow, overrides):
        if price_for(model, models) is None:
            raise RunError(
                f"the price of {model.name!r}, which {who!r} asks, is not known, so a budget of "
                f"{budget.usd:g} USD cannot hold it; give Model({model.name!r}, "
                "price=Price(input=…, output=…)), or ask it all the same: Budget(unpriced=True), "
                "--budget unpriced=yes"
            )


def date_of_prices(flow: Flow, overrides: Mapping[str, str] | None) -> str:
    """Return the date of the price list that a run of *flow* is priced with; ``""``: of none."""
    prices = [model.price or _listed(model) for _, model in _asked(flow, overrides)]
    return max((price.listed for price in prices if price is not None), default="")


def _asked(flow: Flow, overrides: Mapping[str, str] | None) -> Iterator[tuple[str, Model]]:
    """Yield who asks models in *flow*, and which."""
    for state in (state for one in flow.flows for state in one.states):
        for one in (*state.agents, state.choose):
            asked: AnyModel | None = getattr(one, "model", None)
            if one is not None and asked is not None:
                asked = (overrides or {}).get(one.name, asked)
                yield from ((one.name, model) for model in models_of(asked))
        asked = getattr(state.sees, "model", None)
        if asked is not None:
            yield from ((state.name, model) for model in models_of(asked))
