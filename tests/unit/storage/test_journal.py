"""The journal: in order, whole, or loudly damaged."""

import pytest

from storage import schema
from storage.errors import StoreCorrupt
from storage.journal import Journal
from storage.kv import WriteBatch
from storage.memory import MemoryStore


def append(store: MemoryStore, journal: Journal, *records: bytes) -> None:
    batch = WriteBatch()
    journal.add(batch, records)
    store.write(batch, sync=True)


def test_records_come_back_in_order() -> None:
    store = MemoryStore()
    journal = Journal(store)
    append(store, journal, b"one", b"two")
    append(store, journal, b"three")
    assert Journal(store).read() == [b"one", b"two", b"three"]


def test_a_cut_leaves_what_is_kept_and_goes_on_after_it() -> None:
    store = MemoryStore()
    journal = Journal(store)
    append(store, journal, b"one", b"two")
    batch = WriteBatch()
    journal.cut(batch, [b"kept"])
    store.write(batch, sync=True)
    append(store, journal, b"new")
    assert Journal(store).read() == [b"kept", b"new"]


def test_a_reopened_journal_appends_after_the_last_record() -> None:
    store = MemoryStore()
    append(store, Journal(store), b"one")
    journal = Journal(store)
    journal.read()
    append(store, journal, b"two")
    assert Journal(store).read() == [b"one", b"two"]


def test_S07_a_flipped_record_is_named() -> None:
    store = MemoryStore()
    append(store, Journal(store), b"one", b"two")
    batch = WriteBatch()
    value = store.get(schema.JOURNAL + schema.u64(1))
    assert value is not None
    batch.put(schema.JOURNAL + schema.u64(1), value[:-1] + b"X")
    store.write(batch, sync=True)
    with pytest.raises(StoreCorrupt, match="record 1 is damaged"):
        Journal(store).read()


def test_a_record_lost_in_the_middle_is_named() -> None:
    store = MemoryStore()
    append(store, Journal(store), b"one", b"two", b"three")
    batch = WriteBatch()
    batch.delete(schema.JOURNAL + schema.u64(1))
    store.write(batch, sync=True)
    with pytest.raises(StoreCorrupt, match="record 1 is missing"):
        Journal(store).read()
