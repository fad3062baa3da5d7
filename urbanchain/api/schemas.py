"""The shapes of requests and answers: pydantic models, from which the OpenAPI document comes too.

The conventions hold everywhere: heights and counts are numbers, amounts decimal strings, hashes and
keys lower-case hex, addresses Bech32m, times RFC 3339 UTC with milliseconds. A request with a field
that is not here is refused.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from urbanchain.addresses import format_address
from urbanchain.encoding import Value

HASH_PATTERN = r"^[0-9a-f]{64}$"
BATCH_COUNT_MAX = 1_000
"""Of a batch in JSON; the binary one is bounded by BINARY_BATCH_COUNT_MAX and its bytes."""
BINARY_BATCH_COUNT_MAX = 10_000

Hash = Annotated[str, Field(pattern=HASH_PATTERN, examples=["5f1c" * 16])]
Amount = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,18})$", examples=["1000000"])]
Time = Annotated[str, Field(examples=["2026-11-24T12:04:09.120Z"])]
Address = Annotated[str, Field(examples=["uc1qqqsyqcyq5rqwzqfpg9scrgwpugpzysn5ccna9"])]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class SubmitRequest(_Request):
    """One transaction to submit."""

    envelope: str = Field(description="The signed envelope, base64url.", max_length=100_000)
    genesis: Hash | None = Field(default=None, description="The chain it is meant for.")


class SubmitBatchRequest(_Request):
    """Several transactions to submit."""

    envelopes: list[Annotated[str, Field(max_length=100_000)]] = Field(
        description="Signed envelopes, base64url.", min_length=1, max_length=BATCH_COUNT_MAX
    )
    genesis: Hash | None = Field(default=None, description="The chain they are meant for.")


class FateDocument(_Answer):
    """What became of a transaction, as far as this node knows."""

    id: Hash
    fate: str
    """unknown, pending, proposed, final, expired or evicted."""
    outcome: str | None
    """applied or refused, once final."""
    code: str | None
    """The refusal's stable code."""
    reason: str | None
    """The refusal as a sentence."""
    height: int | None
    index: int | None
    block_hash: Hash | None
    finality_ms: int | None
    """From its arrival at this node to final, if this node saw both."""
    expires_at: Time | None
    receipt_url: str | None
    """Where its receipt is, once final."""
    receipt: dict[str, Any] | None = None
    """The receipt file's content: with `Prefer: wait` only, and once final."""


class BatchItemDocument(_Answer):
    """The answer for one transaction of a batch."""

    id: Hash | None
    duplicate: bool
    """It was known before; its fate is that of the first submission."""
    problem: dict[str, Any] | None
    """Why it was not taken; null if it was."""


class BatchDocument(_Answer):
    """The answers for a batch, in its order."""

    accepted: int
    rejected: int
    results: list[BatchItemDocument]


class BlockHeaderDocument(_Answer):
    """A block without its transactions."""

    hash: Hash
    version: int
    genesis_hash: Hash
    epoch: int
    height: int
    parent: Hash
    time: Time
    proposer: Address
    validators_hash: Hash
    next_validators_hash: Hash
    transactions_root: Hash
    receipts_root: Hash
    state_root: Hash
    transaction_count: int


class BlockDocument(BlockHeaderDocument):
    """A block and the ids it orders."""

    transactions: list[Hash]


class BlocksDocument(_Answer):
    """Blocks, newest first."""

    blocks: list[BlockHeaderDocument]
    next_before: int | None
    """`before` of the next page; null on the last."""


class TransactionDocument(_Answer):
    """A committed transaction, decoded."""

    id: Hash
    height: int
    index: int
    sender: Address
    contract: str
    call: str
    arguments: dict[str, Any]
    """By the names of the call's declaration."""
    expires_at: Time
    outcome: str
    code: str | None
    reason: str | None
    events: list[dict[str, Any]]


class BlockTransactionsDocument(_Answer):
    """A block's transactions, in its order."""

    height: int
    transactions: list[TransactionDocument]


class AccountTransactionsDocument(_Answer):
    """An account's transactions, newest first."""

    address: Address
    transactions: list[TransactionDocument]
    next_before: str | None
    """`before` of the next page, height:index; null on the last."""


class SignatureDocument(_Answer):
    """One validator's signature in a certificate."""

    seat: int
    validator: str
    signature: str


class CertificateDocument(_Answer):
    """What proves a block final."""

    height: int
    epoch: int
    view: int
    block_hash: Hash
    quorum: int
    signatures: list[SignatureDocument]
    encoded: str
    """The certificate's own bytes, hex."""


class AccountDocument(_Answer):
    """An account as of the head."""

    address: Address
    agency: str
    label: str
    roles: list[str]
    open: bool
    suite: int
    key: str
    balance: Amount


class RecordVersionDocument(_Answer):
    """One anchoring."""

    version: int
    """1 is the oldest."""
    sha256: Hash
    metadata: str
    recorded_by: Address
    agency: str
    height: int
    time: Time


class RecordDocument(_Answer):
    """All versions under registry/key, oldest first."""

    registry: str
    key: str
    versions: list[RecordVersionDocument]


class AgencyDocument(_Answer):
    """An agency and the terms of its token bucket."""

    name: str
    title: str
    rate_per_s: int
    burst: int


class AgenciesDocument(_Answer):
    """All agencies, by name."""

    agencies: list[AgencyDocument]


class ValidatorDocument(_Answer):
    """A seat."""

    seat: int
    name: str
    agency: str
    address: Address
    suite: int
    key: str


class ValidatorsDocument(_Answer):
    """The current epoch's validators, in seat order."""

    epoch: int
    quorum: int
    tolerates: int
    """How many of them may be arbitrarily wrong."""
    validators: list[ValidatorDocument]


class ParamsDocument(_Answer):
    """The chain and its rules."""

    chain: str
    genesis: Hash
    devnet: bool
    parameters: dict[str, int]


class PeerDocument(_Answer):
    """A validator as seen from this node."""

    name: str
    agency: str
    connected: bool
    height: int | None


class StatusDocument(_Answer):
    """This node at this moment."""

    chain: str
    genesis: Hash
    node: str
    agency: str
    version: str
    state: str
    height: int
    hash: Hash
    state_root: Hash
    block_time: Time
    epoch: int
    view: int
    primary: str
    pending: int
    peers: list[PeerDocument]
    signature_backend: str
    uptime_s: float


class AgencyQueueDocument(_Answer):
    """One agency's waiting transactions."""

    agency: str
    transactions: int
    bytes: int


class MempoolDocument(_Answer):
    """What waits on this node for a block."""

    transactions: int
    bytes: int
    transactions_max: int
    bytes_max: int
    oldest_age_ms: int | None
    agencies: list[AgencyQueueDocument]


class ConsensusDocument(_Answer):
    """Where this node's replica stands."""

    epoch: int
    height: int
    view: int
    view_active: bool
    primary: str
    quorum: int
    validators: list[PeerDocument]


class VersionDocument(_Answer):
    """What runs here."""

    version: str
    node: str
    genesis: Hash


def format_time(time_ms: int) -> str:
    """RFC 3339 UTC with milliseconds. A time beyond year 9999 is written as its last instant."""
    try:
        moment = _EPOCH + timedelta(milliseconds=time_ms)
    except OverflowError:
        return "9999-12-31T23:59:59.999Z"
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def format_value(value: Value) -> Any:
    """A value of a transaction for JSON: 20 bytes as an address, other bytes as hex, integers as
    decimal strings, lists as lists."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return format_address(value) if len(value) == 20 else value.hex()
    return [format_value(item) for item in value]
