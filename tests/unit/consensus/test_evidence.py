"""Two votes of one signer for one place, as anyone can check them."""

from dataclasses import replace

import msgpack
import pytest

from consensus import Evidence, MalformedMessage, NotAuthentic
from consensus.messages import Signed
from tests.unit.consensus.ballots import ANYONE, GENESIS, Ballots, key, members

B = Ballots(members())
PAIRS = {
    "pre-prepare": (B.pre_prepare(b"one"), B.pre_prepare(b"two")),
    "prepare": (B.prepare(2, b"one"), B.prepare(2, b"two")),
    "commit": (B.commit(3, b"one"), B.commit(3, b"two")),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_two_digests_for_one_place_convict(kind: str) -> None:
    evidence = Evidence(*PAIRS[kind])
    evidence.check(B.replica_set, ANYONE)
    assert evidence.accused == PAIRS[kind][0].statement.place.signer


@pytest.mark.parametrize("kind", PAIRS)
def test_evidence_survives_encoding(kind: str) -> None:
    evidence = Evidence(*PAIRS[kind])
    decoded = Evidence.decode(evidence.encode(), GENESIS)
    assert decoded.encode() == evidence.encode()
    decoded.check(B.replica_set, ANYONE)


INNOCENT = {
    "the same vote twice": (B.commit(1, b"one"), B.commit(1, b"one")),
    "two views": (B.commit(1, b"one"), B.commit(1, b"two", view=1)),
    "two heights": (B.commit(1, b"one"), B.commit(1, b"two", height=2)),
    "two signers": (B.commit(1, b"one"), B.commit(2, b"two")),
    "two kinds": (B.prepare(1, b"one"), B.commit(1, b"two")),
    "a re-issued view-change": (B.view_change(1), B.view_change(1, 1, B.committed(b"one"))),
    "two statuses": (B.status(1), B.status(1, view=1)),
}


@pytest.mark.parametrize("case", INNOCENT)
def test_what_an_honest_replica_may_say_convicts_nobody(case: str) -> None:
    with pytest.raises(NotAuthentic):
        Evidence(*INNOCENT[case]).check(B.replica_set, ANYONE)


@pytest.mark.parametrize("which", ["first", "second"])
def test_C42_half_of_the_evidence_forged_convicts_nobody(which: str) -> None:
    evidence = Evidence(*PAIRS["commit"])
    forged: Signed = replace(getattr(evidence, which), signature=b"forged")
    with pytest.raises(NotAuthentic, match="does not verify"):
        replace(evidence, **{which: forged}).check(B.replica_set, ANYONE)


def test_C42_a_vote_for_another_chain_is_no_half() -> None:
    elsewhere = Ballots(replace(members(), genesis=bytes(32))).commit(3, b"two")
    with pytest.raises(NotAuthentic, match="does not verify"):
        Evidence(
            B.commit(3, b"one"), replace(elsewhere, encoded=B.commit(3, b"two").encoded)
        ).check(B.replica_set, ANYONE)


def test_M08_evidence_of_another_epoch_convicts_nobody() -> None:
    later = members(epoch=1, first_height=5)
    with pytest.raises(NotAuthentic, match="epoch"):
        Evidence(*PAIRS["commit"]).check(later, ANYONE)


def test_strangers_are_not_convicted() -> None:
    five = Ballots(members(5))
    with pytest.raises(NotAuthentic, match="no member"):
        Evidence(five.commit(4, b"one"), five.commit(4, b"two")).check(B.replica_set, ANYONE)


def test_evidence_names_a_kind_of_vote() -> None:
    a, b = PAIRS["commit"]
    for kind in (0, 4, 6, 7, True, None):
        data = msgpack.packb([kind, a.encoded, a.signature, b.encoded, b.signature])
        with pytest.raises(MalformedMessage):
            Evidence.decode(data, GENESIS)


def test_evidence_cut_short_is_refused() -> None:
    data = Evidence(*PAIRS["commit"]).encode()
    for end in range(len(data)):
        with pytest.raises(MalformedMessage):
            Evidence.decode(data[:end], GENESIS)


def test_evidence_of_another_chain_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="another chain"):
        Evidence.decode(Evidence(*PAIRS["commit"]).encode(), bytes(32))


def test_the_accused_is_named_by_its_key() -> None:
    assert Evidence(*PAIRS["prepare"]).accused == key(2)
