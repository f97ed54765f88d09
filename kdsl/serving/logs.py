"""Structured logs: one JSON object per line on standard error, or columns where that is a terminal.

What a request is about (its id, whose key it has) goes with every line that is logged while it is answered.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter

NAMES = ("kdsl", "uvicorn", "uvicorn.error")


def configure_logs(level: int = logging.INFO) -> None:
    """Send kdsl's log and uvicorn's through one handler."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    handler = logging.StreamHandler()
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                _plain,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = True  # the requests' own lines say more
    logging.getLogger("uvicorn.error").handlers = []
    logging.getLogger("uvicorn.error").propagate = True


def _plain(logger: Any, name: str, event: Any) -> Any:
    """An event without uvicorn's second form of its message, which is for terminals."""
    event.pop("color_message", None)
    return event
