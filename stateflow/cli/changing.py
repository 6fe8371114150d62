"""What a run goes on with otherwise: fields of the data that are set, states that are renamed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from stateflow.cli.trouble import Misused

__all__ = ["fields_of", "renames_of"]


def fields_of(given: Iterable[str]) -> dict[str, Any]:
    """Return what ``--set data.NAME=JSON`` sets, by name; what is no JSON is a text.

    Raises:
        Misused: one is not written so, or is set twice.

    Example:
        >>> fields_of(["data.words=12", "data.brief.tone=dry"])
        {'words': 12, 'brief.tone': 'dry'}
    """
    found: dict[str, Any] = {}
    for part in given:
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not name.startswith("data.") or not all(name.split(".")):
            raise Misused(f"--set {part!r}: write data.NAME=JSON, such as --set data.words=12")
        name = name.removeprefix("data.")
        if name in found:
            raise Misused(f"--set sets {name!r} twice; leave one out")
        try:
            found[name] = json.loads(value)
        except (ValueError, RecursionError):
            found[name] = value
    return found


def renames_of(given: Iterable[str]) -> dict[str, str]:
    """Return what ``--map OLD=NEW`` says states are called now, by what they were called.

    Raises:
        Misused: one is not written so, or names a state twice.

    Example:
        >>> renames_of(["write=draft"])
        {'write': 'draft'}
    """
    found: dict[str, str] = {}
    for part in given:
        old, equals, new = (word.strip() for word in part.partition("="))
        if not (old and equals and new):
            raise Misused(f"--map {part!r}: write OLD=NEW, such as --map write=draft")
        if old in found:
            raise Misused(f"--map says twice what {old!r} is called; leave one out")
        found[old] = new
    return found
