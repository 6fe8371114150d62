"""A model as a flow names it: which one, how it is to speak, and what to do when it does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias, cast

from stateflow.errors import DefinitionError
from stateflow.models.base import Settings
from stateflow.models.price import Price
from stateflow.models.retry import Retry, check_faults

__all__ = ["AnyModel", "FallbackModel", "Model", "models_of"]


_FIELDS: Final = (
    ("settings", Settings, "Settings(temperature=0.2)"),
    ("retry", Retry, "Retry(attempts=3)"),
    ("price", Price | None, "Price(input=2.0, output=8.0)"),
)
"""Fields of a model, of which types they are, and how they are given."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model, with everything that is data about it.

    Wherever a model is asked for, its bare name stands for ``Model(name)``.

    Raises:
        DefinitionError: a field is of another type, or the name is empty.

    Example:
        >>> Model("openai:gpt-5", Settings(effort="low"), retry=Retry(attempts=2)).name
        'openai:gpt-5'
    """

    name: str
    """Such as ``openai:gpt-5``, ``anthropic:claude-opus-5``, ``ollama:qwen3``."""
    settings: Settings = field(default_factory=Settings)
    retry: Retry = field(default_factory=Retry)
    price: Price | None = None
    """What it costs, where the price list does not know it or you pay something else."""

    def __post_init__(self) -> None:
        """Refuse what could only fail in the middle of a run."""
        name = cast("object", self.name)
        if not isinstance(name, str) or not name.strip():
            raise DefinitionError(f"{name!r} names no model; write it as 'openai:gpt-5'")
        for given, kind, written in _FIELDS:
            value: object = getattr(self, given)
            if not isinstance(value, kind):
                raise DefinitionError(
                    f"model {name!r}: {given}={value!r} is none; write {given}={written}"
                )


@dataclass(frozen=True, slots=True, init=False)
class FallbackModel:
    """Several models: the next is asked where one fails, after its own retries.

    Raises:
        DefinitionError: fewer than two models, something else than models, or *on* names what is
            no fault.

    Example:
        >>> [one.name for one in FallbackModel("openai:gpt-5", "anthropic:claude-opus-5").models]
        ['openai:gpt-5', 'anthropic:claude-opus-5']
    """

    models: tuple[Model, ...]
    """In the order they are asked."""
    on: tuple[str, ...]
    """Names of the faults at which the next is asked."""

    def __init__(
        self,
        *models: Model | str,
        on: tuple[str, ...] = (
            "RateLimited",
            "Overloaded",
            "TimedOut",
            "Unreachable",
            "AuthFailed",
            "ModelNotFound",
        ),
    ) -> None:
        """Ask *models* in order."""
        if len(models) < 2:  # noqa: PLR2004 - one is no fallback
            raise DefinitionError("FallbackModel(...) takes two models or more; give one directly")
        check_faults("FallbackModel", on)
        object.__setattr__(self, "models", tuple(map(_model, models)))
        object.__setattr__(self, "on", on)

    @property
    def name(self) -> str:
        """The first one's, for drawings and tables."""
        return self.models[0].name


AnyModel: TypeAlias = str | Model | FallbackModel


def _model(model: object) -> Model:
    if isinstance(model, Model):
        return model
    if isinstance(model, str):
        return _named(model)
    cure = "write a name such as 'openai:gpt-5', a Model(...), or FallbackModel(...) of several"
    if isinstance(model, FallbackModel):
        cure = "list its models in the one that holds it"
    raise DefinitionError(f"{model!r} is not one model; {cure}")


@lru_cache(maxsize=256)  # asked in every turn
def _named(name: str) -> Model:
    return Model(name)


def models_of(model: AnyModel) -> tuple[Model, ...]:
    """Return the models that *model* stands for, in the order they are asked.

    Raises:
        DefinitionError: it is no model.

    Example:
        >>> [one.name for one in models_of("llama:smollm2")]
        ['llama:smollm2']
    """
    return model.models if isinstance(model, FallbackModel) else (_model(model),)
