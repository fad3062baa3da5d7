"""The state's values: the present ones, every version by height, and uncommitted writes over them.

A block's changes become rows of its one write batch; the tree over them lives in memory (trie.py)
and is rebuilt from the present values at start.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from storage import schema
from storage.kv import Reader, WriteBatch, scan_prefix
from storage.trie import Trie

_DELETED = b"\0"
_PRESENT = b"\1"


class StateReader(Protocol):
    """Values by key."""

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""
        ...

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """(key, value) pairs whose key begins with `prefix`, in key order."""
        ...


class StateStore:
    """The committed state in a store or in a snapshot of one."""

    __slots__ = ("_reader",)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def get(self, key: bytes) -> bytes | None:
        """The present value. Raises StoreCorrupt."""
        return self._reader.get(schema.STATE + key)

    def get_at(self, key: bytes, height: int) -> bytes | None:
        """The value after block `height`, if that height is retained. Raises StoreCorrupt."""
        start = schema.state_version(key, height)
        stop = schema.state_versions(key) + b"\xff" * 8
        for _, row in self._reader.scan(start, stop + b"\0"):
            return row[1:] if row[:1] == _PRESENT else None
        return None

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Present (key, value) pairs by prefix, in key order. Raises StoreCorrupt."""
        for key, value in scan_prefix(self._reader, schema.STATE + prefix):
            yield key[1:], value

    def load_trie(self) -> Trie:
        """The tree over all present values: about five microseconds a key."""
        return Trie().update(self.scan(b""))


def add_changes(
    batch: WriteBatch, height: int, changes: Iterable[tuple[bytes, bytes | None]]
) -> None:
    """Add the rows of a block's changes: the present value, and its version at `height`."""
    for key, value in changes:
        if value is None:
            batch.delete(schema.STATE + key)
            batch.put(schema.state_version(key, height), _DELETED)
        else:
            batch.put(schema.STATE + key, value)
            batch.put(schema.state_version(key, height), _PRESENT + value)


class Overlay:
    """Uncommitted writes over a state; overlays stack, and the upper one can be dropped or merged
    down."""

    __slots__ = ("_base", "_read", "_writes")

    def __init__(self, base: StateReader) -> None:
        self._base = base
        self._writes: dict[bytes, bytes | None] = {}
        self._read: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        """The value as this overlay leaves it."""
        if key in self._writes:
            return self._writes[key]
        if key not in self._read:
            self._read[key] = self._base.get(key)
        return self._read[key]

    def put(self, key: bytes, value: bytes) -> None:
        """Set a key. Raises ValueError for a key no state can have."""
        if not 0 < len(key) <= 128:
            raise ValueError(f"a state key has 1 to 128 bytes, not {len(key)}")
        self._writes[key] = value

    def delete(self, key: bytes) -> None:
        """Remove a key, whether or not it is there."""
        self._writes[key] = None

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """(key, value) pairs by prefix, in key order, as this overlay leaves them."""
        merged: dict[bytes, bytes | None] = dict(self._base.scan(prefix))
        merged.update((k, v) for k, v in self._writes.items() if k.startswith(prefix))
        for key in sorted(merged):
            value = merged[key]
            if value is not None:
                yield key, value

    def merge_into(self, lower: "Overlay") -> None:
        """Make the writes part of the overlay below."""
        lower._writes.update(self._writes)

    def changes(self) -> Sequence[tuple[bytes, bytes | None]]:
        """What really differs from the state below, in key order: (key, value), None where
        deleted."""
        base = self._base
        return [
            (key, value)
            for key, value in sorted(self._writes.items())
            if value != (self._read[key] if key in self._read else base.get(key))
        ]
