"""The offline verifier accepts what is true, and names the link that is not."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.chains import (
    START_MS,
    CertifiedBlock,
    account_key,
    certify,
    make_block,
    make_genesis,
)
from urbanchain.receipts import ReceiptFile, parse, render
from urbanchain.types import (
    LineageKind,
    LineageLink,
    Outcome,
    Validator,
    ValidatorSet,
    compute_header_hash,
)
from urbanchain.verify import Link, VerificationFailed, verify_receipt

DOCUMENT = b"Deed of parcel 17: sold to B. for 5."
ANCHOR = ("records", "anchor", ("land-registry", "parcel-17", sha256(DOCUMENT).digest(), ""))
TRANSFER = ("tokens", "transfer", (account_key("bob").address, 5))
GENESIS = make_genesis()
BLOCK = make_block(
    GENESIS,
    [("bob", TRANSFER), ("alice", ANCHOR), ("bob", TRANSFER), ("alice", TRANSFER), ("bob", ANCHOR)],
    refused=frozenset({3, 4}),
)
FILE = BLOCK.receipt_file(1)
RECEIPT = FILE.encode()


def broken_link(
    receipt: bytes = RECEIPT, genesis: bytes = GENESIS.raw, document: bytes | None = DOCUMENT
) -> Link:
    with pytest.raises(VerificationFailed) as caught:
        verify_receipt(receipt, genesis, document)
    return caught.value.link


def rendered(file: ReceiptFile) -> bytes:
    """A file whose proof was changed and whose summary still says what was true."""
    return render(FILE.summary(), file)


def flipped(data: bytes, position: int, mask: int = 1) -> bytes:
    return data[:position] + bytes([data[position] ^ mask]) + data[position + 1 :]


def test_a_true_receipt_and_its_document_are_accepted() -> None:
    verdict = verify_receipt(RECEIPT, GENESIS.raw, DOCUMENT)
    assert (verdict.chain, verdict.height, verdict.time_ms) == ("tests", 1, START_MS)
    assert verdict.outcome is Outcome.APPLIED
    assert (verdict.contract, verdict.call) == ("records", "anchor")
    assert verdict.arguments[:2] == ("land-registry", "parcel-17")
    assert verdict.sender == account_key("alice").address
    assert verdict.signers == ("validator-0", "validator-1", "validator-2", "validator-3")
    assert verdict.signed_by == "4 of 4"
    assert verdict.document_sha256 == sha256(DOCUMENT).digest()
    assert verdict.block_hash == compute_header_hash(BLOCK.header)


def test_a_receipt_is_accepted_without_its_document() -> None:
    assert verify_receipt(RECEIPT, GENESIS.raw).document_sha256 is None


def test_every_transaction_of_a_block_is_provable() -> None:
    for index in range(len(BLOCK.envelopes)):
        file = BLOCK.receipt_file(index).encode()
        assert verify_receipt(file, GENESIS.raw).index == index


def test_a_refusal_is_provable_too() -> None:
    verdict = verify_receipt(BLOCK.receipt_file(3).encode(), GENESIS.raw)
    assert (verdict.outcome, verdict.code) == (Outcome.REFUSED, "insufficient-balance")
    assert verdict.facts == (1, 2)


def test_three_signatures_of_four_are_enough_and_named() -> None:
    certificate = certify(GENESIS.hash, BLOCK.header, (0, 2, 3))
    file = replace(FILE, certificate=certificate)
    verdict = verify_receipt(file.encode(), GENESIS.raw, DOCUMENT)
    assert verdict.signers == ("validator-0", "validator-2", "validator-3")
    assert verdict.signed_by == "3 of 4"


def test_two_signatures_of_four_are_not() -> None:
    certificate = certify(GENESIS.hash, BLOCK.header, (0, 2))
    assert broken_link(rendered(replace(FILE, certificate=certificate))) is Link.CERTIFICATE


def test_every_changed_byte_of_the_document_is_caught() -> None:
    for position in range(len(DOCUMENT)):
        assert broken_link(document=flipped(DOCUMENT, position)) is Link.DOCUMENT
    assert broken_link(document=DOCUMENT + b"\n") is Link.DOCUMENT
    assert broken_link(document=b"") is Link.DOCUMENT


def test_every_changed_byte_of_the_genesis_file_is_caught() -> None:
    for position in range(len(GENESIS.raw)):
        assert broken_link(genesis=flipped(GENESIS.raw, position)) is Link.GENESIS


def test_every_changed_byte_of_the_receipt_file_is_caught() -> None:
    for position in range(len(RECEIPT)):
        changed = flipped(RECEIPT, position)
        assert broken_link(changed) in Link


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("header", {Link.HEADER}),
        ("certificate", {Link.CERTIFICATE}),
        ("key", {Link.SIGNATURE}),
        ("receipt", {Link.RECEIPT_PATH}),
    ],
)
def test_every_changed_byte_of_a_part_names_that_part(field: str, allowed: set[Link]) -> None:
    data = getattr(FILE, field)
    for position in range(len(data)):
        changed = replace(FILE, **{field: flipped(data, position)})
        assert broken_link(rendered(changed)) in allowed, position


def test_every_changed_byte_of_the_envelope_names_it_or_its_signature() -> None:
    signature_from = len(FILE.envelope) - 64
    for position in range(len(FILE.envelope)):
        changed = replace(FILE, envelope=flipped(FILE.envelope, position))
        expected = Link.ENVELOPE if position < signature_from else Link.SIGNATURE
        assert broken_link(rendered(changed)) is expected, position


@pytest.mark.parametrize(
    ("field", "link"),
    [("transaction_path", Link.TRANSACTION_PATH), ("receipt_path", Link.RECEIPT_PATH)],
)
def test_every_changed_byte_of_a_path_names_that_path(field: str, link: Link) -> None:
    path = getattr(FILE, field)
    assert len(path) == 3
    for number, step in enumerate(path):
        for position in range(32):
            steps = (*path[:number], flipped(step, position), *path[number + 1 :])
            assert broken_link(rendered(replace(FILE, **{field: steps}))) is link
    assert broken_link(rendered(replace(FILE, **{field: path[:-1]}))) is link
    assert broken_link(rendered(replace(FILE, **{field: (*path, bytes(32))}))) is link


def test_another_index_is_caught() -> None:
    for index in (0, 2, 3, 4, 5, 1 << 40):
        assert broken_link(rendered(replace(FILE, index=index))) is Link.RECEIPT_PATH


@pytest.mark.parametrize("old", [b'"height": 1', b'"outcome": "applied"', b'"code": ""'])
def test_a_false_word_in_the_summary_is_caught(old: bytes) -> None:
    new = {
        b'"height": 1': b'"height": 2',
        b'"outcome": "applied"': b'"outcome": "refused"',
        b'"code": ""': b'"code": "x"',
    }[old]
    assert broken_link(RECEIPT.replace(old, new)) is Link.RECEIPT_FILE


def test_a_false_id_in_the_summary_is_caught() -> None:
    fields = json.loads(RECEIPT)
    fields["id"] = "00" * 32
    changed = (json.dumps(fields, indent=2) + "\n").encode()
    assert broken_link(changed) is Link.RECEIPT_FILE


@given(st.binary(max_size=300))
def test_no_bytes_whatever_make_the_verifier_fail_otherwise(noise: bytes) -> None:
    assert broken_link(noise) is Link.RECEIPT_FILE
    assert broken_link(genesis=noise) is Link.GENESIS


@given(
    st.sampled_from(["envelope", "key", "receipt", "header", "certificate"]), st.binary(max_size=80)
)
def test_a_part_replaced_by_noise_is_caught(field: str, noise: bytes) -> None:
    assert broken_link(rendered(replace(FILE, **{field: noise}))) in Link


@given(st.integers(0, len(RECEIPT) - 1), st.integers(1, 255))
def test_any_other_byte_anywhere_in_the_file_is_caught(position: int, mask: int) -> None:
    assert broken_link(flipped(RECEIPT, position, mask)) in Link


def test_the_genesis_of_another_chain_is_named_as_such() -> None:
    assert broken_link(genesis=make_genesis("elsewhere").raw) is Link.GENESIS


def test_a_document_is_not_proven_by_a_transfer() -> None:
    assert broken_link(BLOCK.receipt_file(0).encode()) is Link.DOCUMENT


def test_a_document_is_not_proven_by_a_refused_anchoring() -> None:
    assert broken_link(BLOCK.receipt_file(4).encode()) is Link.DOCUMENT


def test_a_receipt_of_one_transaction_does_not_prove_another() -> None:
    other = BLOCK.receipt_file(0)
    assert broken_link(rendered(replace(FILE, envelope=other.envelope))) is Link.ENVELOPE


class TestLineage:
    """Two epochs: block 1 hands over to a set in other seats, block 2 is certified by it."""

    first = GENESIS.genesis.validator_set()
    second = ValidatorSet(
        tuple(Validator(f"seat-{i}", m.agency, m.suite, m.key) for i, m in enumerate(first.members))
    )

    def link(self, **changes: object) -> LineageLink:
        handover = make_block(GENESIS, [("bob", TRANSFER)], validators=(self.first, self.second))
        true = LineageLink(
            LineageKind.SET_CHANGE, handover.header, handover.certificate, self.second.encode()
        )
        return replace(true, **changes)  # type: ignore[arg-type]

    def block(self, *links: LineageLink, epoch: int = 1) -> CertifiedBlock:
        sealed = make_block(
            GENESIS,
            [("alice", ANCHOR)],
            place=(epoch, 2),
            validators=(self.second, self.second),
        )
        return replace(sealed, lineage=tuple(link.encode() for link in links))

    def test_a_set_change_is_followed(self) -> None:
        file = self.block(self.link()).receipt_file(0)
        verdict = verify_receipt(file.encode(), GENESIS.raw, DOCUMENT)
        assert verdict.signers[0] == "seat-0"

    def test_a_missing_link_is_named(self) -> None:
        assert broken_link(self.block().receipt_file(0).encode()) is Link.LINEAGE

    def test_a_link_too_many_is_named(self) -> None:
        block = self.block(self.link(), self.link())
        assert broken_link(block.receipt_file(0).encode()) is Link.LINEAGE

    def test_a_recovery_is_refused_by_name(self) -> None:
        block = self.block(self.link(kind=LineageKind.RECOVERY))
        with pytest.raises(VerificationFailed, match="recovery"):
            verify_receipt(block.receipt_file(0).encode(), GENESIS.raw)

    def test_a_false_set_is_named(self) -> None:
        block = self.block(self.link(validators=self.first.encode()))
        assert broken_link(block.receipt_file(0).encode()) is Link.LINEAGE

    @pytest.mark.parametrize("field", ["header", "certificate", "validators"])
    def test_every_changed_byte_of_a_link_is_named(self, field: str) -> None:
        true = self.link()
        data = getattr(true, field)
        for position in range(0, len(data), 3):
            changed = self.block(replace(true, **{field: flipped(data, position)}))
            assert broken_link(changed.receipt_file(0).encode()) is Link.LINEAGE, position


def test_the_parts_are_checked_and_not_only_the_summary() -> None:
    stated, file = parse(RECEIPT)
    assert render(stated, file) == RECEIPT
