"""What a transaction must meet to be in a block at all, judged on the state after h-1 and the time
of h.

The same rules admit to the mempool (on the head's state and the node's clock) and judge a proposal,
where a block with one transaction that fails them is invalid. What only shows in execution (a
balance) is not here: it is a refusal, in the block. Rules are checked cheap first; signatures come
last and in one batch, by the caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from urbanchain.addresses import format_address
from urbanchain.contracts import find_call
from urbanchain.contracts.accounts import AccountRecord, Getter, read_account
from urbanchain.contracts.declaration import Call
from urbanchain.errors import Malformed
from urbanchain.signatures import SignatureItem
from urbanchain.transactions import Transaction, decode_transaction

Fact: TypeAlias = str | int | bool
EXPIRY_BUCKET_MS = 60_000


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a transaction is not admissible as it is; nothing changed."""

    problem: str
    """A name in the API's catalogue of problems."""
    detail: str
    """One sentence with the facts filled in."""
    facts: Mapping[str, Fact] = field(default_factory=dict)


class ReplayIndex(Protocol):
    """Which transactions that have not expired were included already."""

    def is_included(self, expiry_bucket: int, transaction_id: bytes) -> bool:
        """Whether this one was."""
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A transaction that meets every rule but, until it is verified, the signature's."""

    transaction: Transaction
    account: AccountRecord
    """The sender's, as the state of admission had it."""
    call: Call

    @property
    def id(self) -> bytes:
        """The transaction's."""
        return self.transaction.id

    @property
    def agency(self) -> str:
        """Whose bucket it spends from."""
        return self.account.agency

    @property
    def size_bytes(self) -> int:
        """What it adds to a block's payload."""
        return len(self.transaction.envelope) + 4

    def signature_item(self) -> SignatureItem:
        """What the verifier must check."""
        transaction = self.transaction
        return SignatureItem(
            transaction.suite,
            self.account.key,
            transaction.signed_message,
            transaction.signature,
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """The chain and the time that admission is judged by."""

    genesis_hash: bytes
    time_ms: int
    expiry_window_ms: int


def expiry_bucket(expires_at_ms: int) -> int:
    """The replay index's bucket of an expiry: whole minutes."""
    return expires_at_ms // EXPIRY_BUCKET_MS


def decode_envelope(envelope: bytes, genesis_hash: bytes) -> Transaction | Rejection:
    """The first rule: well-formed."""
    try:
        return decode_transaction(envelope, genesis_hash)
    except Malformed as error:
        return _malformed(error)


def examine(
    transaction: Transaction, moment: Moment, state: Getter, included: ReplayIndex
) -> Candidate | Rejection:
    """Every rule but the signature's, the duplicate within one block, and the bucket's."""
    rejection = _check_expiry(transaction, moment)
    if rejection is not None:
        return rejection
    account = read_account(state, transaction.sender)
    if account is None or not account.is_open or account.suite != transaction.suite:
        return _unknown_account(transaction, account)
    call = find_call(transaction.contract, transaction.call)
    if call is None:
        name = f"{transaction.contract}.{transaction.call}"
        return Rejection("invalid-request", f"there is no call {name}", {"pointer": "body"})
    try:
        call.check_arguments(transaction.arguments)
    except Malformed as error:
        return _malformed(error)
    if call.role and call.role not in account.roles:
        name = f"{transaction.contract}.{call.name}"
        return Rejection(
            "forbidden",
            f"{name} needs the role {call.role}; {_who(transaction, account)} has"
            f" {', '.join(account.roles) or 'none'}",
            {"expected": call.role, "got": ", ".join(account.roles)},
        )
    if included.is_included(expiry_bucket(transaction.expires_at_ms), transaction.id):
        return Rejection("conflict", "the transaction is in a block already")
    return Candidate(transaction, account, call)


def bad_signature(candidate: Candidate) -> Rejection:
    """The rejection when the verifier says no."""
    who = _who(candidate.transaction, candidate.account)
    return Rejection(
        "invalid-signature",
        f"the signature is not {who}'s over this transaction on this chain",
    )


def check_all(
    transactions: Sequence[Transaction], moment: Moment, state: Getter, included: ReplayIndex
) -> list[Candidate] | Rejection:
    """A block's transactions: all candidates, each once, or the first rejection."""
    candidates, seen = [], set()
    for transaction in transactions:
        found = examine(transaction, moment, state, included)
        if isinstance(found, Rejection):
            return found
        if transaction.id in seen:
            return Rejection("conflict", "the transaction is in the block twice")
        seen.add(transaction.id)
        candidates.append(found)
    return candidates


def _check_expiry(transaction: Transaction, moment: Moment) -> Rejection | None:
    expires = transaction.expires_at_ms
    if expires < moment.time_ms:
        return Rejection(
            "expired",
            f"it expired {moment.time_ms - expires} ms ago; sign it anew",
            {"expected": moment.time_ms, "got": expires},
        )
    if expires > moment.time_ms + moment.expiry_window_ms:
        limit = moment.time_ms + moment.expiry_window_ms
        return Rejection(
            "invalid-request",
            f"it expires more than {moment.expiry_window_ms} ms ahead",
            {"pointer": "expires_at_ms", "expected": limit, "got": expires},
        )
    return None


def _unknown_account(transaction: Transaction, account: AccountRecord | None) -> Rejection:
    address = format_address(transaction.sender)
    if account is None:
        detail = f"there is no account {address}; its agency's admin can open it"
    elif not account.is_open:
        detail = f"account {address} is closed"
    else:
        detail = f"account {address} signs with suite {account.suite}, not {transaction.suite}"
    return Rejection("unknown-account", detail, {"address": address})


def _malformed(error: Malformed) -> Rejection:
    return Rejection("invalid-request", str(error), {"pointer": error.place})


def _who(transaction: Transaction, account: AccountRecord) -> str:
    return account.label or format_address(transaction.sender)
