"""Building a receipt file: the two Merkle paths of a transaction, with all that leads from them to
genesis."""

from collections.abc import Sequence

from storage import merkle
from urbanchain.receipts import ReceiptFile
from urbanchain.transactions import Transaction
from urbanchain.types import Header


def build_receipt(
    header: Header,
    certificate: bytes,
    transactions: Sequence[tuple[Transaction, bytes]],
    receipts: Sequence[bytes],
    index: int,
) -> ReceiptFile:
    """The proof of transaction `index` of a block: `transactions` are all of it, each with its
    sender's key."""
    leaves = [transaction.leaf(key) for transaction, key in transactions]
    transaction, key = transactions[index]
    return ReceiptFile(
        envelope=transaction.envelope,
        suite=transaction.suite,
        key=key,
        receipt=receipts[index],
        index=index,
        transaction_path=tuple(merkle.inclusion_path(leaves, index)),
        receipt_path=tuple(merkle.inclusion_path(receipts, index)),
        header=header.encode(),
        certificate=certificate,
        lineage=(),
    )
