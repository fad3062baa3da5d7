"""The chain's tables: bodies, headers, certificates, receipts, indexes, the tip.

Everything here is bytes and numbers; what a header means is not this package's business. Writing is
adding rows to a batch: one synced batch a block holds all of it, so a restart finds a block whole
or not at all.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storage import schema
from storage.errors import StoreCorrupt
from storage.kv import Reader, WriteBatch, scan_prefix

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class BlockRows:
    """A committed block as rows."""

    height: int
    hash: bytes
    header: bytes
    certificate: bytes
    receipts: Sequence[bytes]
    transactions: Sequence["TransactionRow"]


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """What the indexes need of a transaction."""

    id: bytes
    expiry_bucket: int
    accounts: tuple[bytes, ...]
    """Addresses of the accounts it concerns, each once."""


class Blocks:
    """Reads of the chain's tables in a store or in a snapshot of one."""

    __slots__ = ("_reader",)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def tip(self) -> tuple[int, bytes] | None:
        """(height, hash) of the last committed block; None before the first."""
        value = self._reader.get(schema.TIP)
        return None if value is None else (schema.read_u64(value[:8]), value[8:])

    def body(self, digest: bytes) -> bytes | None:
        """A block's payload."""
        return self._reader.get(schema.BODY + digest)

    def header(self, height: int) -> bytes | None:
        """An encoded header."""
        return self._reader.get(schema.by_height(schema.HEADER, height))

    def height_of(self, block_hash: bytes) -> int | None:
        """The height of a block hash."""
        value = self._reader.get(schema.HEIGHT_BY_HASH + block_hash)
        return None if value is None else schema.read_u64(value)

    def certificate(self, height: int) -> bytes | None:
        """An encoded commit certificate."""
        return self._reader.get(schema.by_height(schema.CERTIFICATE, height))

    def receipts(self, height: int) -> list[bytes] | None:
        """The receipts of a block, in block order. Raises StoreCorrupt."""
        value = self._reader.get(schema.by_height(schema.RECEIPTS, height))
        return None if value is None else _split(value)

    def position_of(self, transaction_id: bytes) -> tuple[int, int] | None:
        """(height, index) of a committed transaction."""
        value = self._reader.get(schema.TRANSACTION + transaction_id)
        return None if value is None else schema.read_position(value)

    def is_included(self, expiry_bucket: int, transaction_id: bytes) -> bool:
        """Whether a transaction that has not expired was already included."""
        return self._reader.get(schema.replay(expiry_bucket, transaction_id)) is not None

    def of_account(
        self, address: bytes, before: tuple[int, int] | None = None
    ) -> Iterator[tuple[int, int, bytes]]:
        """(height, index, id) of an account's transactions, newest first, from below `before`
        on."""
        prefix = schema.ACCOUNT + address
        start = prefix if before is None else schema.account(address, *before) + b"\0"
        for key, transaction_id in self._reader.scan(start, prefix + b"\xff" * 12 + b"\0"):
            rest = key[len(prefix) :]
            height = (1 << 64) - 1 - schema.read_u64(rest[:8])
            index = (1 << 32) - 1 - int.from_bytes(rest[8:], "big")
            yield height, index, transaction_id


def add_body(batch: WriteBatch, height: int, digest: bytes, payload: bytes) -> None:
    """Store a proposal's payload, to be swept away should another block win the height."""
    batch.put(schema.BODY + digest, payload)
    batch.put(schema.UNDECIDED + schema.u64(height) + digest, b"")


def add_block(batch: WriteBatch, block: BlockRows) -> None:
    """Add a committed block's rows; its body is stored apart, by `add_body` or with the batch."""
    height = schema.u64(block.height)
    batch.put(schema.HEADER + height, block.header)
    batch.put(schema.HEIGHT_BY_HASH + block.hash, height)
    batch.put(schema.CERTIFICATE + height, block.certificate)
    batch.put(schema.RECEIPTS + height, _join(block.receipts))
    for index, row in enumerate(block.transactions):
        batch.put(schema.TRANSACTION + row.id, schema.position(block.height, index))
        batch.put(schema.replay(row.expiry_bucket, row.id), height)
        for address in row.accounts:
            batch.put(schema.account(address, block.height, index), row.id)
    batch.put(schema.TIP, height + block.hash)


def sweep_bodies(batch: WriteBatch, reader: Reader, height: int, winner: bytes) -> None:
    """Remove the bodies that lost at `height`, and the marks of all that were undecided there."""
    prefix = schema.UNDECIDED + schema.u64(height)
    for key, _ in scan_prefix(reader, prefix):
        digest = key[len(prefix) :]
        batch.delete(key)
        if digest != winner:
            batch.delete(schema.BODY + digest)


def sweep_replay_index(
    batch: WriteBatch, reader: Reader, below_bucket: int, count_max: int
) -> None:
    """Remove up to `count_max` ids whose expiry bucket is past: nothing of it can be included
    again."""
    stop = schema.REPLAY + schema.u64(below_bucket)
    for count, (key, _) in enumerate(reader.scan(schema.REPLAY, stop)):
        if count == count_max:
            return
        batch.delete(key)


def _join(items: Sequence[bytes]) -> bytes:
    return b"".join(_LENGTH.pack(len(item)) + item for item in items)


def _split(data: bytes) -> list[bytes]:
    items, offset = [], 0
    while offset < len(data):
        if len(data) - offset < _LENGTH.size:
            raise StoreCorrupt("a block's receipts end inside a length")
        (length,) = _LENGTH.unpack_from(data, offset)
        offset += _LENGTH.size
        if length > len(data) - offset:
            raise StoreCorrupt("a block's receipts are cut short")
        items.append(data[offset : offset + length])
        offset += length
    return items
