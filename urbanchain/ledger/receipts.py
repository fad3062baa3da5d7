"""Building receipt files: the two Merkle paths of a transaction, with all that leads from them to
genesis.

Hashing a block's two trees is dear and a block's receipts are asked for together, so the trees of
the last few blocks are kept. They are a function of the block hash, which commits to both roots:
what is kept can never be wrong.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from storage.merkle import Tree
from urbanchain.receipts import ReceiptFile
from urbanchain.transactions import Transaction
from urbanchain.types import Header

BLOCKS_KEPT = 8


@dataclass(frozen=True, slots=True)
class BlockTrees:
    """A block's two trees."""

    transactions: Tree
    receipts: Tree


class TreeCache:
    """The trees of the blocks asked for last, by block hash. One thread only."""

    def __init__(self, blocks_max: int = BLOCKS_KEPT) -> None:
        self._blocks_max = blocks_max
        self._trees: OrderedDict[bytes, BlockTrees] = OrderedDict()

    def get(self, block_hash: bytes, build: Callable[[], BlockTrees]) -> BlockTrees:
        """The trees of a block, built if they are not kept."""
        trees = self._trees.get(block_hash)
        if trees is None:
            trees = self._trees[block_hash] = build()
            if len(self._trees) > self._blocks_max:
                self._trees.popitem(last=False)
        self._trees.move_to_end(block_hash)
        return trees


@dataclass(frozen=True, slots=True)
class ProvenTransaction:
    """One transaction of a block, with the key that signed it."""

    transaction: Transaction
    key: bytes
    receipt: bytes
    index: int


def build_trees(
    transactions: Sequence[tuple[Transaction, bytes]], receipts: Sequence[bytes]
) -> BlockTrees:
    """The trees of a block: all its transactions, each with its sender's key, and its receipts."""
    leaves = [transaction.leaf(key) for transaction, key in transactions]
    return BlockTrees(Tree(leaves), Tree(receipts))


def build_receipt(
    header: Header, certificate: bytes, trees: BlockTrees, proven: ProvenTransaction
) -> ReceiptFile:
    """The proof of one transaction of a block."""
    return ReceiptFile(
        envelope=proven.transaction.envelope,
        suite=proven.transaction.suite,
        key=proven.key,
        receipt=proven.receipt,
        index=proven.index,
        transaction_path=tuple(trees.transactions.inclusion_path(proven.index)),
        receipt_path=tuple(trees.receipts.inclusion_path(proven.index)),
        header=header.encode(),
        certificate=certificate,
        lineage=(),
    )
