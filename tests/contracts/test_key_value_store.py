"""What every KeyValueStore promises, asked of LevelDB and of the one in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.kv import KeyValueStore, WriteBatch, prefix_stop, scan_prefix
from storage.leveldb import open_leveldb
from storage.memory import MemoryStore


@pytest.fixture(params=["leveldb", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    opened: KeyValueStore = (
        open_leveldb(tmp_path / "db", create=True) if request.param == "leveldb" else MemoryStore()
    )
    yield opened
    opened.close()


def put(store: KeyValueStore, pairs: dict[bytes, bytes | None], sync: bool = False) -> None:
    batch = WriteBatch()
    for key, value in pairs.items():
        if value is None:
            batch.delete(key)
        else:
            batch.put(key, value)
    store.write(batch, sync=sync)


def test_a_value_is_read_as_it_was_written(store: KeyValueStore) -> None:
    put(store, {b"a": b"1", b"empty": b""})
    assert store.get(b"a") == b"1"
    assert store.get(b"empty") == b""
    assert store.get(b"b") is None


def test_a_deleted_key_is_gone_and_deleting_nothing_is_nothing(store: KeyValueStore) -> None:
    put(store, {b"a": b"1"})
    put(store, {b"a": None, b"never": None})
    assert store.get(b"a") is None


def test_the_last_operation_of_a_batch_wins(store: KeyValueStore) -> None:
    batch = WriteBatch()
    batch.put(b"a", b"1")
    batch.delete(b"a")
    batch.put(b"a", b"2")
    store.write(batch, sync=True)
    assert store.get(b"a") == b"2"


def test_a_scan_is_ordered_and_half_open(store: KeyValueStore) -> None:
    put(store, {b"b": b"2", b"a": b"1", b"c": b"3", b"ab": b"x"})
    assert [k for k, _ in store.scan(b"a", b"c")] == [b"a", b"ab", b"b"]
    assert [k for k, _ in store.scan(b"a", b"c", reverse=True)] == [b"b", b"ab", b"a"]
    assert [k for k, _ in store.scan(b"b", None)] == [b"b", b"c"]


def test_a_prefix_scan_finds_keys_that_go_on_with_ff(store: KeyValueStore) -> None:
    put(store, {b"p\xff\xff": b"1", b"p": b"0", b"q": b"no", b"\xff\xff": b"z"})
    assert [k for k, _ in scan_prefix(store, b"p")] == [b"p", b"p\xff\xff"]
    assert [k for k, _ in scan_prefix(store, b"\xff")] == [b"\xff\xff"]
    assert prefix_stop(b"\xff\xff") is None


def test_a_snapshot_does_not_change(store: KeyValueStore) -> None:
    put(store, {b"a": b"1"})
    with store.snapshot() as snapshot:
        put(store, {b"a": b"2", b"b": b"3"})
        assert snapshot.get(b"a") == b"1"
        assert [k for k, _ in snapshot.scan(b"", None)] == [b"a"]
    assert store.get(b"a") == b"2"


def test_leveldb_keeps_what_was_synced_when_it_is_opened_again(tmp_path: Path) -> None:
    first = open_leveldb(tmp_path / "db", create=True)
    put(first, {b"a": b"1"}, sync=True)
    first.close()
    second = open_leveldb(tmp_path / "db", create=False)
    assert second.get(b"a") == b"1"
    second.close()


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_the_store_in_memory_loses_what_was_not_synced_from_some_batch_on(kept: int) -> None:
    store = MemoryStore()
    put(store, {b"synced": b"1"}, sync=True)
    put(store, {b"first": b"1"})
    put(store, {b"second": b"1"})
    survivor = store.after_crash(kept)
    assert [k for k, _ in survivor.scan(b"", None)] == sorted(
        [b"synced", b"first", b"second"][: 1 + kept]
    )
