"""What commands print: data on stdout, in one of three forms; talk on stderr.

No colour and no spinner unless stdout (or stderr, for talk) is a terminal and NO_COLOR is not set.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TextIO


class Form(Enum):
    """How data is written."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


class Mark(Enum):
    """How an answer went, at a glance: sign, plain sign, ANSI colour."""

    GOOD = ("✓", "ok", 32)
    BAD = ("✗", "failed", 31)
    OPEN = ("?", "?", 33)


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a command's output goes, and in which form."""

    form: Form
    is_quiet: bool = False
    may_color: bool = True

    def data(self, value: Any, text: Callable[[], str]) -> None:
        """Print a result: `value` for machines, `text` (made only if wanted) for people."""
        if self.form is Form.TEXT:
            _print(text(), sys.stdout)
        elif self.form is Form.JSON:
            _print(json.dumps(value, indent=2, ensure_ascii=False), sys.stdout)
        else:
            for item in value if isinstance(value, list) else [value]:
                _print(json.dumps(item, ensure_ascii=False), sys.stdout)

    def say(self, text: str) -> None:
        """Tell a person something that is not a result."""
        if not self.is_quiet:
            _print(text, sys.stderr)

    def complain(self, text: str) -> None:
        """Tell a person why it failed; not even --quiet hides that."""
        _print(text, sys.stderr)

    def marked(self, mark: Mark, text: str, stream: TextIO | None = None) -> str:
        """The text behind its mark."""
        sign, plain, color = mark.value
        target = stream or sys.stdout
        if not _can_write(sign, target):
            sign = plain
        return f"\x1b[{color}m{sign}\x1b[0m {text}" if self.colors(target) else f"{sign} {text}"

    def colors(self, stream: TextIO) -> bool:
        """Whether the stream is a terminal that wants colour."""
        return self.may_color and "NO_COLOR" not in os.environ and stream.isatty()


def table(rows: Iterable[Sequence[object]], header: Sequence[str], indent: str = "  ") -> str:
    """Columns as wide as they need; the last one is not padded."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ("   ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells)
    return "\n".join((indent + line).rstrip() for line in lines)


def pairs(rows: Iterable[tuple[str, object]], indent: str = "") -> str:
    """Names and values, one pair a line."""
    listed = list(rows)
    width = max(len(name) for name, _ in listed)
    return "\n".join(f"{indent}{name.ljust(width)}  {value}" for name, value in listed)


def grouped(number: int) -> str:
    """1000005 as `1 000 005`."""
    return f"{number:,}".replace(",", " ")


def short(identifier: str) -> str:
    """A hash or an address that one only needs to recognise: `9c41a0…e07b`."""
    return identifier if len(identifier) <= 16 else f"{identifier[:8]}…{identifier[-4:]}"


def _print(text: str, stream: TextIO) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def _can_write(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
