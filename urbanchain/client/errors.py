"""What can go wrong between a program and the chain.

ChainError
├── Refused            the chain executed the transaction's block and refused it: final, provable
├── StillPending       not final within the timeout; the outcome is unknown, asking again is safe
├── Unreachable        no node answered; what was sent may still have arrived
├── BadAnswer          a node said something that no correct node says
└── RequestFailed      a node answered with a problem (RFC 9457): one class for each of the
                       catalogue in urbanchain.api.problems, named after it
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from urbanchain.api.problems import PROBLEMS, ProblemType
from urbanchain.errors import UrbanchainError


class ChainError(UrbanchainError):
    """The root of the SDK's errors."""


@dataclass
class Refused(ChainError):
    """The transaction is in a block and had no effect: `code` is stable, `sentence` for people."""

    code: str
    sentence: str
    id: str
    height: int
    receipt: Any = None
    """The Receipt that proves the refusal."""

    def __str__(self) -> str:
        return f"{self.sentence or self.code} ({self.code})"


@dataclass
class StillPending(ChainError):
    """Not final within the timeout. Waiting again, or submitting the same again, is safe."""

    id: str
    expires_at_ms: int | None = None
    """The block time after which it can no longer happen."""

    def __str__(self) -> str:
        return f"transaction {self.id} is not final yet; its outcome is unknown"


@dataclass
class Unreachable(ChainError):
    """No node answered. `causes` has a sentence for each URL tried."""

    causes: tuple[str, ...]

    def __str__(self) -> str:
        return "no node answered: " + "; ".join(self.causes)


@dataclass
class BadAnswer(ChainError):
    """The answer breaks the API's contract: another program, or a faulty node, listens there."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}"


@dataclass
class RequestFailed(ChainError):
    """A node refused a request; `problem` is its row in the catalogue."""

    problem: ProblemType
    detail: str
    facts: Mapping[str, Any]
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return f"{self.problem.title}: {self.detail}"


class InvalidRequest(RequestFailed):
    """The request, or a transaction in it, is malformed."""


class Unauthenticated(RequestFailed):
    """The route needs a proven identity."""


class Forbidden(RequestFailed):
    """The account lacks the role for the call."""


class NotFound(RequestFailed):
    """There is no such thing on this node."""


class MethodNotAllowed(RequestFailed):
    """The route does not know the method."""


class Conflict(RequestFailed):
    """It clashes with what is there."""


class Pruned(RequestFailed):
    """The node no longer keeps it."""


class TooLarge(RequestFailed):
    """The request is too large."""


class UnsupportedMediaType(RequestFailed):
    """The body's media type is not accepted."""


class Expired(RequestFailed):
    """The transaction's expiry has passed, or is too far ahead."""


class InvalidSignature(RequestFailed):
    """The transaction's signature does not verify."""


class UnknownAccount(RequestFailed):
    """The sender has no open account."""


class WrongChain(RequestFailed):
    """The transaction, or the caller, is for another chain."""


class RateLimited(RequestFailed):
    """The agency's allowance is spent; see `retry_after_s`."""


class InternalError(RequestFailed):
    """The node failed."""


class MempoolFull(RequestFailed):
    """The node holds as many pending transactions as it may."""


class NotReady(RequestFailed):
    """The node is not ready."""


class Syncing(RequestFailed):
    """The node is catching up."""


_BY_NAME: dict[str, type[RequestFailed]] = {
    "".join(f"-{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("-"): kind
    for kind in RequestFailed.__subclasses__()
}


def make_error(
    name: str, detail: str, facts: Mapping[str, Any], retry_after_s: float | None = None
) -> RequestFailed:
    """The exception for a problem of the catalogue. Raises KeyError for a name it lacks."""
    return _BY_NAME[name](PROBLEMS[name], detail, facts, retry_after_s)
