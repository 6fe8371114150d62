"""Differences of random flows: empty, mirrored, exact."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stateflow.machine.difference.change import Change
from stateflow.machine.difference.difference import difference
from stateflow.machine.fingerprint import fingerprint
from stateflow.machine.flow import Flow
from stateflow.value import canonical_json
from tests.support.random_flows import flows


def mirrored(change: Change) -> Change:
    kinds = {"added": "removed", "removed": "added"}
    return replace(
        change,
        kind=kinds.get(change.kind, change.kind),  # type: ignore[arg-type]  # of kinds, kinds
        was=change.now,
        now=change.was,
        before=change.after,
        after=change.before,
    )


def _written(found: tuple[Change, ...]) -> list[str]:
    """Return *found* in an order that does not depend on which version comes first.

    A place that is of another kind now is told as what it is now, hence without the kind.
    """
    places = {"state": "place", "junction": "place", "final": "place"}
    return sorted(
        canonical_json({**asdict(one), "what": places.get(one.what, one.what)}) for one in found
    )


@settings(max_examples=25)
@given(flows())
def test_a_flow_does_not_differ_from_itself(flow: Flow) -> None:
    table = flow.table()
    assert not difference(table, copy.deepcopy(table))


Mutation = Callable[[dict[str, Any], Any], tuple[str, str, str]]


def _renamed(table: dict[str, Any], place: dict[str, Any]) -> tuple[str, str, str]:
    old = place["state"]
    place["state"] = new = f"{old}ly new"[-100:]
    table["initial"] = new if table["initial"] == old else table["initial"]
    if table.get("on_error") == old:
        table["on_error"] = new
    for row in [row for one in table["places"] for row in one.get("to", ())]:
        row["to"] = new if row["to"] == old else row["to"]
    return "renamed", new, ""


def _visits(table: dict[str, Any], place: dict[str, Any]) -> tuple[str, str, str]:
    place["visits"] = (place.get("visits") or 0) + 1
    return "changed", place["state"], "visits"


def _prompted(table: dict[str, Any], place: dict[str, Any]) -> tuple[str, str, str]:
    place["prompt"] = f"{place.get('prompt', '')} more"
    return "changed", place["state"], "prompt"


def _exit(table: dict[str, Any], place: dict[str, Any]) -> tuple[str, str, str]:
    place["to"] = [*place["to"], {"to": None, "when": {"guard": "new"}, "name": "new"}]
    return "added", f"{place['state']} → done", ""


@st.composite
def versions(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the table of a flow and one with many changes, some of them in the same place."""
    before: dict[str, Any] = draw(flows()).table()
    after = copy.deepcopy(before)
    after["places"] = draw(st.permutations(after["places"]))
    states = [place for place in after["places"] if "state" in place]
    for mutation in draw(st.lists(st.sampled_from([_renamed, _visits, _prompted, _exit]))):
        mutation(after, draw(st.sampled_from(states)))
    del after["places"][draw(st.integers(1, 3)) :]
    return before, after


@settings(max_examples=25)
@given(versions())
def test_what_is_added_one_way_is_removed_the_other(
    both: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    one, other = both
    there = difference(one, other).changes
    back = difference(other, one).changes

    assert _written(tuple(map(mirrored, there))) == _written(back)
    again = difference(json.loads(canonical_json(one)), other).changes
    assert _written(again) == _written(there)


@settings(max_examples=25)
@given(versions())
def test_no_difference_means_the_same_fingerprint(
    both: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    one, other = both
    assert difference(one, other) or fingerprint(one) == fingerprint(other)


@settings(max_examples=25)
@given(flows(), st.sampled_from([_renamed, _visits, _prompted, _exit]), st.data())
def test_one_change_is_reported_as_exactly_that(
    flow: Flow, mutation: Mutation, data: st.DataObject
) -> None:
    before: dict[str, Any] = flow.table()
    after = copy.deepcopy(before)
    place = data.draw(st.sampled_from([p for p in after["places"] if "state" in p]))

    kind, path, part = mutation(after, place)

    found = difference(before, after).changes
    assert [(change.kind, change.path, change.part) for change in found] == [(kind, path, part)]
