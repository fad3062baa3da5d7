"""Every route, in one table: from it come the handlers, the OpenAPI document and the answer to a
wrong method.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import BaseModel

from urbanchain.api import node_views, reading, schemas, submitting
from urbanchain.api.calls import Answer, Call, Parameter, ParameterKind, answer_json
from urbanchain.api.openapi import OPENAPI_PATH, render_openapi

Handle: TypeAlias = Callable[[Call], Awaitable[Answer]]
LIMIT = Parameter("limit", ParameterKind.INTEGER, "how many at most", 200, 1, 20)
_SUBMISSION_PROBLEMS = (
    "invalid-request",
    "forbidden",
    "too-large",
    "unsupported-media-type",
    "expired",
    "invalid-signature",
    "unknown-account",
    "wrong-chain",
    "rate-limited",
    "conflict",
    "mempool-full",
    "not-ready",
    "syncing",
)


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path."""

    method: str
    path: str
    handle: Handle
    summary: str
    answers: type[BaseModel] | str
    """The document, or the media type of what is no JSON document of ours."""
    query: tuple[Parameter, ...] = ()
    problems: tuple[str, ...] = ()
    """Beside invalid-request, which any may answer."""
    reads: tuple[tuple[str, type[BaseModel] | None], ...] = ()
    """Media types of the body, and their models."""

    @property
    def plain_path(self) -> str:
        """The path as people and OpenAPI write it."""
        return self.path.replace(":.+}", "}")


async def get_openapi(call: Call) -> Answer:
    """GET /openapi.json"""
    return answer_json(render_openapi(API_ROUTES, call.backend.status().version))


API_ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/transactions",
        submitting.submit,
        "Submit one transaction; with `Prefer: wait=N` answer when it is final",
        schemas.FateDocument,
        problems=_SUBMISSION_PROBLEMS,
        reads=(("application/json", schemas.SubmitRequest), (submitting.OCTETS, None)),
    ),
    Route(
        "POST",
        "/v1/transactions/batch",
        submitting.submit_batch,
        "Submit many transactions; one answer each",
        schemas.BatchDocument,
        problems=("too-large", "unsupported-media-type", "wrong-chain", "mempool-full", "syncing"),
        reads=(("application/json", schemas.SubmitBatchRequest), (submitting.BATCH, None)),
    ),
    Route(
        "GET",
        "/v1/transactions/{id}",
        reading.get_fate,
        "A transaction's fate; with `wait` answer when nothing more will happen to it",
        schemas.FateDocument,
        query=(Parameter("wait", ParameterKind.SECONDS, "seconds to wait at most", default=0.0),),
    ),
    Route(
        "GET",
        "/v1/transactions/{id}/receipt",
        reading.get_receipt,
        "The offline-verifiable receipt of a final transaction",
        "application/json",
        problems=("not-found",),
    ),
    Route(
        "GET",
        "/v1/blocks",
        reading.list_blocks,
        "Blocks, newest first",
        schemas.BlocksDocument,
        query=(
            Parameter("before", ParameterKind.INTEGER, "only heights below this", minimum=1),
            LIMIT,
        ),
    ),
    Route(
        "GET",
        "/v1/blocks/{which}",
        reading.get_block,
        "A block by height, hash, or `latest`",
        schemas.BlockDocument,
        problems=("not-found",),
    ),
    Route(
        "GET",
        "/v1/blocks/{which}/transactions",
        reading.get_block_transactions,
        "A block's transactions, decoded",
        schemas.BlockTransactionsDocument,
        problems=("not-found",),
    ),
    Route(
        "GET",
        "/v1/blocks/{which}/certificate",
        reading.get_block_certificate,
        "Who signed a block",
        schemas.CertificateDocument,
        problems=("not-found",),
    ),
    Route(
        "GET",
        "/v1/accounts/{address}",
        reading.get_account,
        "An account as of the head",
        schemas.AccountDocument,
        problems=("not-found",),
    ),
    Route(
        "GET",
        "/v1/accounts/{address}/transactions",
        reading.get_account_transactions,
        "An account's transactions, newest first",
        schemas.AccountTransactionsDocument,
        query=(
            Parameter("before", ParameterKind.CURSOR, "only what is older: height:index"),
            LIMIT,
        ),
        problems=("not-found",),
    ),
    Route(
        "GET",
        "/v1/records/{registry}/{key:.+}",
        reading.get_record,
        "All versions of an anchored document",
        schemas.RecordDocument,
        problems=("not-found",),
    ),
    Route("GET", "/v1/agencies", reading.get_agencies, "The agencies", schemas.AgenciesDocument),
    Route(
        "GET",
        "/v1/validators",
        reading.get_validators,
        "The current epoch's validators",
        schemas.ValidatorsDocument,
    ),
    Route(
        "GET",
        "/v1/genesis",
        reading.get_genesis,
        "genesis.json, byte for byte",
        "application/json",
    ),
    Route(
        "GET", "/v1/params", reading.get_params, "The chain and its rules", schemas.ParamsDocument
    ),
    Route(
        "GET",
        "/v1/contracts",
        reading.get_contracts,
        "The contracts: calls, arguments, roles, refusals, events",
        "application/json",
    ),
    Route("GET", "/v1/status", node_views.get_status, "This node now", schemas.StatusDocument),
    Route(
        "GET",
        "/v1/mempool",
        node_views.get_mempool,
        "What waits here for a block",
        schemas.MempoolDocument,
    ),
    Route(
        "GET",
        "/v1/consensus",
        node_views.get_consensus,
        "Where this node's replica stands",
        schemas.ConsensusDocument,
    ),
    Route("GET", OPENAPI_PATH, get_openapi, "This contract", "application/json"),
    Route(
        "GET",
        "/problems/{name}",
        node_views.get_problem_page,
        "What a problem means",
        "text/html",
        problems=("not-found",),
    ),
)

OPS_ROUTES: tuple[Route, ...] = (
    Route("GET", "/livez", node_views.get_livez, "The process answers", "text/plain"),
    Route(
        "GET",
        "/readyz",
        node_views.get_readyz,
        "The node serves: not behind, and enough validators vote",
        "text/plain",
        query=(
            Parameter("max_behind", ParameterKind.INTEGER, "blocks it may lack", default=2),
            Parameter("min_voting", ParameterKind.INTEGER, "validators it must hear", default=3),
        ),
        problems=("not-ready",),
    ),
    Route("GET", "/version", node_views.get_version, "What runs here", schemas.VersionDocument),
)
