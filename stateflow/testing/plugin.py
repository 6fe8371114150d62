"""The pytest plugin, loaded by the ``pytest11`` entry point.

It adds no option and no fixture yet: it holds the place, so that installing a later version
needs no change in anybody's configuration.
"""

from __future__ import annotations

__all__: list[str] = []
