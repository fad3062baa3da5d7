"""`urbanchain verify`: verdicts, exit code 8, and the broken link by name."""

from hashlib import sha256
from pathlib import Path

import pytest

from tests.fakes.chains import make_block, make_genesis
from tests.fakes.cli import Outcome, urbanchain

DEED = b"one parcel of land"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    genesis = make_genesis()
    call = ("records", "anchor", ("land", "p17", sha256(DEED).digest(), ""))
    block = make_block(genesis, [("alice", call)])
    (tmp_path / "receipt.json").write_bytes(block.receipt_file(0).encode())
    (tmp_path / "genesis.json").write_bytes(genesis.raw)
    (tmp_path / "deed").write_bytes(DEED)
    return tmp_path


def verify(files: Path, *options: object) -> Outcome:
    genesis = files / "genesis.json"
    return urbanchain("verify", files / "receipt.json", "--genesis", genesis, *options)


def test_a_true_receipt_and_its_document_are_accepted(files: Path) -> None:
    outcome = verify(files, "--document", files / "deed")
    assert outcome.code == 0
    assert "was recorded as land/p17 in block 1" in outcome.out
    assert "4 of 4 validators signed" in outcome.out


def test_the_verdict_as_json_names_the_signers(files: Path) -> None:
    verdict = verify(files, "-o", "json").json
    assert verdict["signers"] == [f"validator-{i}" for i in range(4)]


@pytest.mark.parametrize(
    ("name", "link"), [("deed", "document"), ("genesis.json", "genesis")], ids=("deed", "genesis")
)
def test_a_changed_file_is_refused_and_the_link_is_named(files: Path, name: str, link: str) -> None:
    path = files / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    outcome = verify(files, "--document", files / "deed", "-o", "json")
    assert outcome.code == 8
    assert (outcome.json["valid"], outcome.json["link"]) == (False, link)
    assert f"verification failed: {link}" in outcome.err


def test_a_file_that_is_not_there_is_not_found(files: Path) -> None:
    assert verify(files, "--document", files / "nothing").code == 3


def test_genesis_must_be_named(files: Path) -> None:
    assert urbanchain("verify", files / "receipt.json").code == 2
