"""Fields: what each field of a pydantic model can hold, as far as its declaration is certain.

A validator or a serializer of one's own may turn any value into any other, so that nothing is
concluded where one is declared.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum, Flag
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin
from typing import Final as Constant

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from stateflow.machine.algebra.value import NOTHING, Domain, choices
from stateflow.value import Json

__all__ = ["Fields", "fields_of"]

_DECORATORS: Constant = (
    "validators",
    "field_validators",
    "root_validators",
    "field_serializers",
    "model_serializers",
    "model_validators",
    "computed_fields",
)
_HARMLESS: Constant = frozenset({"MultipleOf", "MinLen", "MaxLen", "Strict"})
_FILLERS: Constant[tuple[object, ...]] = ([], {}, "2030-01-01", "", 0, 1, None)
_STRANGE: Constant = Domain(json=True, strange=True)
_UNKNOWN: Constant = Domain(json=True, strange=True, absent=True)


class Fields:
    """The fields of a model, by name."""

    def __init__(self, model: type[BaseModel]) -> None:
        """Read them once."""
        self.model = model
        sound = _sound(model)
        self.known: Mapping[str, Domain] = {
            name: _of(info) if sound else _UNKNOWN for name, info in model.model_fields.items()
        }
        self._dumped = {
            name: _of(info, dumped=True) if sound else _UNKNOWN
            for name, info in model.model_fields.items()
        }
        self.closed = sound and model.model_config.get("extra") != "allow"
        """It has no other fields."""

    def of(self, name: str) -> Domain:
        """Return what the field called *name* can hold in an instance of the model."""
        if name in self.known:
            return self.known[name]
        return NOTHING if self.closed and not hasattr(self.model, name) else _UNKNOWN

    def dumped(self, name: str) -> Domain:
        """Return what the field called *name* can hold in its JSON."""
        if name in self._dumped:
            domain = self._dumped[name]
            return Domain(json=True, absent=not self.closed) if domain.strange else domain
        return NOTHING if self.closed else Domain(json=True, absent=True)

    def filled(self, given: Mapping[str, object]) -> Mapping[str, object] | None:
        """Return the JSON of an instance that holds what is *given*, or ``None``."""
        made = self.instance(given)
        return None if made is None else made.model_dump(mode="json")

    def instance(self, given: Mapping[str, object]) -> BaseModel | None:
        """Return an instance that holds what is *given*; ``None``: none comes to mind."""
        infos = self.model.model_fields
        values = {
            name: given.get(name, next(choices(self._dumped[name], ()), None))
            for name, info in infos.items()
            if name in given or info.is_required()
        }
        for filler in _FILLERS:
            try:
                return self.model.model_validate(
                    {infos[name].alias or name: value for name, value in values.items()}
                )
            except ValidationError as error:
                wrong = {one["loc"][0] for one in error.errors() if one["loc"]}
                names = [name for name, info in infos.items() if {name, info.alias} & wrong]
                values.update((name, filler) for name in names if name not in given)
            except Exception:  # noqa: BLE001 - validators of one's own raise what they like
                return None
        return None


@lru_cache(maxsize=256)
def fields_of(model: type[BaseModel]) -> Fields:
    """Return the fields of *model*.

    Example:
        >>> from typing import Literal
        >>> class Verdict(BaseModel):
        ...     grade: Literal["good", "bad"]
        >>> fields_of(Verdict).of("grade").values
        ('good', 'bad')
    """
    return Fields(model)


def _sound(model: type[BaseModel]) -> bool:
    """Tell whether a field holds what its declaration says, and is dumped under its name."""
    decorators: object = getattr(model, "__pydantic_decorators__", None)
    if decorators is None or any(getattr(decorators, name, None) for name in _DECORATORS):
        return False
    own = ("model_dump", "model_validate", "model_validate_json", "__get_pydantic_core_schema__")
    same = all(
        getattr(getattr(model, name), "__func__", getattr(model, name))
        is getattr(getattr(BaseModel, name), "__func__", getattr(BaseModel, name))
        for name in own
    )
    config = cast("Mapping[str, object]", model.model_config)
    plain = not (config.get("serialize_by_alias") or config.get("use_enum_values"))
    return same and plain and not any(one.exclude for one in model.model_fields.values())


def _of(info: FieldInfo, *, dumped: bool = False) -> Domain:
    """Return what a field can hold; *dumped*: in JSON, where an enumeration is its values."""
    annotation = _valued(info.annotation) if dumped else info.annotation
    domain = _bounded(_typed(annotation), info.metadata)
    if info.is_required():
        return domain
    if info.default_factory is not None:
        return domain | _STRANGE
    default: object = info.default
    if dumped and isinstance(default, Enum):
        default = default.value
    if default is None or isinstance(default, str | int | float):
        return domain | Domain(values=(cast("Json", default),))
    return domain | _STRANGE


_SIMPLE: Constant[Mapping[object, Domain]] = {
    bool: Domain(values=(True, False)),
    int: Domain(numbers=(-math.inf, math.inf), whole=True),
    float: Domain(numbers=(-math.inf, math.inf)),
    str: Domain(texts=True),
    NoneType: Domain(values=(None,)),
}


def _typed(annotation: Any) -> Domain:  # noqa: ANN401 - any type
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is None and isinstance(annotation, type) and annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if origin is Literal and all(one is None or isinstance(one, str | int) for one in args):
        return Domain(values=args)
    if origin in {Union, UnionType}:
        return _union(map(_typed, args))
    if origin is Annotated:
        return _bounded(_typed(args[0]), args[1:])
    return replace(_STRANGE, values=tuple(_some(origin or annotation, args)))


def _valued(annotation: Any) -> Any:  # noqa: ANN401 - any type
    """Return *annotation* with the values of enumerations instead of their members."""
    if get_origin(annotation) in {Union, UnionType}:
        return Union[tuple(map(_valued, get_args(annotation)))]  # noqa: UP007 - not known beforehand
    if not isinstance(annotation, type) or not issubclass(annotation, Enum):
        return cast("Any", annotation)
    values: tuple[object, ...] = tuple(one.value for one in annotation)
    plain = values and all(isinstance(one, str | int) for one in values)
    own = issubclass(annotation, Flag) or hasattr(annotation, "__get_pydantic_core_schema__")
    return Literal[values] if plain and not own else annotation


def _some(kind: Any, args: Sequence[object]) -> Iterator[Json]:  # noqa: ANN401 - any type
    """Yield values of a type of which not all are known: an empty one, and one that is not."""
    inner = next(choices(_typed(args[-1]), ()), None) if args else "other"
    if kind in {list, Sequence}:
        yield from ([], [cast("Json", inner)])
    elif kind is dict:
        yield from ({}, {"other": cast("Json", inner)})
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        made = fields_of(kind).instance({})
        if made is not None:
            yield cast("Json", made.model_dump(mode="json"))


def _union(domains: Iterable[Domain]) -> Domain:
    whole = Domain()
    for domain in domains:
        whole |= domain
    return whole


def _bounded(domain: Domain, metadata: Iterable[object]) -> Domain:
    """Return *domain* within the bounds that were declared; anything, where more is declared."""
    for one in metadata:
        if type(one).__name__ in _HARMLESS:
            continue
        low: Any = getattr(one, "ge", getattr(one, "gt", -math.inf))
        high: Any = getattr(one, "le", getattr(one, "lt", math.inf))
        plain = type(one).__name__ in {"Ge", "Gt", "Le", "Lt"}
        if not plain or domain.numbers is None or not _numbers(low, high):
            return _STRANGE
        step = 1 if domain.whole else 0
        low += step if hasattr(one, "gt") else 0
        high -= step if hasattr(one, "lt") else 0
        within = (max(domain.numbers[0], low), min(domain.numbers[1], high))
        domain = Domain(domain.values, within, domain.whole, domain.texts)
    return domain


def _numbers(*bounds: object) -> bool:
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in bounds)
