"""The values of options: texts on the command line become budgets, data and models."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

from stateflow.cli.trouble import BadInput, Misused
from stateflow.errors import DefinitionError
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow

__all__ = ["budget_over", "models_of", "object_of", "open_all", "text_of"]

_NONE = frozenset({"inf", "none", "unlimited"})


def text_of(given: str) -> str:
    """Return the text *given*, what ``@file`` holds, or what stdin holds for ``-``.

    Raises:
        BadInput: it cannot be read.
    """
    if given == "-":
        return sys.stdin.read()
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text("utf-8")
    except OSError as error:
        raise BadInput(f"{given!r}: the file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{given!r}: the file is not UTF-8; save it in that encoding") from error


def object_of(option: str, given: str | None) -> dict[str, Any] | None:
    """Return the JSON object *given* as text, or in ``@file``.

    Raises:
        Misused: it is no JSON object.
    """
    if given is None:
        return None
    try:
        value: object = json.loads(text_of(given))
    except ValueError as error:
        raise Misused(f"{option} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Misused(f'{option} is not a JSON object; write it as \'{{"name": "value"}}\'')
    return cast("dict[str, Any]", value)


def budget_over(base: Budget, given: str | None) -> Budget | None:
    """Return *base* with the limits in *given*, such as ``turns=20,usd=1.5``.

    Raises:
        Misused: a limit is unknown or no number.
    """
    if given is None:
        return None
    names = [field.name for field in fields(Budget)]
    limits: dict[str, Any] = {}
    for part in given.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or name not in names:
            raise Misused(
                f"--budget {part!r}: write NAME=NUMBER; the limits are {', '.join(names)}"
            )
        limits[name] = _limit(part, value)
    try:
        return replace(base, **limits)
    except DefinitionError as error:
        raise Misused(f"--budget {given!r}: {error}") from error


def _limit(part: str, value: str) -> float:
    if value.lower() in _NONE:
        return math.inf
    try:
        number = float(value)
    except ValueError as error:
        raise Misused(f"--budget {part!r}: {value!r} is no number; write inf for none") from error
    return int(number) if number.is_integer() else number


def models_of(flow: Flow, given: Iterable[str]) -> Mapping[str, str]:
    """Return models by agent, from words such as ``writer=openai:gpt-5``.

    Raises:
        Misused: a word is not of that form.
        BadInput: the flow has no such agent.
    """
    models: dict[str, str] = {}
    known = [agent.name for agent in flow.agents]
    for word in given:
        agent, equals, model = word.partition("=")
        if not (equals and agent and model):
            raise Misused(f"--model {word!r}: write AGENT=NAME, such as writer=openai:gpt-5")
        if agent not in known:
            raise BadInput(
                f"--model {word!r}: flow {flow.name!r} has no agent {agent!r}; "
                f"it has: {', '.join(known)}"
            )
        models[agent] = model
    return models


async def open_all(names: Iterable[str]) -> None:
    """Open each model once, so that an unknown one is told before a run begins.

    Raises:
        ModelNotFound: there is no such model.
    """
    from stateflow.models.names import ModelPool

    pool = ModelPool()
    try:
        for name in names:
            pool.get(name)
    finally:
        await pool.aclose()
