"""One request to one of several nodes: failover and the reading of problems, without any I/O.

An operation is a generator. It yields what it wants done, `Attempt` (send this to that URL) or
`Pause`, and is sent a `Response`; a transport that fails throws `TransportFailed` into it. So the
same operation runs over http.client and over aiohttp, and in tests over a function.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from urbanchain.api.problems import MEDIA_TYPE, PROBLEMS
from urbanchain.client.errors import (
    BadAnswer,
    InternalError,
    MempoolFull,
    NotReady,
    RequestFailed,
    Syncing,
    Unreachable,
    make_error,
)

RESPONSE_BYTES_MAX = 64 * 1024 * 1024
ROUNDS = 2
"""How often every URL is tried before giving up; after the first round there is a pause."""
PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask, of whichever node."""

    method: str
    target: str
    """Path and query, percent-encoded."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait_s: float = 0.0
    """How long the node may take before it begins to answer, on top of the usual time-out."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Send a request to the node at a URL."""

    url: str
    request: Request


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before going on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportFailed(Exception):
    """Nothing, or only half an answer, came back; the message says why, for people."""


T = TypeVar("T")
Wish: TypeAlias = Attempt | Pause
Operation: TypeAlias = Generator[Wish, Response | None, T]


@dataclass(slots=True)
class Nodes:
    """The URLs of the nodes, the one that answered last first in line."""

    urls: tuple[str, ...]
    current: int = 0

    @property
    def url(self) -> str:
        """The one to ask now."""
        return self.urls[self.current]

    def advance(self) -> None:
        """The current one did not answer."""
        self.current = (self.current + 1) % len(self.urls)


def exchange(nodes: Nodes, request: Request) -> Operation[Response]:
    """Send a request to the first node that answers it.

    Safe for submissions too: a transaction executes once, however often it is sent. Raises
    Unreachable, BadAnswer or the problem's RequestFailed.
    """
    causes: dict[str, str] = {}
    failure: RequestFailed | None = None
    for number in range(ROUNDS * len(nodes.urls)):
        if number == len(nodes.urls):
            yield Pause(PAUSE_S)
        try:
            response = yield Attempt(nodes.url, request)
        except TransportFailed as error:
            causes[nodes.url] = f"{nodes.url}: {error}"
        else:
            assert response is not None
            if response.status < 400:
                return response
            failure = read_problem(nodes.url, response)
            if not isinstance(failure, InternalError | MempoolFull | NotReady | Syncing):
                raise failure
        nodes.advance()
    if failure is not None:
        raise failure
    raise Unreachable(tuple(causes.values()))


def read_problem(url: str, response: Response) -> RequestFailed:
    """The exception for an answer of 400 or more. Raises BadAnswer if it is no problem of ours."""
    content_type = response.headers.get("content-type", "").partition(";")[0]
    document = read_json(url, response) if content_type == MEDIA_TYPE else None
    if not isinstance(document, dict):
        raise BadAnswer(url, f"answered {response.status} without a problem; is it a node?")
    name = str(document.get("type", "")).rpartition("/")[2]
    if name not in PROBLEMS:
        raise BadAnswer(url, f"answered with an unknown problem {name!r}")
    standard = {"type", "title", "status", "detail", "retryable"}
    facts = {key: value for key, value in document.items() if key not in standard}
    retry_after = response.headers.get("retry-after", "")
    seconds = float(retry_after) if retry_after.isdecimal() else None
    return make_error(name, str(document.get("detail", "")), facts, seconds)


def read_json(url: str, response: Response) -> Any:
    """The JSON value of a body. Raises BadAnswer."""
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(url, "answered with something that is not JSON") from error
