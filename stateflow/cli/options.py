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
from stateflow.conversation.agent import Agent
from stateflow.errors import DefinitionError, ModelNotFound
from stateflow.machine.budget import Budget
from stateflow.machine.choose import Chooser
from stateflow.machine.flow import Flow
from stateflow.sandbox.names import sandbox_of

__all__ = ["budget_over", "models_of", "object_of", "open_all", "sandboxes_of", "text_of"]

_UNPRICED = "unpriced"
_COUNTED = frozenset({"turns", "calls", "tokens", "depth"})
_TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
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
        Misused: a limit is unknown or no number, or no whole one where things are counted.
    """
    if given is None:
        return None
    names = [field.name for field in fields(Budget) if field.name != _UNPRICED]
    limits: dict[str, Any] = {}
    for part in given.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or name not in {*names, _UNPRICED}:
            raise Misused(
                f"--budget {part!r}: write NAME=NUMBER; the limits are {', '.join(names)}; "
                f"beside usd also {_UNPRICED}=yes"
            )
        limits[name] = _truth(part, value) if name == _UNPRICED else _limit(part, name, value)
    try:
        return replace(base, **limits)
    except DefinitionError as error:
        raise Misused(f"--budget {given!r}: {error}") from error


def _truth(part: str, value: str) -> bool:
    if value.lower() not in _TRUTH:
        raise Misused(f"--budget {part!r}: {value!r} is neither yes nor no")
    return _TRUTH[value.lower()]


def _limit(part: str, name: str, value: str) -> float:
    if value.lower() in _NONE:
        return math.inf
    try:
        number = float(value)
    except ValueError as error:
        raise Misused(f"--budget {part!r}: {value!r} is no number; write inf for none") from error
    if math.isfinite(number) and name in _COUNTED and not number.is_integer():
        raise Misused(f"--budget {part!r}: {name} are counted; write a whole number")
    return int(number) if number.is_integer() else number


def models_of(flow: Flow, given: Iterable[str]) -> Mapping[str, str]:
    """Return models by who asks them, agent or chooser.

    ``writer=openai:gpt-5`` is for one of them; a bare ``openai:gpt-5`` for all that ask a model
    and have none of their own.  Names of models may hold ``=``, names of agents no ``:``.

    Raises:
        Misused: a word is not of that form, the flow has no such agent, or nobody asks a model.
    """
    everybody: list[Agent | Chooser] = [*flow.everybody, *flow.choosers]
    known = list(dict.fromkeys(one.name for one in everybody))
    askers = [one.name for one in everybody if getattr(one, "model", None) is not None]
    models: dict[str, str] = {}
    of_all: dict[str, str] = {}
    for word in given:
        agent, model = _parted(word, known)
        if not model or agent == "":
            raise Misused(
                f"--model {word!r}: write NAME, such as openai:gpt-5, or AGENT=NAME, such as "
                "writer=openai:gpt-5"
            )
        if agent is None and not askers:
            raise Misused(
                f"--model {word!r}: nobody in flow {flow.name!r} asks a model; leave it out"
            )
        if agent is None:
            of_all = dict.fromkeys(askers, model)
        elif agent in known:
            models[agent] = model
        else:
            raise Misused(
                f"--model {word!r}: flow {flow.name!r} has no agent {agent!r}; "
                f"it has: {', '.join(known)}"
            )
    return {**of_all, **models}


def _parted(word: str, known: Iterable[str]) -> tuple[str | None, str]:
    """Return the agent, ``None`` where the word names none, and the model."""
    for name in known:
        if word.startswith(f"{name}="):
            return name, word[len(name) + 1 :]
    agent, equals, model = word.partition("=")
    if equals and not {":", "+"} & set(agent):
        return agent, model
    return None, word if ":" in word else ""


def sandboxes_of(flow: Flow, given: Iterable[str]) -> Mapping[str, str]:
    """Return sandboxes by who runs code in them.

    ``runner=docker:alpine`` is for one agent; a bare ``docker:alpine`` for all that run code and
    have none of their own.

    Raises:
        Misused: there is no such sandbox or agent, or nobody runs code.
    """
    runners = [one.name for one in flow.everybody if getattr(one, "sandbox", None) is not None]
    named: dict[str, str] = {}
    of_all: dict[str, str] = {}
    for word in given:
        if not runners:
            raise Misused(f"--sandbox {word!r}: nobody in flow {flow.name!r} runs code")
        agent = next((name for name in runners if word.startswith(f"{name}=")), None)
        sandbox = word if agent is None else word[len(agent) + 1 :]
        whose, equals, _ = sandbox.partition("=")
        if equals and ":" not in whose:
            raise Misused(
                f"--sandbox {word!r}: flow {flow.name!r} has no agent {whose!r} that runs code; "
                f"who does: {', '.join(runners)}"
            )
        try:
            sandbox_of(sandbox)
        except DefinitionError as error:
            raise Misused(f"--sandbox: {error}") from error
        if agent is None:
            of_all = dict.fromkeys(runners, sandbox)
        else:
            named[agent] = sandbox
    return {**of_all, **named}


async def open_all(names: Iterable[str]) -> None:
    """Open each model once, so that an unknown one is told before a run begins.

    Raises:
        Misused: there is no such model.
    """
    from stateflow.models.names import ModelPool

    pool = ModelPool()
    try:
        for name in names:
            pool.get(name)
    except ModelNotFound as error:
        raise Misused(f"--model: {error}") from error
    finally:
        await pool.aclose()
