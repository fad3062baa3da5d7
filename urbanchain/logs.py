"""Logs for people and for machines: one event a line, a constant message, variable fields.

Only the shells log (driver, network, node, api, cli). Call sites pass fields by `extra={…}`;
whatever is not an attribute of a plain LogRecord is such a field.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """The variable fields of an event, in the order they were given."""
    return {name: value for name, value in vars(record).items() if name not in _PLAIN}


class JsonFormatter(logging.Formatter):
    """`{"time", "level", "logger", "event", …fields}` on one line; control characters are escaped
    by JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        event = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=True, default=str)


class ConsoleFormatter(logging.Formatter):
    """`12:04:07.123 info  driver  block committed  height=3 …` for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback below it where there is one."""
        fields = "  ".join(f"{name}={value!s}" for name, value in fields_of(record).items())
        clock = _time(record)[11:23]
        line = f"{clock} {record.levelname.lower():7} {record.name}  {record.getMessage()}"
        line = f"{line}  {fields}" if fields else line
        line = line.replace("\n", "\\n").replace("\r", "\\r")
        return line + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


class _LivingStreamHandler(logging.StreamHandler[TextIO]):
    """A full log disk or a closed pipe costs log lines, never the node."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop the line."""


def configure_logs(level: str, form: str) -> None:
    """Send this process's events to stderr. `form` is "json" or "console"."""
    handler = _LivingStreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else ConsoleFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("aiohttp").setLevel(logging.WARNING)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
