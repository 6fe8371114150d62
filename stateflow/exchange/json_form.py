"""A flow as JSON, and back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from stateflow.errors import DefinitionError
from stateflow.exchange.build import flow_of
from stateflow.exchange.read import document_in
from stateflow.exchange.write import document_of
from stateflow.machine.flow import Flow

__all__ = ["flow_from_json", "to_json"]

_HALVES: Final = re.compile("[\ud800-\udfff]")
"""Halves of a character, which stand in texts and in no file."""


def to_json(flow: Flow) -> str:
    """Return *flow* as JSON: whole, with its agents, prompts, data and nested flows.

    The same flow gives the same text, and :func:`flow_from_json` gives the same flow back.  Its
    form is described by ``docs/flow.schema.json``.

    Raises:
        DefinitionError: it holds Python functions, or what may be a secret; the sentence names
            every one of them and its place.

    Example:
        >>> from stateflow import Assistant, State, to
        >>> writer = Assistant("writer", "openai:gpt-5", "Write a haiku.")
        >>> text = to_json(Flow("haiku", State("write", writer, to(None))))
        >>> flow_from_json(text).agents[0].prompt
        'Write a haiku.'
    """
    document = document_of(flow, "JSON")
    try:
        whole = document.model_dump(mode="json", exclude_defaults=True)
    except ValueError as error:  # of lists in lists, in a setting or a schema
        raise DefinitionError(f"flow {flow.name!r} cannot be written as JSON: {error}") from error
    text = json.dumps(whole, ensure_ascii=False, indent=2)
    return f"{_HALVES.sub(_escaped, text)}\n"


def flow_from_json(source: str | bytes | Path) -> Flow:
    """Return the flow that *source* holds as JSON.

    Nothing of it is run, and nothing is opened: it is checked as every flow is.

    Args:
        source: a text, or the path of a file.

    Raises:
        DefinitionError: it holds no flow, or one of a newer version, or one that does not make
            sense; the sentence says where, and what to do.

    Example:
        >>> flow_from_json('{"stateflow": 2}')
        Traceback (most recent call last):
        stateflow.errors.DefinitionError: this flow is written in form 2, and this version of ...
    """
    return flow_of(document_in(source))


def _escaped(half: re.Match[str]) -> str:
    return f"\\u{ord(half[0]):04x}"
