"""Handlers that take transactions in: one, or a batch of them.

Hot path: a batch is one call of the backend, whatever its size; nothing is awaited per transaction.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from urbanchain.api import schemas
from urbanchain.api.backend import Accepted, Fate, Submission
from urbanchain.api.calls import (
    JSON,
    Answer,
    Call,
    answer,
    parse_hash,
)
from urbanchain.api.documents import describe_fate
from urbanchain.api.json_input import decode_base64url, parse_json, validate
from urbanchain.api.problems import Fact, RequestProblem, problem_document
from urbanchain.errors import Malformed
from urbanchain.fates import FateState
from urbanchain.ledger.admission import Rejection
from urbanchain.transactions import split_batch

OCTETS = "application/octet-stream"
BATCH = "application/vnd.urbanchain.batch"
RETRY_AFTER_S = {"rate-limited": "1", "mempool-full": "1", "not-ready": "1", "syncing": "1"}
_PREFER_WAIT = re.compile(r"\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*\Z", re.IGNORECASE)


async def submit(call: Call) -> Answer:
    """POST /v1/transactions"""
    body = await call.read_body(call.limits.single_bytes_max)
    if call.content_type == JSON:
        request = validate(schemas.SubmitRequest, parse_json(body))
        _check_chain(call, request.genesis)
        envelope = decode_base64url(request.envelope, "envelope")
    elif call.content_type == OCTETS:
        envelope = body
    else:
        raise unsupported_media_type(call, JSON, OCTETS)
    _check_chain(call, call.headers.get("X-Chain-Genesis"))
    (submission,) = await _within_limit(call, lambda: call.backend.submit([envelope]))
    if isinstance(submission, Rejection):
        raise reject(submission)
    wait_s = preferred_wait_s(call.headers.get("Prefer", ""), call.limits.wait_max_s)
    if wait_s is None:
        fate = call.backend.fate(submission.id)
    else:
        fate = await call.backend.wait(submission.id, wait_s)
    return _answer_submission(call, fate, wait_s)


def _answer_submission(call: Call, fate: Fate, wait_s: float | None) -> Answer:
    is_final = fate.state is FateState.FINAL
    headers = {"Location": f"/v1/transactions/{fate.id.hex()}"}
    receipt = None
    if wait_s is not None:
        headers["Preference-Applied"] = f"wait={wait_s:g}"
        receipt = _receipt_content(call, fate.id) if is_final else None
    return answer(describe_fate(fate, receipt), headers, 200 if is_final else 202)


def _receipt_content(call: Call, transaction_id: bytes) -> Any:
    """The receipt file as JSON values, its fields in the file's order."""
    with call.backend.reader() as reader:
        file = reader.receipt_file(transaction_id)
    return None if file is None else json.loads(file.encode())


async def submit_batch(call: Call) -> Answer:
    """POST /v1/transactions/batch"""
    body = await call.read_body(call.limits.batch_bytes_max)
    if call.content_type == JSON:
        request = validate(schemas.SubmitBatchRequest, parse_json(body))
        _check_chain(call, request.genesis)
        envelopes = [
            decode_base64url(text, f"envelopes.{index}")
            for index, text in enumerate(request.envelopes)
        ]
    elif call.content_type == BATCH:
        envelopes = _split(body)
    else:
        raise unsupported_media_type(call, JSON, BATCH)
    _check_chain(call, call.headers.get("X-Chain-Genesis"))
    submissions = await _within_limit(call, lambda: call.backend.submit(envelopes))
    items = [_describe(submission) for submission in submissions]
    accepted = sum(1 for submission in submissions if isinstance(submission, Accepted))
    document = {"accepted": accepted, "rejected": len(items) - accepted, "results": items}
    return Answer(json.dumps(document).encode("ascii"))


def _split(body: bytes) -> list[bytes]:
    try:
        envelopes = list(split_batch(body, schemas.BINARY_BATCH_COUNT_MAX))
    except Malformed as error:
        raise RequestProblem("invalid-request", error.reason, {"pointer": error.place}) from error
    if not envelopes:
        raise RequestProblem("invalid-request", "the batch is empty", {"pointer": ""})
    return envelopes


def _describe(submission: Submission) -> dict[str, Any]:
    """Plain values, not a model: there may be ten thousand of them."""
    if isinstance(submission, Accepted):
        return {
            "id": submission.id.hex(),
            "duplicate": submission.is_duplicate,
            "problem": None,
        }
    facts: dict[str, Fact] = dict(submission.facts)
    problem = problem_document(submission.problem, submission.detail, facts)
    return {"id": None, "duplicate": False, "problem": problem}


def reject(rejection: Rejection) -> RequestProblem:
    """A single transaction's rejection as the request's problem."""
    retry_after = RETRY_AFTER_S.get(rejection.problem)
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return RequestProblem(rejection.problem, rejection.detail, dict(rejection.facts), headers)


def unsupported_media_type(call: Call, *expected: str) -> RequestProblem:
    """The body is of a kind the route does not read."""
    got = call.content_type or "none"
    return RequestProblem(
        "unsupported-media-type",
        f"the route reads {' or '.join(expected)}, not {got}",
        {"expected": list(expected), "got": got},
    )


def preferred_wait_s(header: str, maximum_s: float) -> float | None:
    """The wait of a Prefer header (RFC 7240 §4.3), capped; None if there is none. Preferences that
    are not understood are ignored, as the RFC demands."""
    for preference in header.split(","):
        found = _PREFER_WAIT.match(preference.partition(";")[0])
        if found is not None:
            return min(float(found[1]), maximum_s)
    return None


def _check_chain(call: Call, genesis: str | None) -> None:
    if genesis is None:
        return
    expected = call.backend.genesis.hash
    if parse_hash(genesis, "genesis") != expected:
        raise RequestProblem(
            "wrong-chain",
            "the transaction is for another chain than this node's",
            {"expected": expected.hex(), "got": genesis},
        )


async def _within_limit(
    call: Call, submit_all: Callable[[], Awaitable[list[Submission]]]
) -> list[Submission]:
    slots = call.submissions
    if slots.under_way >= call.limits.submissions_max:
        raise RequestProblem(
            "mempool-full",
            f"the node works on {slots.under_way} submissions already",
            {"maximum": call.limits.submissions_max},
            {"Retry-After": RETRY_AFTER_S["mempool-full"]},
        )
    slots.under_way += 1
    try:
        return await submit_all()
    finally:
        slots.under_way -= 1
