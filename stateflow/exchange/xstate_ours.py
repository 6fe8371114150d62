"""Machines that we wrote ourselves, read back.

States, order, targets and guards are read from where XState has them, and all else from
``meta.stateflow``.  A transition that several events offer stands in several lists: what was read
is written again, and has to be the machine that was given, so that an edit which reached only one
of them is told, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final as Constant
from typing import cast

from pydantic import ValidationError

from stateflow.errors import DefinitionError
from stateflow.exchange.build import flow_of
from stateflow.exchange.condition import Form
from stateflow.exchange.document import Document
from stateflow.exchange.xstate_config import Config, config_of, form_of, seconds_of
from stateflow.machine.flow import Flow

__all__ = ["ours"]

_NOTES: Constant = frozenset({"$schema", "description", "tags", "version"})
"""What editors add."""
_CURE: Constant = (
    "change it in all lists that hold the transition, or delete every meta.stateflow to have the "
    "machine read as anybody's"
)


def ours(machine: Config) -> Flow:
    """Return the flow that *machine* was written from, with what was changed since.

    Raises:
        DefinitionError: it makes no sense, or no longer agrees with itself.
    """
    try:
        whole = _whole(machine) if machine["meta"]["stateflow"]["agents"] else {}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise DefinitionError(
            f"this machine says that stateflow wrote it, and it did not ({error!r}); {_CURE}"
        ) from error
    if not whole.get("agents"):
        raise DefinitionError(
            "this machine is to look at: agents of its flow are Python, or hold what may be a "
            "secret, so they are not in it; load the flow that it was written from"
        )
    try:
        document = Document.model_validate(whole)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DefinitionError(f"meta.stateflow of this machine: {where}: {first['msg']}") from error
    flow = flow_of(document)
    path = _difference(config_of(flow, document), machine, "$")
    if path:
        raise DefinitionError(f"{path} does not agree with the rest of this machine; {_CURE}")
    return flow


def _whole(machine: Config) -> Config:
    """Return the document, its places gathered from where they stand."""
    whole: Config = {**machine["meta"]["stateflow"]}
    flows = whole["flows"] = {key: {**form} for key, form in whole["flows"].items()}
    ahead: list[tuple[Config, str]] = [(machine, whole["flow"])]
    while ahead:
        part, key = ahead.pop()
        if "places" not in flows[key]:
            flows[key]["places"] = list(_places(part))
            ahead += _inside(part, key, whole["agents"])
    return whole


def _ordered(part: Config) -> list[tuple[str, Config]]:
    """Return the states of *part*, the initial one first."""
    states: Config = part["states"]
    first = part["initial"]
    return [(first, states[first]), *((k, one) for k, one in states.items() if k != first)]


def _told(part: Config) -> Config:
    return cast("Config", part.get("meta", {}).get("stateflow", {}))


def _places(part: Config) -> Iterator[Config]:
    named = {key: _told(state).get("name") for key, state in part["states"].items()}
    for _, state in _ordered(part):
        told = _told(state)
        if told.get("kind") == "final":
            yield {**told, "ok": state["output"]["ok"]}
        elif told:
            yield {**told, "to": list(_rows(state, named))}


def _inside(part: Config, key: str, agents: Config) -> Iterator[tuple[Config, str]]:
    """Yield what is in *part* that flows are laid out in, each with the key of its flow."""
    for state in part["states"].values():
        told = _told(state)
        names = told.get("agents", [told["agent"]] if "agent" in told else [])
        inner = [agents[one]["flow"] for one in names if "flow" in agents.get(one, {})]
        inner = [one for one in inner if one != key]
        if state.get("type") == "parallel":
            yield from zip(state["states"].values(), inner, strict=True)
        elif "states" in state:
            yield state, inner[0]


def _rows(state: Config, named: Mapping[str, str | None]) -> Iterator[Config]:
    """Yield the transitions of *state* in order, each once."""
    found: dict[tuple[float, int], Config] = {}
    for delay, listed in _lists(state):
        last = -1.0
        for number, entry in enumerate(listed):
            told = _told(entry)
            if told.get("otherwise"):
                continue
            known = "order" in told
            last = told["order"] if known else last
            place = (last, 0) if known else (last, number + 1)
            if place not in found:
                found[place] = _row(entry, named, delay)
    yield from (found[place] for place in sorted(found))


def _lists(state: Config) -> Iterator[tuple[str, Sequence[Config]]]:
    """Yield what is tried in order, deadlines last, with the delay after which it is."""
    yield "", state.get("always", [])
    yield "", state.get("onDone", [])
    for listed in state.get("on", {}).values():
        yield "", listed
    yield from state.get("after", {}).items()


def _row(entry: Config, named: Mapping[str, str | None], delay: str) -> Config:
    row: Config = {"to": named[entry["target"]]}
    form = form_of(entry["guard"]) if "guard" in entry else None
    if form is not None and _is_chosen(form):
        form = None
    elif form is not None and "and" in form and _is_chosen(form["and"][-1]):
        form = form["and"][0]
    if form is not None:
        row["when"] = form
    if delay:
        row["after"] = seconds_of(delay)
    if "actions" in entry:
        row["restart"] = entry["actions"][0]["params"]["summary"]
    return row


def _is_chosen(form: Form) -> bool:
    return bool(form.get("guard") == "chosen")


def _difference(written: object, given: object, path: str) -> str:
    """Return where *given* first differs from what was *written*; empty: nowhere."""
    if isinstance(written, Mapping) and isinstance(given, Mapping):
        left, right = cast("Config", written), cast("Config", given)
        keys = [key for key in {**left, **right} if not _passed_over(path, key)]
        none: Config = {"meta": {}, "stateflow": {}}  # a transition that was added has neither
        parts = [(f"{path}.{k}", left.get(k, none.get(k)), right.get(k, none.get(k))) for k in keys]
    elif isinstance(written, list) and isinstance(given, list):
        rows, others = cast("list[object]", written), cast("list[object]", given)
        if len(rows) != len(others):
            return path
        parts = [(f"{path}[{n}]", *pair) for n, pair in enumerate(zip(rows, others, strict=True))]
    else:
        empty = not isinstance(written, bool) and not written and not given
        return "" if written == given or (empty and not isinstance(given, bool)) else path
    return next((found for part in parts if (found := _difference(part[1], part[2], part[0]))), "")


def _passed_over(path: str, key: str) -> bool:
    """Tell whether *key* is an editor's note, or a number that an edit shifts."""
    if path.endswith(".meta"):
        return key != "stateflow"
    if path.endswith(".meta.stateflow"):
        return key == "order"
    return key in _NOTES and not path.endswith((".states", ".on", ".after", ".params"))
