"""The parts of the demonstration: the files it takes, how it measures, what it calls tampering."""

import os
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.chains import make_block, make_genesis
from urbanchain.contracts.records import KEY_BYTES_MAX
from urbanchain.devnet.audit import Notarised, tamper, verify_all
from urbanchain.devnet.documents import Document, key_of, survey
from urbanchain.devnet.errors import DemoFailed
from urbanchain.devnet.notary import Commit, longest_gap_s, percentile


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.txt").write_text("two")
    (tmp_path / "a.txt").write_text("one")
    return tmp_path


def keys(root: Path) -> list[str]:
    return sorted(document.key for document in survey(root).documents)


def test_every_file_is_taken_by_its_path_and_hash(tree: Path) -> None:
    documents = {d.key: d.sha256 for d in survey(tree).documents}
    assert documents == {
        "a.txt": sha256(b"one").digest(),
        "b/two.txt": sha256(b"two").digest(),
    }


@pytest.mark.parametrize("name", [".git", ".venv", ".devnet", "__pycache__", ".pytest_cache"])
def test_version_control_environments_and_caches_are_left_out(tree: Path, name: str) -> None:
    (tree / name).mkdir()
    (tree / name / "file").write_text("not a document")
    assert keys(tree) == ["a.txt", "b/two.txt"]


@pytest.mark.parametrize("marker", ["CACHEDIR.TAG", "pyvenv.cfg"])
def test_a_directory_that_says_it_is_a_cache_is_left_out(tree: Path, marker: str) -> None:
    (tree / "odd").mkdir()
    (tree / "odd" / marker).write_text("")
    assert keys(tree) == ["a.txt", "b/two.txt"]


def test_symbolic_links_are_counted_and_not_followed(tree: Path) -> None:
    (tree / "link.txt").symlink_to(tree / "a.txt")
    (tree / "link").symlink_to(tree / "b")
    found = survey(tree)
    assert len(found.documents) == 2
    assert found.skipped == {"symbolic link": 2}


def test_what_is_no_plain_file_is_counted(tree: Path) -> None:
    os.mkfifo(tree / "pipe")
    assert survey(tree).skipped == {"no plain file": 1}


def test_a_directory_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match="no file"):
        survey(tmp_path)


def test_a_directory_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        survey(tmp_path / "none")


@pytest.mark.parametrize("name", [b"x" * 200, b"bad\xff", b"line\nbreak", b"sha256:abc"], ids=repr)
def test_a_name_that_is_no_key_is_recorded_under_its_hash(name: bytes) -> None:
    assert key_of(Path(os.fsdecode(name))) == f"sha256:{sha256(name).hexdigest()}"


@given(st.binary(min_size=1, max_size=120).filter(lambda b: b"\0" not in b and b != b"."))
def test_every_key_fits_and_has_no_control_characters(name: bytes) -> None:
    key = key_of(Path(os.fsdecode(name)))
    assert 0 < len(key.encode()) <= KEY_BYTES_MAX
    assert all(character >= " " and character != "\x7f" for character in key)


def test_the_gap_begins_with_the_last_commit_before_the_kill() -> None:
    commits = [Commit(1.0, 1, 5), Commit(2.0, 2, 5), Commit(4.5, 3, 5), Commit(4.6, 4, 5)]
    assert longest_gap_s(commits, since_s=2.2) == 2.5


def test_gaps_before_the_kill_do_not_count() -> None:
    commits = [Commit(1.0, 1, 5), Commit(9.0, 2, 5), Commit(10.0, 3, 5)]
    assert longest_gap_s(commits, since_s=9.5) == 1.0


def test_without_a_commit_before_the_gap_begins_with_the_kill() -> None:
    assert longest_gap_s([Commit(3.0, 1, 5)], since_s=1.0) == 2.0


@pytest.mark.parametrize(("percent", "value"), [(50, 2.0), (99, 4.0), (25, 1.0), (100, 4.0)])
def test_a_percentile_is_by_nearest_rank(percent: int, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == value


@pytest.fixture
def notarised(tmp_path: Path) -> Notarised:
    path = tmp_path / "deed"
    path.write_bytes(b"one parcel of land")
    digest = sha256(path.read_bytes()).digest()
    call = ("records", "anchor", ("files", "deed", digest, ""))
    receipt = tmp_path / "receipt.json"
    receipt.write_bytes(make_block(make_genesis(), [("alice", call)]).receipt_file(0).encode())
    return Notarised(Document(path, "deed", digest), receipt)


def test_true_receipts_verify(notarised: Notarised) -> None:
    audit = verify_all([notarised], make_genesis().raw)
    assert (audit.verified, audit.changed) == (1, ())


def test_a_file_that_changed_meanwhile_is_told_and_its_receipt_still_holds(
    notarised: Notarised,
) -> None:
    notarised.document.path.write_bytes(b"two parcels of land")
    audit = verify_all([notarised], make_genesis().raw)
    assert (audit.verified, audit.changed) == (1, ("deed",))


def test_tampering_is_caught_wherever_it_is(notarised: Notarised) -> None:
    found = {t.what: t.link for t in tamper(notarised, make_genesis().raw)}
    assert found == {
        "document": "document",
        "receipt: envelope": "envelope",
        "receipt: header": "header",
        "receipt: certificate": "certificate",
        "receipt: receipt": "receipt path",
        "genesis.json": "genesis",
    }
