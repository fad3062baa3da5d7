"""What convicts a member, as anyone can check it, and what convicts nobody."""

from dataclasses import replace

import msgpack
import pytest

from consensus import Accuse, Evidence, MalformedMessage, NotAuthentic
from consensus.evidence import between
from consensus.messages import Signed
from tests.unit.consensus.ballots import ANYONE, GENESIS, Ballots, key, members
from tests.unit.consensus.stage import Stage

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


HIDING = {
    "no certificate": B.view_change(2, 1),
    "an older certificate": B.view_change(2, 3, prepared=B.prepared(b"block", view=0)),
    "another digest of that view": B.view_change(2, 2, prepared=B.prepared(b"other", view=1)),
}


@pytest.mark.parametrize("case", HIDING)
def test_a_view_change_that_hides_what_a_commit_proves_convicts(case: str) -> None:
    vote = B.commit(2, b"block", view=0 if case == "no certificate" else 1)
    proof = between(vote, HIDING[case])
    assert proof is not None
    assert Evidence.decode(proof.encode(), GENESIS) == proof
    proof.check(B.replica_set, ANYONE)
    assert proof.accused == key(2)


def test_a_view_change_that_hides_a_height_convicts() -> None:
    proof = between(B.commit(2, b"three", height=3), B.view_change(2, 1, B.committed(b"one")))
    assert proof is not None
    proof.check(B.replica_set, ANYONE)


SHOWING = {
    "the certificate": B.view_change(2, 1, prepared=B.prepared(b"block")),
    "a later one": B.view_change(2, 3, prepared=B.prepared(b"other", view=2)),
    "the height committed": B.view_change(2, 1, B.committed(b"other")),
    "a later height": B.view_change(2, 1, B.committed(b"two", height=2)),
}


@pytest.mark.parametrize("case", SHOWING)
def test_C42_a_view_change_that_shows_what_it_must_convicts_nobody(case: str) -> None:
    assert between(B.commit(2, b"block"), SHOWING[case]) is None


def test_C42_a_view_change_to_a_view_that_the_vote_follows_convicts_nobody() -> None:
    assert between(B.commit(2, b"block", view=1), B.view_change(2, 1)) is None


def test_who_hides_its_certificate_is_accused_by_who_holds_its_commit() -> None:
    stage = Stage(seat=1)
    stage.hear(B.pre_prepare(b"block"), B.commit(2, b"block"), B.view_change(2, 1))
    stage.hear(B.view_change(2, 2))
    assert [effect.evidence.accused for effect in stage.asked(Accuse)] == [key(2)]


def test_who_hides_the_last_block_in_a_new_view_is_accused() -> None:
    stage = Stage(seat=3)
    stage.hear(B.pre_prepare(b"block"), *(B.commit(seat, b"block") for seat in (0, 1, 2)))
    stage.judge()
    stage.commit()
    stage.hear(B.new_view([B.view_change(seat, 1) for seat in (0, 2, 3)]))
    assert {effect.evidence.accused for effect in stage.asked(Accuse)} == {key(0), key(2)}
