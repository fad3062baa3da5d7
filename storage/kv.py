"""A durable ordered map of bytes: what the tables and the state are built on.

Adapters: leveldb.py (the disk) and memory.py (tests, simulations). One contract suite holds both.
"""

from collections.abc import Iterator
from typing import Protocol, Self


class WriteBatch:
    """Puts and deletes that become visible together, in the order they were added."""

    __slots__ = ("operations",)

    def __init__(self) -> None:
        self.operations: list[tuple[bytes, bytes | None]] = []
        """(key, value), a value of None deletes."""

    def put(self, key: bytes, value: bytes) -> None:
        """Set a key."""
        self.operations.append((key, value))

    def delete(self, key: bytes) -> None:
        """Remove a key, whether or not it is there."""
        self.operations.append((key, None))

    def extend(self, other: "WriteBatch") -> None:
        """Add all of another batch after what is there."""
        self.operations.extend(other.operations)

    def __len__(self) -> int:
        return len(self.operations)


class Reader(Protocol):
    """Reads of one consistent view."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None. Raises StoreCorrupt."""
        ...

    def scan(
        self, start: bytes, stop: bytes | None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """(key, value) pairs with start <= key < stop in key order, or in reverse. Raises
        StoreCorrupt."""
        ...


class Snapshot(Reader, Protocol):
    """A view that later writes do not change; to be closed."""

    def close(self) -> None:
        """Release it. Twice is once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


class KeyValueStore(Reader, Protocol):
    """A durable ordered map. One thread writes at a time; any may read."""

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        """Apply a batch, all or nothing; with `sync` it is durable on return, and all before it.

        Raises StoreWriteFailed."""
        ...

    def snapshot(self) -> Snapshot:
        """The map as it is now."""
        ...

    def close(self) -> None:
        """Release it. Twice is once."""
        ...


def prefix_stop(prefix: bytes) -> bytes | None:
    """The smallest key above all keys that begin with `prefix`, or None if there is none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None


def scan_prefix(
    reader: Reader, prefix: bytes, *, reverse: bool = False
) -> Iterator[tuple[bytes, bytes]]:
    """All pairs whose key begins with `prefix`, in key order or in reverse."""
    return reader.scan(prefix, prefix_stop(prefix), reverse=reverse)
