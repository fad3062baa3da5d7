"""The bytes that get signed, sent and stored, as literals: they never change."""

import pytest

from consensus import CommitCertificate, PreparedCertificate, codec, records
from consensus.messages import (
    Answer,
    Body,
    Commit,
    Flag,
    Kind,
    NewView,
    Place,
    Prepare,
    PrePrepare,
    Question,
    Signed,
    Statement,
    Status,
    ViewChange,
)
from consensus.records import Accepted, Entered, Forgot, Left, Prepared, Reached

GENESIS = bytes(range(32))
SIGNER = b"\xa1\xa2\xa3\xa4"
DIGEST = b"\xdd" * 32
VOTED = Place(epoch=1, height=2, view=3, signer=SIGNER)
HEAD = Place(epoch=1, height=1, view=3, signer=SIGNER)
COMMITTED = CommitCertificate(1, 1, 3, DIGEST, ((0, b"c0"), (2, b"c2")))
PREPARED = PreparedCertificate(1, 2, 2, DIGEST, b"pp", ((1, b"p1"), (3, b"p3")))
LEFT = ViewChange(HEAD, COMMITTED, PREPARED)


def seal(statement: Statement, payload: bytes = b"") -> Signed:
    return codec.seal(GENESIS, statement, lambda _: b"sig", payload)


GENESIS_HEX = GENESIS.hex()
DIGEST_HEX = "dd" * 32
VOTED_HEX = GENESIS_HEX + "00000000000000010000000000000002000000000000000304a1a2a3a4"
HEAD_HEX = GENESIS_HEX + "00000000000000010000000000000001000000000000000304a1a2a3a4"
COMMITTED_HEX = f"95010103c420{DIGEST_HEX}929200c40263309202c4026332"
PREPARED_HEX = f"96010202c420{DIGEST_HEX}c4027070929201c40270319203c4027033"
LEFT_HEX = HEAD_HEX + "92" + COMMITTED_HEX + PREPARED_HEX
STATUS = Status(
    place=VOTED,
    head=DIGEST,
    flags=Flag.SUSPECT | Flag.WORK,
    prepares=0b110,
    commits=0,
    view_changes=1 << 8,
    wanted=b"",
    time_ms=1000,
)
VECTORS: dict[str, tuple[Statement, bytes, str]] = {
    "PRE-PREPARE": (
        PrePrepare(VOTED, DIGEST),
        b"\x1burbanchain/vote/pre-prepare",
        VOTED_HEX + DIGEST_HEX,
    ),
    "PREPARE": (Prepare(VOTED, DIGEST), b"\x17urbanchain/vote/prepare", VOTED_HEX + DIGEST_HEX),
    "COMMIT": (Commit(VOTED, DIGEST), b"\x16urbanchain/vote/commit", VOTED_HEX + DIGEST_HEX),
    "VIEW-CHANGE": (LEFT, b"\x16urbanchain/view-change", LEFT_HEX),
    "NEW-VIEW": (
        NewView(HEAD, (seal(LEFT),)),
        b"\x13urbanchain/new-view",
        HEAD_HEX + "9192c4a8" + LEFT_HEX + "c403736967",
    ),
    "Status": (
        STATUS,
        b"\x11urbanchain/status",
        VOTED_HEX + f"97c420{DIGEST_HEX}05c40106c400c4020100c400cd03e8",
    ),
    "Question": (
        Question(HEAD, b"n" * 16),
        b"\x13urbanchain/question",
        HEAD_HEX + "91c410" + "6e" * 16,
    ),
    "Answer": (
        Answer(HEAD, b"n" * 16, COMMITTED, (seal(Prepare(VOTED, DIGEST)),)),
        b"\x11urbanchain/answer",
        HEAD_HEX
        + "93c410"
        + "6e" * 16
        + COMMITTED_HEX
        + f"919302c45d{VOTED_HEX}{DIGEST_HEX}c403736967",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_statement_has_these_bytes(name: str) -> None:
    statement, _, expected = VECTORS[name]
    assert codec.encode_statement(GENESIS, statement).hex() == expected


@pytest.mark.parametrize("name", VECTORS)
def test_the_signature_is_over_the_tag_and_these_bytes(name: str) -> None:
    statement, tag, expected = VECTORS[name]
    signed = codec.signed_bytes(codec.kind_of(statement), bytes.fromhex(expected))
    assert signed == tag + bytes.fromhex(expected)


def test_a_vote_on_the_wire() -> None:
    message = codec.encode(seal(Prepare(VOTED, DIGEST)))
    assert message.hex() == "9302c45d" + VOTED_HEX + DIGEST_HEX + "c403736967"


def test_a_proposal_on_the_wire_carries_its_payload() -> None:
    message = codec.encode(seal(PrePrepare(VOTED, DIGEST), b"pay"))
    assert message.hex() == "9401c45d" + VOTED_HEX + DIGEST_HEX + "c403736967" + "c403706179"


def test_a_body_on_the_wire() -> None:
    assert codec.encode(Body(DIGEST, b"pay")).hex() == f"9307c420{DIGEST_HEX}c403706179"


def test_a_commit_certificate_as_it_is_stored() -> None:
    assert COMMITTED.encode().hex() == COMMITTED_HEX


def test_the_kinds_have_these_numbers() -> None:
    assert [int(kind) for kind in Kind] == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (Accepted(PrePrepare(VOTED, DIGEST), b"sig"), f"9301c45d{VOTED_HEX}{DIGEST_HEX}c403736967"),
        (Prepared(PREPARED), "9202" + PREPARED_HEX),
        (Entered(NewView(HEAD, ()), b""), f"9303c43e{HEAD_HEX}90c400"),
        (Left(LEFT), f"9204c4a8{LEFT_HEX}"),
        (Reached(1, 2, True, 3), "950501020103"),
        (Forgot(1, 5, 4), "9406010504"),
    ],
    ids=["accepted", "prepared", "entered", "left", "reached", "forgot"],
)
def test_a_journal_record_has_these_bytes(record: records.Record, expected: str) -> None:
    assert records.encode(record, GENESIS).hex() == expected
