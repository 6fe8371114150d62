"""Models as flows name them: what is refused where it is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stateflow.errors import DefinitionError, FaultError
from stateflow.models.base import Settings
from stateflow.models.model import FallbackModel, Model, models_of
from stateflow.models.retry import Retry


class OwnTrouble(FaultError):
    """A fault of somebody's own model."""


def wrong(value: object) -> Any:  # noqa: ANN401 - what no type checker would let pass
    return value


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Model(""), "'' names no model"),
        (lambda: Model(wrong(3)), "3 names no model"),
        (lambda: Model("m", wrong({"temperature": 1})), "settings={.*write settings=Settings"),
        (lambda: Model("m", retry=wrong(3)), "retry=3 is none; write retry=Retry"),
        (lambda: Model("m", price=wrong(2.0)), r"price=2\.0 is none; write price=Price"),
        (lambda: FallbackModel("a", wrong(FallbackModel("b", "c"))), "list its models in the one"),
        (lambda: FallbackModel("a", wrong(None)), "None is not one model; write a name"),
        (lambda: FallbackModel("a", "b", on=("Nope",)), "FallbackModel: .*'Nope', which names no"),
        (lambda: FallbackModel("a", "b", on=wrong("TimedOut")), "no tuple of names"),
        (lambda: Retry(on=("RateLimitd",)), "'RateLimitd', which names no fault.* RateLimited,"),
        (lambda: Retry(on=wrong("RateLimited")), "Retry: on='RateLimited' is no tuple"),
        (lambda: Retry(on=wrong(RuntimeError)), "is no tuple"),
        (lambda: Settings(temperature=wrong("hot")), "temperature='hot' cannot be sent"),
        (lambda: Settings(temperature=float("nan")), "temperature=nan"),
        (lambda: Settings(top_p=wrong([1])), r"top_p=\[1\]"),
        (lambda: Settings(seed=wrong(1.5)), r"seed=1\.5"),
        (lambda: Settings(max_tokens=0), "max_tokens=0 .* 1 or more"),
        (lambda: Settings(max_tokens=wrong("9")), "max_tokens='9'"),
        (lambda: Settings(effort=wrong("hard")), "effort='hard'.*one of none, minimal"),
        (lambda: Settings(extra=wrong(["top_k"])), "extra="),
        (lambda: models_of(wrong(["m1", "m2"])), r"\['m1', 'm2'\] is not one model"),
    ],
)
def test_what_would_fail_in_a_run_is_refused_where_it_is_declared(
    build: Callable[[], object], says: str
) -> None:
    """One sentence, with what to write instead."""
    with pytest.raises(DefinitionError, match=says) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_faults_may_be_named_by_what_they_derive_from_and_be_somebodys_own() -> None:
    """A guard names them the same way."""
    named = (OwnTrouble.__name__, "FaultError", "RunError", "StateflowError")
    assert Retry(on=named).on == FallbackModel("a", "b", on=named).on == named
