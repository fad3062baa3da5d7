"""What the replica said since the last block: opaque records, in order, each under a hash.

Lives in the same store as the blocks, so the batch that commits a block also cuts the journal. A
gap in the sequence or a record that does not match its hash means that votes may be forgotten: the
reader is told, and must not vote.
"""

from collections.abc import Iterable
from hashlib import sha256

from storage import schema
from storage.errors import StoreCorrupt
from storage.kv import KeyValueStore, WriteBatch, scan_prefix

_HASH_BYTES = 32


class Journal:
    """The records since the last cut. One owner."""

    __slots__ = ("_first", "_next", "_store")

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store
        self._first = 0
        self._next = 0

    def read(self) -> list[bytes]:
        """All records, oldest first; to be called once, before the first append.

        Raises StoreCorrupt, naming the record, for a damaged or missing one."""
        records = []
        expected: int | None = None
        for key, value in scan_prefix(self._store, schema.JOURNAL):
            sequence = schema.read_u64(key[1:])
            if expected is None:
                self._first = sequence
            elif sequence != expected:
                raise StoreCorrupt(f"journal record {expected} is missing")
            record = value[_HASH_BYTES:]
            if value[:_HASH_BYTES] != _hash(sequence, record):
                raise StoreCorrupt(f"journal record {sequence} is damaged")
            records.append(record)
            expected = sequence + 1
        self._next = self._first if expected is None else expected
        return records

    def add(self, batch: WriteBatch, records: Iterable[bytes]) -> None:
        """Add rows that append `records`; the batch must be written, synced, before they count as
        said."""
        for record in records:
            batch.put(_key(self._next), _hash(self._next, record) + record)
            self._next += 1

    def discard(self, batch: WriteBatch) -> None:
        """Add rows that remove everything, damaged rows too: for the owner that knows what that
        means."""
        sequences = [
            schema.read_u64(key[1:]) for key, _ in scan_prefix(self._store, schema.JOURNAL)
        ]
        for sequence in sequences:
            batch.delete(_key(sequence))
        self._first = self._next = max(sequences, default=-1) + 1

    def cut(self, batch: WriteBatch, keep: Iterable[bytes] = ()) -> None:
        """Add rows that remove everything so far and leave `keep`."""
        for sequence in range(self._first, self._next):
            batch.delete(_key(sequence))
        self._first = self._next
        self.add(batch, keep)


def _key(sequence: int) -> bytes:
    return schema.JOURNAL + schema.u64(sequence)


def _hash(sequence: int, record: bytes) -> bytes:
    return sha256(schema.u64(sequence) + record).digest()
