"""LevelDB through plyvel: the only module that knows it.

Checksums are verified on every read and paranoid checks are on: a flipped byte is an error, never a
wrong answer. A store is made only when the caller says so: a missing CURRENT file must not turn
into a silent empty chain.
"""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import plyvel

from storage.errors import StoreCorrupt, StoreLocked, StoreMissing, StoreWriteFailed
from storage.kv import WriteBatch

CACHE_BYTES = 8 << 20
WRITE_BUFFER_BYTES = 8 << 20
BLOOM_FILTER_BITS = 10


class LevelDBStore:
    """A directory that LevelDB keeps. Built by `open_leveldb`."""

    def __init__(self, database: Any) -> None:
        self._database = database

    def get(self, key: bytes) -> bytes | None:
        """See Reader."""
        return _get(self._database, key)

    def scan(
        self, start: bytes, stop: bytes | None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """See Reader."""
        return _scan(self._database, start, stop, reverse)

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        """See KeyValueStore."""
        try:
            pending = self._database.write_batch(sync=sync)
            for key, value in batch.operations:
                if value is None:
                    pending.delete(key)
                else:
                    pending.put(key, value)
            pending.write()
        except (plyvel.Error, OSError) as error:
            raise StoreWriteFailed(f"writing {len(batch)} operations: {error}") from error

    def snapshot(self) -> "LevelDBSnapshot":
        """See KeyValueStore."""
        return LevelDBSnapshot(self._database.snapshot())

    def close(self) -> None:
        """See KeyValueStore."""
        self._database.close()


class LevelDBSnapshot:
    """The store as it was."""

    def __init__(self, snapshot: Any) -> None:
        self._snapshot = snapshot

    def get(self, key: bytes) -> bytes | None:
        """See Reader."""
        return _get(self._snapshot, key)

    def scan(
        self, start: bytes, stop: bytes | None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """See Reader."""
        return _scan(self._snapshot, start, stop, reverse)

    def close(self) -> None:
        """See Snapshot."""
        self._snapshot.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def open_leveldb(directory: Path, *, create: bool) -> LevelDBStore:
    """Open the store in `directory`; with `create` make it, if the directory is empty or not there.

    Raises StoreLocked, StoreMissing, StoreCorrupt; FileExistsError when asked to create beside
    other files.
    """
    exists = (directory / "CURRENT").exists()
    if not exists:
        _check_creatable(directory, create)
    try:
        database = plyvel.DB(
            str(directory),
            create_if_missing=not exists,
            paranoid_checks=True,
            bloom_filter_bits=BLOOM_FILTER_BITS,
            lru_cache_size=CACHE_BYTES,
            write_buffer_size=WRITE_BUFFER_BYTES,
        )
    except plyvel.CorruptionError as error:
        raise StoreCorrupt(f"{directory}: {_text(error)}") from error
    except (plyvel.Error, OSError) as error:
        raise _explain(directory, error) from error
    return LevelDBStore(database)


def _check_creatable(directory: Path, create: bool) -> None:
    if not create:
        raise StoreMissing(f"{directory} holds no database")
    if directory.exists() and any(directory.iterdir()):
        raise StoreCorrupt(
            f"{directory} is not empty, yet its CURRENT file is missing: restore it from a backup,"
            " or move the directory away and let the node catch up from its peers"
        )
    directory.mkdir(parents=True, exist_ok=True)


def _explain(directory: Path, error: Exception) -> Exception:
    text = _text(error)
    if "/LOCK" in text and ("temporarily unavailable" in text or "already held" in text):
        return StoreLocked(
            f"{directory} is in use by another process: one validator, one process; stop the other"
        )
    if isinstance(error, OSError) or "No space" in text:
        return OSError(error.errno if isinstance(error, OSError) else errno.EIO, text)
    return StoreCorrupt(f"{directory}: {text}")


def _text(error: Exception) -> str:
    if error.args and isinstance(error.args[0], bytes):
        return error.args[0].decode("utf-8", "replace")
    return str(error)


def _get(source: Any, key: bytes) -> bytes | None:
    try:
        value: bytes | None = source.get(key, verify_checksums=True)
    except plyvel.CorruptionError as error:
        raise StoreCorrupt(f"reading {key[:40].hex()}: {_text(error)}") from error
    return value


def _scan(
    source: Any, start: bytes, stop: bytes | None, reverse: bool
) -> Iterator[tuple[bytes, bytes]]:
    try:
        with source.iterator(
            start=start, stop=stop, reverse=reverse, verify_checksums=True
        ) as pairs:
            yield from pairs
    except plyvel.CorruptionError as error:
        raise StoreCorrupt(f"scanning from {start[:40].hex()}: {_text(error)}") from error
