"""Executing a block: a pure function of the state below it, its time and its transactions.

Each transaction runs on an overlay of its own; a refusal drops that overlay and leaves a receipt.
An unexpected exception is not an outcome: it names the transaction, so that a proposer can set it
aside and a judge refuse its vote.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from storage import merkle
from storage.state import Overlay, StateReader
from storage.trie import Trie
from urbanchain.contracts.context import BlockMoment, Context
from urbanchain.ledger.admission import Candidate
from urbanchain.ledger.buckets import Buckets
from urbanchain.types import Outcome, Receipt


class ExecutionFailed(Exception):
    """Our own fault while executing a transaction: never an outcome."""

    def __init__(self, transaction_id: bytes) -> None:
        super().__init__(f"executing {transaction_id.hex()} failed")
        self.transaction_id = transaction_id


@dataclass(frozen=True, slots=True)
class Executed:
    """All that a block's execution produced."""

    changes: Sequence[tuple[bytes, bytes | None]]
    """The state's, in key order."""
    trie: Trie
    """The state's tree after the block."""
    receipts: tuple[bytes, ...]
    """Encoded, in block order."""
    transactions_root: bytes
    receipts_root: bytes


def execute(
    candidates: Sequence[Candidate],
    block: BlockMoment,
    state: StateReader,
    trie: Trie,
    buckets: Buckets,
) -> Executed:
    """Run the transactions in order; `buckets` have been spent from already. Raises
    ExecutionFailed."""
    overlay = Overlay(state)
    receipts = tuple(_run(candidate, block, overlay).encode() for candidate in candidates)
    for key, value in buckets.changes():
        overlay.put(key, value)
    changes = overlay.changes()
    leaves = [c.transaction.leaf(c.account.key) for c in candidates]
    return Executed(
        changes=changes,
        trie=trie.update(changes),
        receipts=receipts,
        transactions_root=merkle.root(leaves),
        receipts_root=merkle.root(receipts),
    )


def _run(candidate: Candidate, block: BlockMoment, overlay: Overlay) -> Receipt:
    transaction = candidate.transaction
    own = Overlay(overlay)
    context = Context(transaction.sender, candidate.agency, block, transaction.contract, own)
    try:
        refused = candidate.call.execute(context, transaction.arguments)
    except Exception as error:
        raise ExecutionFailed(transaction.id) from error
    if refused is not None:
        return Receipt(transaction.id, Outcome.REFUSED, refused.code, refused.facts)
    own.merge_into(overlay)
    return Receipt(transaction.id, Outcome.APPLIED, events=tuple(context.events))
