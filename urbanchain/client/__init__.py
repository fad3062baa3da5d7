"""The SDK: submit transactions, wait until they are final, verify what came of them.

    with Client(["http://127.0.0.1:7080"], key=Key.load("alice.key")) as chain:
        receipt = chain.transfer(to="uc1…", amount=5).final(timeout=10)
        receipt.verify(genesis)

`AsyncClient` has the same names with `await`. The operations are written once, without I/O
(operations.py), and run over http.client (sync.py) or aiohttp (asynchronous.py), which is imported
only when it is used.
"""

from typing import TYPE_CHECKING, Any

from urbanchain.client.building import ChainInfo, Draft, OfflineSigner, Signed
from urbanchain.client.errors import (
    BadAnswer,
    ChainError,
    Conflict,
    Expired,
    Forbidden,
    InternalError,
    InvalidRequest,
    InvalidSignature,
    MempoolFull,
    MethodNotAllowed,
    NotFound,
    NotReady,
    Pruned,
    RateLimited,
    Refused,
    RequestFailed,
    StillPending,
    Syncing,
    TooLarge,
    Unauthenticated,
    UnknownAccount,
    Unreachable,
    UnsupportedMediaType,
    WrongChain,
)
from urbanchain.client.results import (
    Account,
    Block,
    Fate,
    Receipt,
    Record,
    RecordVersion,
    Status,
    Submission,
    ValidatorInfo,
)
from urbanchain.client.sync import Client, ClientOptions, Pending
from urbanchain.keys import Key as SigningKey
from urbanchain.keys import PrivateKey as Key

if TYPE_CHECKING:
    from urbanchain.client.asynchronous import AsyncClient, AsyncPending

__all__ = [
    "Account",
    "AsyncClient",
    "AsyncPending",
    "BadAnswer",
    "Block",
    "ChainError",
    "ChainInfo",
    "Client",
    "ClientOptions",
    "Conflict",
    "Draft",
    "Expired",
    "Fate",
    "Forbidden",
    "InternalError",
    "InvalidRequest",
    "InvalidSignature",
    "Key",
    "MempoolFull",
    "MethodNotAllowed",
    "NotFound",
    "NotReady",
    "OfflineSigner",
    "Pending",
    "Pruned",
    "RateLimited",
    "Receipt",
    "Record",
    "RecordVersion",
    "Refused",
    "RequestFailed",
    "Signed",
    "SigningKey",
    "Status",
    "StillPending",
    "Submission",
    "Syncing",
    "TooLarge",
    "Unauthenticated",
    "UnknownAccount",
    "Unreachable",
    "UnsupportedMediaType",
    "ValidatorInfo",
    "WrongChain",
]


def __getattr__(name: str) -> Any:
    if name in ("AsyncClient", "AsyncPending"):
        from urbanchain.client import asynchronous

        return getattr(asynchronous, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
