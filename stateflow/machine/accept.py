"""Findings that are meant: a code, perhaps a place, and the reason, kept in the flow itself.

A reason stands where a reviewer of the flow reads it, and is told by every form of the flow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final as Constant
from typing import cast

from stateflow.errors import DefinitionError

__all__ = ["accepted"]

_KEY: Constant = re.compile(r"SF\d{3}( at .+)?")


def accepted(flow: str, accept: Mapping[str, str]) -> Mapping[str, str]:
    """Return *accept* if each of its keys names a finding, and each value says why.

    Raises:
        DefinitionError: one does not.

    Example:
        >>> dict(accepted("essay", {"SF106": "a failed run is resumed by hand"}))
        {'SF106': 'a failed run is resumed by hand'}
    """
    if not isinstance(cast("object", accept), Mapping):
        raise DefinitionError(
            f"flow {flow!r}: accept={accept!r} gives no reasons; write accept={{'SF106': 'why'}}"
        )
    for key, reason in accept.items():
        if not _KEY.fullmatch(key):
            raise DefinitionError(
                f"flow {flow!r} accepts {key!r}, which names no finding; write a code, 'SF106', or "
                "a code and a place, 'SF103 at write'"
            )
        if not reason.strip():
            raise DefinitionError(f"flow {flow!r} accepts {key!r} and does not say why")
    return MappingProxyType(dict(accept))
