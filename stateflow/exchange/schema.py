"""The published JSON schema of a document, for editors and for whoever writes one by hand."""

from __future__ import annotations

import json
from typing import Any, Final, cast

from stateflow.exchange.document import Document
from stateflow.machine.guard_form import PLAIN, WORDS, Kind, Word

__all__ = ["flow_schema"]

_KINDS: Final[dict[Kind, dict[str, Any]]] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "whole number": {"type": "integer"},
    "truth": {"type": "boolean"},
    "value": {},
}
_GUARD: Final = {"$ref": "#/$defs/Guard"}
_NAME: Final = {"type": "string"}


def flow_schema() -> str:
    """Return the JSON schema of a flow as text, as it lies in ``docs/flow.schema.json``.

    Example:
        >>> json.loads(flow_schema())["title"]
        'A flow of stateflow'
    """
    schema = _linked(Document.model_json_schema())
    schema["$defs"] = dict(sorted({**schema["$defs"], "Guard": _guard(), "Rule": _rule()}.items()))
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "A flow of stateflow",
    }
    return f"{json.dumps(whole, ensure_ascii=False, indent=2)}\n"


def _linked(part: Any) -> Any:  # noqa: ANN401 - a part of a JSON schema
    """Return *part* with guards and rules by reference."""
    if isinstance(part, list):
        return [_linked(one) for one in part]  # pyright: ignore[reportUnknownVariableType] - of an Any
    if not isinstance(part, dict):
        return part
    given = cast("dict[str, Any]", part)
    if given.get("title") in {"Guard", "Rule"} and "type" not in given:
        rest = {key: one for key, one in given.items() if key != "title"}
        return {"$ref": f"#/$defs/{given['title']}", **rest}
    return {key: _linked(one) for key, one in given.items()}


def _guard() -> dict[str, Any]:
    words = [_closed({"guard": {"const": name}}) for name in PLAIN]
    words += [_word(name, word) for name, word in WORDS.items() if name != "after"]
    two = {"type": "array", "items": _GUARD, "minItems": 2, "maxItems": 2}
    joins = [_closed({"and": two}), _closed({"or": two}), _closed({"not": _GUARD})]
    return {
        "title": "Guard",
        "description": "When a transition is taken; joined ones hold others.",
        "anyOf": [{"type": "null"}, *joins, *words],
    }


def _word(name: str, word: Word) -> dict[str, Any]:
    args: dict[str, Any] = {"type": "array"}
    if word.args:
        args["prefixItems"] = [_KINDS[kind] for kind in word.args]
        args["minItems"] = len(word.args) - word.optional
    args["items"] = False if word.rest is None else _KINDS[word.rest]
    given: dict[str, Any] = {"guard": {"const": name}}
    if word.args or word.rest is not None:
        given["args"] = args
    given |= {key: _KINDS[kind] for key, kind in word.named.items()}
    least = len(word.args) - word.optional
    return _closed(given, ["guard", "args"] if least else ["guard"])


def _rule() -> dict[str, Any]:
    scopes = {
        "before": _NAME,
        "after": _NAME,
        "between": {"type": "array", "items": _NAME, "minItems": 2, "maxItems": 2},
    }
    times = {"type": "integer", "minimum": 1}
    return {
        "title": "Rule",
        "description": "What must hold of every run; one of before, after and between at most.",
        "anyOf": [
            _closed({"never": _NAME, **scopes}, ["never"]),
            _closed({"always": _NAME, **scopes}, ["always"]),
            _closed({"at_most": _NAME, "times": times, **scopes}, ["at_most", "times"]),
        ],
    }


def _closed(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }
