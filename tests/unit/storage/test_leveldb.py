"""LevelDB's own ways of failing: each is one of our errors, and says what to do."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import StoreCorrupt, StoreLocked, StoreMissing
from storage.kv import WriteBatch
from storage.leveldb import open_leveldb


def test_S18_a_second_process_is_refused_and_told_why(tmp_path: Path) -> None:
    store = open_leveldb(tmp_path / "db", create=True)
    program = (
        "import sys, pathlib\n"
        "from storage.leveldb import open_leveldb\n"
        "from storage.errors import StoreLocked\n"
        "try: open_leveldb(pathlib.Path(sys.argv[1]), create=False)\n"
        "except StoreLocked as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "db")],
        capture_output=True,
        text=True,
        check=True,
    )
    store.close()
    assert "in use by another process" in done.stdout


def test_the_same_process_cannot_open_it_twice(tmp_path: Path) -> None:
    store = open_leveldb(tmp_path / "db", create=True)
    with pytest.raises(StoreLocked):
        open_leveldb(tmp_path / "db", create=False)
    store.close()


def test_a_missing_store_is_not_made_silently(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing):
        open_leveldb(tmp_path / "db", create=False)
    assert not (tmp_path / "db").exists()


def test_S11_a_lost_current_file_is_not_an_empty_database(tmp_path: Path) -> None:
    open_leveldb(tmp_path / "db", create=True).close()
    (tmp_path / "db" / "CURRENT").unlink()
    with pytest.raises(StoreCorrupt, match="CURRENT"):
        open_leveldb(tmp_path / "db", create=True)


def test_S12_a_flipped_byte_is_an_error_and_never_a_value(tmp_path: Path) -> None:
    store = open_leveldb(tmp_path / "db", create=True)
    batch = WriteBatch()
    for number in range(2000):
        batch.put(b"key %06d" % number, b"value %06d" % number * 10)
    store.write(batch, sync=True)
    store.close()
    open_leveldb(tmp_path / "db", create=False).close()
    table = max((tmp_path / "db").glob("*.ldb"), key=lambda path: path.stat().st_size)
    data = bytearray(table.read_bytes())
    data[len(data) // 2] ^= 0x40
    table.write_bytes(data)
    with pytest.raises(StoreCorrupt):
        read_all(tmp_path / "db")


def read_all(directory: Path) -> list[tuple[bytes, bytes]]:
    with contextlib.closing(open_leveldb(directory, create=False)) as store:
        return list(store.scan(b"", None))
