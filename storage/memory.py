"""The same ordered map in memory, for tests and simulations; it can crash.

What was written without sync may be lost by a crash, from some batch on: LevelDB's log is
sequential, so what survives is a prefix, and a synced write makes all before it durable.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Self

from storage.kv import WriteBatch


class MemoryStore:
    """A sorted map that remembers which of its batches are durable."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self._durable: list[WriteBatch] = []
        self._volatile: list[WriteBatch] = []

    def get(self, key: bytes) -> bytes | None:
        """See Reader."""
        return self._values.get(key)

    def scan(
        self, start: bytes, stop: bytes | None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """See Reader."""
        low = bisect_left(self._keys, start)
        high = len(self._keys) if stop is None else bisect_left(self._keys, stop)
        keys = self._keys[low:high]
        for key in reversed(keys) if reverse else keys:
            yield key, self._values[key]

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        """See KeyValueStore."""
        for key, value in batch.operations:
            if value is not None:
                if key not in self._values:
                    insort(self._keys, key)
                self._values[key] = value
            elif key in self._values:
                del self._values[key]
                del self._keys[bisect_left(self._keys, key)]
        self._volatile.append(batch)
        if sync:
            self._durable += self._volatile
            self._volatile = []

    def snapshot(self) -> "MemorySnapshot":
        """See KeyValueStore."""
        return MemorySnapshot(self._values, self._keys)

    def close(self) -> None:
        """See KeyValueStore."""

    def after_crash(self, volatile_kept: int = 0) -> "MemoryStore":
        """The store a restart would find, with that many of the batches that were not synced."""
        survivor = MemoryStore()
        for batch in self._durable + self._volatile[:volatile_kept]:
            survivor.write(batch, sync=True)
        return survivor


class MemorySnapshot(MemoryStore):
    """The map as it was."""

    def __init__(self, values: dict[bytes, bytes], keys: list[bytes]) -> None:
        super().__init__()
        self._values = dict(values)
        self._keys = list(keys)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
