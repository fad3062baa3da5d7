"""Key files: encrypted, private, never overwritten, never trusted when damaged."""

import json
import os
from pathlib import Path

import pytest

from urbanchain.keys import (
    KeyFileInvalid,
    PrivateKey,
    WrongPassword,
    derive_devnet_key,
    load_key,
    write_key,
)


def test_a_key_comes_back_with_its_password_and_only_with_it(tmp_path: Path) -> None:
    key, path = PrivateKey.generate(), tmp_path / "a.key"
    write_key(path, key, "account", "correct horse")
    assert load_key(path, "correct horse", allow_devnet=False) == key
    assert key.exchange_secret().hex() not in path.read_text()
    with pytest.raises(WrongPassword):
        load_key(path, "battery staple", allow_devnet=False)
    with pytest.raises(WrongPassword):
        load_key(path, None, allow_devnet=False)


def test_a_devnet_key_is_refused_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    write_key(path, derive_devnet_key("dev", "alice"), "account", None)
    assert load_key(path, None, allow_devnet=True) == derive_devnet_key("dev", "alice")
    with pytest.raises(KeyFileInvalid, match="devnet"):
        load_key(path, None, allow_devnet=False)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o666, 0o700])
def test_M09_a_file_others_may_read_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.key"
    write_key(path, PrivateKey.generate(), "account", None)
    path.chmod(mode)
    with pytest.raises(KeyFileInvalid, match="chmod 600"):
        load_key(path, None, allow_devnet=True)


def test_M09_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    path, link = tmp_path / "a.key", tmp_path / "b.key"
    write_key(path, PrivateKey.generate(), "account", None)
    link.symlink_to(path)
    with pytest.raises(KeyFileInvalid, match="no plain file"):
        load_key(link, None, allow_devnet=True)


def test_M11_a_damaged_file_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    write_key(path, PrivateKey.generate(), "account", None)
    whole = path.read_text()
    for damaged in (whole[: len(whole) // 2], "", "[]", whole.replace("urbanchain-key/1", "x")):
        path.write_text(damaged)
        with pytest.raises(KeyFileInvalid):
            load_key(path, None, allow_devnet=True)
        assert path.read_text() == damaged


def test_a_public_key_that_is_not_the_private_ones_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    write_key(path, PrivateKey.generate(), "account", None)
    fields = json.loads(path.read_text()) | {"public_key": PrivateKey.generate().public_key.hex()}
    path.write_text(json.dumps(fields))
    with pytest.raises(KeyFileInvalid, match="public key"):
        load_key(path, None, allow_devnet=True)


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        write_key(path, PrivateKey.generate(), "account", None)
    assert path.read_text() == "precious"


def test_a_new_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_key(tmp_path / "a.key", PrivateKey.generate(), "account", None)
    finally:
        os.umask(before)
    assert (tmp_path / "a.key").stat().st_mode & 0o777 == 0o600


def test_costs_in_a_hostile_file_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    write_key(path, PrivateKey.generate(), "account", "x")
    fields = json.loads(path.read_text())
    fields["kdf"]["memory_kib"] = 1 << 30
    path.write_text(json.dumps(fields))
    with pytest.raises(KeyFileInvalid, match="memory_kib"):
        load_key(path, "x", allow_devnet=False)


def test_M10_a_key_shows_only_its_public_half() -> None:
    key = PrivateKey.generate()
    assert key.exchange_secret().hex() not in repr(key)
    assert repr(key.exchange_secret()) not in repr(key)
