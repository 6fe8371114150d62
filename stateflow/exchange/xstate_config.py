"""A flow as the configuration of an XState machine.

What XState has words for is said in them: states, events, guards by name and parameters, delays,
final states.  Agents, prompts and limits stand in ``meta.stateflow``, in the words of our own
document, so that the flow can be read back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias, cast
from typing import Final as Constant

from stateflow.exchange.chart import Chart, Naming, Row, Spot, asked, chart_of
from stateflow.exchange.condition import Form, parts_of
from stateflow.exchange.document import Document
from stateflow.machine.flow import Flow
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, State

__all__ = ["Config", "config_of", "form_of", "guard_config", "object_in", "seconds_of"]

Config: TypeAlias = dict[str, Any]
"""A machine, or a part of one, as JSON."""

_NAMING: Constant = Naming("xstate", re.compile(r"(?!\d+$|#|__proto__$)[^.]+"))
"""JavaScript sorts whole numbers before all other keys; ``.`` and ``#`` begin paths."""
_MS: Constant = 1000


def config_of(flow: Flow, document: Document) -> Config:
    """Return the machine of *flow*, whose *document* holds what XState has no words for.

    Raises:
        DefinitionError: with its nested flows laid out, it is too deep or too large.
    """
    whole: Config = document.model_dump(mode="json", exclude_defaults=True)
    chart = chart_of(flow, _NAMING)
    keys = dict(zip(map(id, flow.flows), whole["flows"], strict=True))
    places = {
        key: {place["name"]: place for place in form["places"]}
        for key, form in whole["flows"].items()
    }
    for one in chart.walk():
        whole["flows"][keys[id(one.flow)]].pop("places", None)
    machine = _Machine(keys, places)
    return {
        "id": _NAMING.keys([flow.name])[0],
        **machine.states(chart),
        "meta": {"stateflow": whole},
    }


def object_in(value: object) -> Config | None:
    """Return *value* if it is an object of JSON."""
    return cast("Config", value) if isinstance(value, dict) else None


def guard_config(form: Form) -> Config:
    """Return the guard *form* as XState calls it: a type and its parameters.

    Example:
        >>> guard_config({"not": {"guard": "says", "args": ["DONE"], "by": "coder"}})["params"]
        {'guards': [{'type': 'says', 'params': {'args': ['DONE'], 'by': 'coder'}}]}
    """
    word, parts = parts_of(form)
    if word:
        return {"type": word, "params": {"guards": [guard_config(part) for part in parts]}}
    params = {key: value for key, value in form.items() if key != "guard"}
    return {"type": form["guard"], **({"params": params} if params else {})}


def form_of(guard: Mapping[str, Any]) -> Form:
    """Return the form of a guard that is called by type and parameters.

    Example:
        >>> form_of({"type": "not", "params": {"guards": [{"type": "failed"}]}})
        {'not': {'guard': 'failed'}}
    """
    word, params = guard["type"], object_in(guard.get("params")) or {}
    parts = params.get("guards")
    if word in {"and", "or", "not"} and isinstance(parts, list):
        forms = [form_of(part) for part in cast("list[Config]", parts)]
        return {word: forms[0] if word == "not" and len(forms) == 1 else forms}
    return {"guard": word, **params}


def milliseconds(seconds: float) -> str:
    """Return the delay of *seconds* [ms], exactly."""
    return f"{(Decimal(repr(seconds)) * _MS).normalize():f}"


def seconds_of(delay: str) -> float:
    """Return how long *delay* [ms] is [s], exactly."""
    return float(Decimal(delay) / _MS)


class _Machine:
    """Writes the states of one machine."""

    def __init__(self, keys: Mapping[int, str], places: Mapping[str, Mapping[str, Config]]) -> None:
        self.keys = keys
        self.places = places

    def states(self, chart: Chart) -> Config:
        """Return the states of *chart*."""
        forms = self.places[self.keys[id(chart.flow)]]
        states = {spot.key: self._state(spot, forms[spot.place.name]) for spot in chart.spots}
        if chart.done:
            states[chart.done] = {"type": "final", "output": {"ended": "done", "ok": True}}
        return {"initial": chart.spots[0].key, "states": states}

    def _state(self, spot: Spot, form: Config) -> Config:
        place = spot.place
        told = {key: part for key, part in form.items() if key != "to"}
        meta = {"meta": {"stateflow": told}}
        if isinstance(place, Final):
            return {"type": "final", "output": {"ended": place.name, "ok": place.ok}, **meta}
        config: Config = {}
        if isinstance(place, Parallel) and spot.inner:
            config["type"] = "parallel"
            config["states"] = {inner.key: self.states(inner) for inner in spot.inner}
        elif spot.inner:
            config |= self.states(spot.inner[0])
        for row in spot.rows:
            entry = _entry(spot, row, form["to"])
            if isinstance(place, Junction):
                config.setdefault("always", []).append(entry)
            for offer in row.offers:
                _listed(config, spot, offer).append(entry)
        return {**config, **meta}


def _listed(config: Config, spot: Spot, offer: str) -> list[Config]:
    """Return the list that *offer* tries in order."""
    listed: list[Config]
    if offer == "said" and spot.inner:
        listed = config.setdefault("onDone", [])
    elif offer == "after" and isinstance(spot.place, State) and spot.place.deadline is not None:
        delays: dict[str, list[Config]] = config.setdefault("after", {})
        listed = delays.setdefault(milliseconds(spot.place.deadline), [])
    else:
        event = f"{offer}.{spot.channel}" if spot.channel else offer
        events: dict[str, list[Config]] = config.setdefault("on", {})
        listed = events.setdefault(event, [])
    return listed


def _entry(spot: Spot, row: Row, forms: Sequence[Config]) -> Config:
    entry: Config = {"target": row.target}
    if row.transition is None:
        return {**entry, "meta": {"stateflow": {"order": row.order, "otherwise": "on_error"}}}
    form = forms[row.order]
    guard = asked(spot, row, form.get("when"))
    if guard is not None:
        entry["guard"] = guard_config(guard)
    if "restart" in form:
        entry["actions"] = [{"type": "restart", "params": {"summary": form["restart"]}}]
    return {**entry, "meta": {"stateflow": {"order": row.order}}}
