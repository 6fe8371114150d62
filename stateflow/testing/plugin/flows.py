"""Flows that cassettes name: looked for from the root of the tests, and imported once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stateflow.engine.finding import find_flow, is_path, parted

if TYPE_CHECKING:
    from stateflow.engine.finding import Found
    from stateflow.testing.plugin.settings import Settings

__all__ = ["found_flow"]


def found_flow(reference: str, settings: Settings) -> Found:
    """Return the flow that *reference* names, seen from the root of the tests.

    Raises:
        FlowNotFound: there is none.
    """
    known = settings.found.get(reference)
    if known is None:
        place, attr = parted(reference)
        whole = reference
        if is_path(place):
            path = str(settings.root / place)
            whole = f"{path}:{attr}" if attr else path
        known = settings.found[reference] = find_flow(whole)
    return known
