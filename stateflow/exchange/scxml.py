"""A flow as SCXML: a document that other statechart tools load, draw and step.

States, order, events and conditions are SCXML's own.  What it has no word for (who speaks, what
it is told, limits) stands in the namespace ``urn:stateflow``, which other tools pass over.

The data model is ECMAScript, and every question a guard asks is one boolean of it: a tool sets
``failed`` or ``says_APPROVED``, sends ``said``, and the document goes where the flow would go.
Functions could not be called by all of them, and the null data model knows no conditions at all.

Source: State Chart XML (SCXML), W3C Recommendation 1 September 2015.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final as Constant
from typing import TypeAlias
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from stateflow.exchange.chart import Chart, Naming, Row, Spot, asked, chart_of
from stateflow.exchange.condition import atoms_of, condition, named
from stateflow.exchange.write import document_of
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import DEFAULT_TIMEOUT_S, Final, State
from stateflow.value import Json, canonical_json

__all__ = ["to_scxml"]

_NAMING: Constant = Naming("scxml", re.compile(r"[A-Za-z_][A-Za-z0-9_]*"))
_ILLEGAL: Constant = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DRAWN: Constant = frozenset({"places", "initial", "agents", "name"})
"""Parts of a flow's table that elements of SCXML stand for."""
_ELEMENTS: Constant = frozenset({"state", "junction", "final", "speaks", "to", "flows"})
"""Parts of a place's."""

_Atoms: TypeAlias = Mapping[str, str]


def to_scxml(flow: Flow) -> str:
    """Return *flow* as an SCXML document, the same bytes for the same flow.

    Args:
        flow: what is written; flows nested in it stand in the states that they run in.

    Raises:
        DefinitionError: it holds Python functions, which no document can; or, with its nested
            flows laid out, it is too deep or too large.

    Example:
        >>> from stateflow import Flow, Scripted, State, says, to
        >>> critic = Scripted("critic", ["FINE"])
        >>> flow = Flow("check", State("judge", critic, to(None, when=says("FINE")), to("judge")))
        >>> '<transition event="said" cond="says_FINE" target="done"' in to_scxml(flow)
        True
    """
    document_of(flow, "SCXML", agents=False)  # which refuses what no document can hold
    chart = chart_of(flow, _NAMING)
    root = Element("scxml")
    _set(
        root,
        **{
            "xmlns": "http://www.w3.org/2005/07/scxml",
            "xmlns:sf": "urn:stateflow",
            "version": "1.0",
            "datamodel": "ecmascript",
            "name": _NAMING.keys([flow.name])[0],
            "initial": chart.spots[0].id,
        },
    )
    _describe(root, chart)
    atoms = _atoms(chart)
    model = SubElement(root, "datamodel")
    for form, name in atoms.items():
        _set(SubElement(model, "data"), id=name, expr="false", **{"sf:guard": form})
    _fill(root, chart, atoms)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _atoms(chart: Chart) -> dict[str, str]:
    """Return a variable for each question that is asked, by the question's JSON."""
    atoms: dict[str, str] = {}
    taken: set[str] = set()
    for one in chart.walk():
        for spot in one.spots:
            for row in spot.rows:
                form = asked(spot, row, row.guard)
                for atom in () if form is None else atoms_of(form):
                    text = canonical_json(atom)
                    if text not in atoms:
                        atoms[text] = _free(named(atom), taken)
    return atoms


def _free(base: str, taken: set[str]) -> str:
    name, count = base, 1
    while name in taken:
        count += 1
        name = f"{base}_{count}"
    taken.add(name)
    return name


def _fill(parent: Element, chart: Chart, atoms: _Atoms) -> None:
    """Write the places of *chart* into *parent*."""
    for spot in chart.spots:
        if isinstance(spot.place, Final):
            _final(parent, chart, spot.id, spot.place.name, ok=spot.place.ok)
        else:
            _state(parent, chart, spot, atoms)
    if chart.done:
        _final(parent, chart, _within(chart, chart.done), "done", ok=True)


def _final(parent: Element, chart: Chart, id: str, name: str, *, ok: bool) -> None:  # noqa: A002 - SCXML's word
    final = SubElement(parent, "final")
    _set(final, id=id, **{"sf:name": name})
    place = chart.flow.places.get(name)
    if isinstance(place, Final):
        _attributes(final, chart.places[name], _ELEMENTS)
    data = SubElement(final, "donedata")
    _set(SubElement(data, "param"), name="ended", expr=json.dumps(name, ensure_ascii=False))
    _set(SubElement(data, "param"), name="ok", expr="true" if ok else "false")


def _state(parent: Element, chart: Chart, spot: Spot, atoms: _Atoms) -> None:
    place = spot.place
    parallel = isinstance(place, Parallel) and bool(spot.inner)
    element = SubElement(parent, "parallel" if parallel else "state")
    _set(element, id=spot.id)
    if spot.inner and not parallel:
        _set(element, initial=spot.inner[0].spots[0].id)
    _set(element, **{"sf:name": place.name})
    _attributes(element, chart.places[place.name], _ELEMENTS)
    if isinstance(place, State):
        if place.timeout_s != DEFAULT_TIMEOUT_S:
            _set(element, **{"sf:timeout_s": repr(place.timeout_s)})
        _speakers(element, chart, place)
        _deadline(element, spot, place)
    for row in spot.rows:
        _transition(element, chart, spot, row, atoms)
    for inner in spot.inner:
        within = element
        if parallel:
            within = SubElement(element, "state")
            _set(within, id=inner.id, initial=inner.spots[0].id, **{"sf:branch": inner.key})
        _describe(within, inner)
        _fill(within, inner, atoms)


def _speakers(element: Element, chart: Chart, place: State) -> None:
    flows = iter(chart.places[place.name].get("flows", []))
    for agent in place.agents:
        speaks = SubElement(element, "sf:speaks")
        _attributes(speaks, chart.agents[id(agent)], frozenset(), prefix="")
        if isinstance(agent, FlowAgent):
            nested = next(flows)
            itself = nested["flow"] == "itself"
            _attributes(speaks, nested, frozenset({"as", "flow"}), prefix="")
            _set(speaks, flow="itself" if itself else agent.flow.name)


def _deadline(element: Element, spot: Spot, place: State) -> None:
    """Send the event that the deadline is, unless the state is left before."""
    if place.deadline is None:
        return
    event = f"after.{spot.id}"
    delay = f"{Decimal(repr(float(place.deadline))):f}s"  # as the table has it, however written
    send = SubElement(SubElement(element, "onentry"), "send")
    _set(send, id=event, event=event, delay=delay)
    _set(SubElement(SubElement(element, "onexit"), "cancel"), sendid=event)


def _transition(element: Element, chart: Chart, spot: Spot, row: Row, atoms: _Atoms) -> None:
    transition = SubElement(element, "transition")
    if row.offers:
        _set(transition, event=" ".join(_event(spot, offer) for offer in row.offers))
    form = asked(spot, row, row.guard)
    if form is not None:
        _set(transition, cond=condition(form, atoms))
    _set(transition, target=_within(chart, row.target), **{"sf:order": str(row.order)})
    declared = row.transition
    if declared is None:
        _set(transition, **{"sf:otherwise": "on_error"})
    elif declared.when is not None:
        _set(transition, **{"sf:when": declared.when.name})
        _set(transition, **{"sf:form": canonical_json(declared.when.form)})
    if declared is not None:
        told = chart.places[spot.place.name]["to"][row.order]
        _attributes(transition, told, frozenset({"to", "when", "name"}))


def _event(spot: Spot, offer: str) -> str:
    """Return the event of *offer*: of a nested flow's end, of a branch, or of the whole run."""
    if offer == "after":
        return f"after.{spot.id}"
    if offer == "said" and spot.inner:
        place = spot.place
        first = isinstance(place, Parallel) and place.need == 1
        ends = [inner.id for inner in spot.inner] if first else [spot.id]
        return " ".join(f"done.state.{end}" for end in ends)
    return f"{offer}.{spot.channel}" if spot.channel else offer


def _describe(element: Element, chart: Chart) -> None:
    """Write what is said of the flow as a whole."""
    _set(element, **{"sf:flow": chart.flow.name})
    _attributes(element, chart.flow.table(), _DRAWN)


def _within(chart: Chart, key: str) -> str:
    return f"{chart.id}-{key}" if chart.id else key


def _attributes(
    element: Element, told: Mapping[str, Json], left_out: frozenset[str], prefix: str = "sf:"
) -> None:
    """Write the fields of *told*; what is no text is written as JSON."""
    for key, value in told.items():
        if key not in left_out:
            text = value if isinstance(value, str) else canonical_json(value)
            _set(element, **{f"{prefix}{key}": text})


def _set(element: Element, **attributes: str) -> None:
    r"""Set *attributes*; a character that XML cannot hold is written as Python's ``\x00``."""
    for key, value in attributes.items():
        element.set(key, _ILLEGAL.sub(lambda found: ascii(found[0])[1:-1], value))
