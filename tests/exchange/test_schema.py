"""The published schema says what is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stateflow.exchange.schema import flow_schema
from stateflow.machine.guard_form import PLAIN, WORDS

SCHEMA: Any = json.loads(flow_schema())


def test_the_published_schema_is_fresh() -> None:
    published = Path("docs/flow.schema.json").read_text("utf-8")

    assert published == flow_schema(), (
        "stateflow export --schema --out docs/flow.schema.json --force"
    )


def test_every_object_is_closed() -> None:
    for name, part in SCHEMA["$defs"].items():
        if part.get("type") == "object":
            assert part["additionalProperties"] is False, name


def test_every_reference_leads_somewhere() -> None:
    found: list[str] = []
    ahead: list[Any] = [SCHEMA]
    while ahead:
        part = ahead.pop()
        if isinstance(part, dict):
            found += [part["$ref"]] if "$ref" in part else []
            ahead += part.values()
        elif isinstance(part, list):
            ahead += part

    assert {one.removeprefix("#/$defs/") for one in found} <= set(SCHEMA["$defs"])
    assert {"#/$defs/Guard", "#/$defs/Rule"} <= set(found)


def test_every_guard_is_in_it() -> None:
    words = {
        part["properties"]["guard"]["const"]
        for part in SCHEMA["$defs"]["Guard"]["anyOf"]
        if "guard" in part.get("properties", {})
    }

    assert words == {*PLAIN, *WORDS} - {"after"}
