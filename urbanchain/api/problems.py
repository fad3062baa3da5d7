"""The catalogue of problems: one table, from which come HTTP errors (RFC 9457), the SDK's
exceptions, the pages under /problems/ and the exit codes of the command line.

A problem is the caller's to mend, or to wait for. It never carries a stack trace or a path of the
node.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MEDIA_TYPE = "application/problem+json"

Fact = str | int | bool | None | list[Any]
"""What a problem's members hold beside the standard ones."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One row of the catalogue."""

    name: str
    """The last segment of its type URI, /problems/{name}."""
    status: int
    title: str
    retryable: bool
    """Whether the same request may succeed later without a change."""
    exit_code: int
    """What the command line ends with."""
    meaning: str
    """When it is said and what to do, for its page."""


CATALOGUE = (
    ProblemType(
        "invalid-request",
        400,
        "The request is malformed",
        False,
        2,
        "The request, or a transaction in it, breaks the format. `pointer` names the place, "
        "`detail` the rule. Nothing was submitted.",
    ),
    ProblemType(
        "unauthenticated",
        401,
        "Authentication is required",
        False,
        7,
        "The route needs a caller who proves an identity.",
    ),
    ProblemType(
        "forbidden",
        403,
        "The caller may not do this",
        False,
        7,
        "The account lacks the role that the call requires, or the request's Host is not one that "
        "this node answers for.",
    ),
    ProblemType(
        "not-found",
        404,
        "There is no such thing",
        False,
        3,
        "No route, block, transaction, account or record of that name exists on this node. A "
        "block or transaction may exist a moment later.",
    ),
    ProblemType(
        "method-not-allowed",
        405,
        "The route does not know this method",
        False,
        2,
        "The response's Allow header lists the methods of the route.",
    ),
    ProblemType(
        "conflict",
        409,
        "It clashes with what is already there",
        False,
        4,
        "The transaction, or its id, clashes with one that the chain already has.",
    ),
    ProblemType(
        "pruned",
        410,
        "This node no longer keeps it",
        False,
        3,
        "The height is below what this node keeps. Another node may have it.",
    ),
    ProblemType(
        "too-large",
        413,
        "The request is too large",
        False,
        2,
        "The body, or one of its parts, exceeds the limit named in `maximum`.",
    ),
    ProblemType(
        "unsupported-media-type",
        415,
        "The body's media type or encoding is not accepted",
        False,
        2,
        "`expected` lists the media types of the route. Compressed bodies are never accepted.",
    ),
    ProblemType(
        "expired",
        422,
        "The transaction's expiry is out of bounds",
        False,
        4,
        "Block time has passed its expiry, or the expiry is further ahead than the chain allows. "
        "Sign it anew; it can no longer be executed as it is.",
    ),
    ProblemType(
        "invalid-signature",
        422,
        "The signature does not verify",
        False,
        4,
        "The signature is not one by the sender's key over this transaction on this chain.",
    ),
    ProblemType(
        "unknown-account",
        422,
        "The sender has no open account",
        False,
        4,
        "No agency has opened an account for this sender, or it was closed.",
    ),
    ProblemType(
        "wrong-chain",
        422,
        "The transaction is for another chain",
        False,
        4,
        "The genesis hash named with the transaction is not this chain's.",
    ),
    ProblemType(
        "rate-limited",
        429,
        "The agency's or client's allowance is spent",
        True,
        4,
        "The agency's token bucket is empty, or the client sends too much. Retry after the time "
        "in Retry-After.",
    ),
    ProblemType(
        "internal-error",
        500,
        "The node failed",
        True,
        1,
        "A fault of the node, not of the request. Its log has the details under the request's id.",
    ),
    ProblemType(
        "mempool-full",
        503,
        "The node holds as many pending transactions as it may",
        True,
        9,
        "Retry shortly, or submit to another node. Resubmission is harmless.",
    ),
    ProblemType(
        "not-ready",
        503,
        "The node is not ready",
        True,
        9,
        "A check of readiness failed; `failed_checks` lists them.",
    ),
    ProblemType(
        "syncing",
        503,
        "The node is catching up",
        True,
        9,
        "The node is behind the chain. Use another, or retry shortly.",
    ),
)

PROBLEMS: Mapping[str, ProblemType] = {problem.name: problem for problem in CATALOGUE}


@dataclass
class RequestProblem(Exception):
    """Why a request was not served; raised by handlers, answered by the app, in one place."""

    name: str
    detail: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}"

    @property
    def type(self) -> ProblemType:
        """Its row in the catalogue."""
        return PROBLEMS[self.name]

    def document(self) -> dict[str, Fact]:
        """The RFC 9457 members, then `retryable`, then the facts."""
        return problem_document(self.name, self.detail, self.facts)


def problem_document(name: str, detail: str, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The members of a problem; also used for the items of a batch."""
    problem = PROBLEMS[name]
    return {
        "type": f"/problems/{name}",
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "retryable": problem.retryable,
        **facts,
    }


def invalid(pointer: str, detail: str, **facts: Fact) -> RequestProblem:
    """The commonest one: a place in the request that breaks a rule."""
    return RequestProblem("invalid-request", detail, {"pointer": pointer, **facts})
