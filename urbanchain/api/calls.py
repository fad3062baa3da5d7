"""What a handler is given and what it gives back: no web framework in sight."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pydantic import BaseModel

from urbanchain.api.backend import Backend
from urbanchain.api.problems import RequestProblem, invalid
from urbanchain.types import INT63_MAX

JSON = "application/json"
IMMUTABLE = "public, max-age=31536000, immutable"
NO_HEADERS: Mapping[str, str] = {}
NO_STORE = {"Cache-Control": "no-store"}
NO_CACHE = {"Cache-Control": "no-cache"}
"""To be kept, and asked for again with its ETag."""


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """What the API grants one request."""

    single_bytes_max: int = 128 * 1024
    """The body of a single submission."""
    batch_bytes_max: int = 4 * 1024 * 1024
    """The body of a batch."""
    read_timeout_s: float = 10.0
    """For a body to arrive whole."""
    wait_max_s: float = 60.0
    """The longest a request waits for a transaction to become final."""
    submissions_max: int = 64
    """Submissions being worked on at a time; more are answered 503."""


@dataclass(slots=True)
class Submissions:
    """How many submissions are being worked on."""

    under_way: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its path and query already read by its route."""

    backend: Backend
    limits: ApiLimits
    submissions: Submissions
    path: Mapping[str, str]
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    """Case-insensitive."""
    content_type: str
    """Without parameters, in lower case."""
    read_body: Callable[[int], Awaitable[bytes]]
    """The body of at most so many bytes. Raises RequestProblem (too-large, invalid-request)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before HTTP."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(
    document: BaseModel, headers: Mapping[str, str] = NO_HEADERS, status: int = 200
) -> Answer:
    """An answer in JSON."""
    return Answer(document.model_dump_json().encode(), status, JSON, headers)


def immutable(document: BaseModel, tag: str) -> Answer:
    """An answer that will never be another under its URL."""
    return answer(document, {"ETag": f'"{tag}"', "Cache-Control": IMMUTABLE})


def answer_json(value: Any, status: int = 200, content_type: str = JSON) -> Answer:
    """An answer of plain JSON values."""
    return Answer(json.dumps(value).encode("ascii"), status, content_type)


class ParameterKind(Enum):
    """How a query parameter is spelt."""

    INTEGER = "integer"
    SECONDS = "number"
    CURSOR = "string"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter of a route."""

    name: str
    kind: ParameterKind
    summary: str
    maximum: int = INT63_MAX
    minimum: int = 0
    default: int | float | None = None

    def read(self, text: str | None) -> Any:
        """Its value, or the default. Raises RequestProblem."""
        if text is None:
            return self.default
        match self.kind:
            case ParameterKind.INTEGER:
                return self._within(_parse_integer(self.name, text))
            case ParameterKind.SECONDS:
                if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) is None:
                    raise invalid(self.name, "must be a number of seconds")
                return float(text)
            case ParameterKind.CURSOR:
                found = re.fullmatch(r"([0-9]{1,19}):([0-9]{1,10})", text)
                if found is None or int(found[1]) > INT63_MAX or int(found[2]) >= 1 << 32:
                    raise invalid(self.name, "must be a cursor, height:index")
                return int(found[1]), int(found[2])

    def _within(self, value: int) -> int:
        if not self.minimum <= value <= self.maximum:
            reason = f"must be from {self.minimum} to {self.maximum}"
            raise invalid(self.name, reason, minimum=self.minimum, maximum=self.maximum)
        return value


def _parse_integer(name: str, text: str) -> int:
    if re.fullmatch(r"[0-9]{1,19}", text) is None:
        raise invalid(name, "must be a whole number in decimal digits")
    return int(text)


def parse_hash(text: str, name: str) -> bytes:
    """32 bytes of lower-case hex. Raises RequestProblem."""
    if re.fullmatch(r"[0-9a-f]{64}", text) is None:
        raise invalid(name, "must be 64 lower-case hex digits")
    return bytes.fromhex(text)


def not_found(what: str) -> RequestProblem:
    """There is no such thing."""
    return RequestProblem("not-found", f"there is no {what} on this node")
