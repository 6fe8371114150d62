"""The log: structlog over the standard library's logging, silent unless its user speaks up.

Events are ``noun.past_participle``; everything variable is a key.  The library never
configures logging: ``logging.getLogger("stateflow")`` is where its user sets level and handler.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

__all__ = ["debug", "get_log"]

_LOGGER = logging.getLogger("stateflow")


def debug(event: str, **known: object) -> None:
    """Log *event* if anybody listens; nothing is loaded if nobody does."""
    if _LOGGER.isEnabledFor(logging.DEBUG):
        get_log().debug(event, **known)


@cache
def get_log() -> BoundLogger:
    """Return the project's logger."""
    import structlog  # noqa: PLC0415 - takes as long as a third of stateflow

    logger = structlog.wrap_logger(
        _LOGGER,
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
    )
    return cast("BoundLogger", logger)
