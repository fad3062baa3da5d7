"""`urbanchain keys`: files are made once, encrypted, and show their public half only."""

import io
import stat
from pathlib import Path

import pytest

from tests.fakes.cli import urbanchain
from urbanchain.keys import PrivateKey


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("correct horse\n")
    return path


def test_a_new_key_is_encrypted_and_readable_by_its_owner_only(
    tmp_path: Path, password_file: Path
) -> None:
    made = urbanchain(
        "keys", "new", "alice", "--home", tmp_path, "--password-file", password_file, "-o", "json"
    ).json
    assert made["encrypted"] is True
    assert stat.S_IMODE(Path(made["file"]).stat().st_mode) == 0o600
    opened = PrivateKey.load(made["file"], "correct horse")
    assert opened.public_key.hex() == made["public_key"]


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "alice.key"
    assert urbanchain("keys", "new", path, "--unencrypted").code == 0
    before = path.read_bytes()
    assert urbanchain("keys", "new", path, "--unencrypted").code == 4
    assert path.read_bytes() == before


def test_without_a_password_and_a_terminal_no_key_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert urbanchain("keys", "new", "alice", "--home", tmp_path).code == 2
    assert not (tmp_path / "keys").exists()


def test_showing_a_key_needs_no_password_and_tells_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "alice.key"
    urbanchain("keys", "new", path, "--unencrypted")
    secret = PrivateKey.load(path).exchange_secret().hex()
    shown = urbanchain("keys", "show", path, "-o", "json")
    assert shown.json["address"].startswith("uc1")
    assert secret not in shown.out


def test_keys_are_listed(tmp_path: Path) -> None:
    for name in ("bob", "alice"):
        urbanchain("keys", "new", name, "--home", tmp_path, "--unencrypted")
    listed = urbanchain(
        "keys", "list", "--home", tmp_path, "--state", tmp_path / "none", "-o", "json"
    )
    assert [item["name"] for item in listed.json] == ["alice", "bob"]


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "alice.key"
    urbanchain("keys", "new", path, "--unencrypted")
    path.chmod(0o644)
    outcome = urbanchain("keys", "show", path)
    assert outcome.code == 78
    assert "0644" in outcome.err


def test_a_name_that_leads_elsewhere_is_a_usage_error(tmp_path: Path) -> None:
    assert urbanchain("keys", "new", "../alice", "--home", tmp_path, "--unencrypted").code == 2


def test_a_key_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    assert urbanchain("keys", "show", "zelda", "--home", tmp_path).code == 3
