"""Every log line one JSON object, personal data masked, line breaks and control characters harmless.

The last safeguard: nothing of what a worker says is logged on purpose.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

from bot.personal_data import mask

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
QUIET = ("sentence_transformers", "alembic", "httpx", "httpcore")


class JsonLines(logging.Formatter):
    """One event, one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's time, level, logger and text; of an exception its type and place, never its words."""
        event = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "text": _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", mask(record.getMessage())),
        }
        if record.exc_info and record.exc_info[0] is not None:
            trace = record.exc_info[2]
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            event["error"] = record.exc_info[0].__name__
            if trace is not None:
                event["place"] = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
        return json.dumps(event, ensure_ascii=False)


def configure(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Let every logger write such lines, those of the servers too."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers, root.level = [handler], level
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "gunicorn", "gunicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
