"""The log: structlog over the standard library's logging, silent unless its user speaks up.

Events are ``noun.past_participle``; everything variable is a key.  The library never
configures logging: ``logging.getLogger("stateflow")`` is where its user sets level and handler.
"""

from __future__ import annotations

import logging
from typing import cast

import structlog
from structlog.stdlib import BoundLogger

__all__ = ["get_log"]


def get_log() -> BoundLogger:
    """Return the project's logger."""
    logger = structlog.wrap_logger(
        logging.getLogger("stateflow"),
        wrapper_class=BoundLogger,
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
    )
    return cast("BoundLogger", logger)
