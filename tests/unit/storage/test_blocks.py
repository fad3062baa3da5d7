"""The chain's tables: what goes in comes out, and what is past is swept."""

from storage.blocks import (
    BlockRows,
    Blocks,
    TransactionRow,
    add_block,
    add_body,
    sweep_bodies,
    sweep_replay_index,
)
from storage.kv import WriteBatch
from storage.memory import MemoryStore

ALICE, BOB = b"a" * 20, b"b" * 20


def committed(height: int, *transactions: TransactionRow) -> MemoryStore:
    store = MemoryStore()
    batch = WriteBatch()
    receipts = [b"receipt %d" % i for i in range(len(transactions))]
    add_block(batch, BlockRows(height, b"h" * 32, b"header", b"cert", receipts, transactions))
    store.write(batch, sync=True)
    return store


def row(number: int, *accounts: bytes, bucket: int = 7) -> TransactionRow:
    return TransactionRow(bytes([number]) * 32, bucket, accounts)


def test_a_block_is_found_by_height_hash_and_transaction() -> None:
    blocks = Blocks(committed(5, row(1, ALICE), row(2, ALICE, BOB)))
    assert blocks.tip() == (5, b"h" * 32)
    assert blocks.header(5) == b"header"
    assert blocks.height_of(b"h" * 32) == 5
    assert blocks.certificate(5) == b"cert"
    assert blocks.receipts(5) == [b"receipt 0", b"receipt 1"]
    assert blocks.position_of(bytes([2]) * 32) == (5, 1)
    assert blocks.is_included(7, bytes([1]) * 32)
    assert not blocks.is_included(8, bytes([1]) * 32)


def test_an_account_lists_its_transactions_newest_first_and_pages() -> None:
    store = committed(5, row(1, ALICE), row(2, ALICE, BOB))
    batch = WriteBatch()
    add_block(batch, BlockRows(6, b"i" * 32, b"", b"", [b""], [row(3, ALICE)]))
    store.write(batch, sync=True)
    blocks = Blocks(store)
    assert [(h, i) for h, i, _ in blocks.of_account(ALICE)] == [(6, 0), (5, 1), (5, 0)]
    assert [(h, i) for h, i, _ in blocks.of_account(ALICE, before=(5, 1))] == [(5, 0)]
    assert [(h, i) for h, i, _ in blocks.of_account(BOB)] == [(5, 1)]


def test_bodies_that_lost_their_height_are_swept() -> None:
    store = MemoryStore()
    batch = WriteBatch()
    add_body(batch, 5, b"w" * 32, b"winner")
    add_body(batch, 5, b"l" * 32, b"loser")
    store.write(batch, sync=True)
    sweep = WriteBatch()
    sweep_bodies(sweep, store, 5, b"w" * 32)
    store.write(sweep, sync=True)
    blocks = Blocks(store)
    assert blocks.body(b"w" * 32) == b"winner"
    assert blocks.body(b"l" * 32) is None


def test_past_buckets_of_the_replay_index_fall_away() -> None:
    store = committed(5, row(1, bucket=6), row(2, bucket=7))
    sweep = WriteBatch()
    sweep_replay_index(sweep, store, below_bucket=7, count_max=100)
    store.write(sweep, sync=True)
    assert not Blocks(store).is_included(6, bytes([1]) * 32)
    assert Blocks(store).is_included(7, bytes([2]) * 32)
    assert Blocks(store).position_of(bytes([1]) * 32) == (5, 0)
