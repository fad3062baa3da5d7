"""What a quorum's signatures prove, and to whom they prove nothing."""

from dataclasses import replace
from itertools import combinations

import pytest

from consensus import CommitCertificate, MalformedMessage, NotAuthentic, PreparedCertificate
from consensus.certificates import TAG_COMMIT, vote_bytes
from consensus.types import NUMBER_MAX
from tests.unit.consensus.ballots import ANYONE, GENESIS, Ballots, members

FOUR = Ballots(members())
SEVEN = Ballots(members(7))


def refuse(certificate: CommitCertificate | PreparedCertificate, ballots: Ballots = FOUR) -> str:
    """Why the certificate is refused."""
    with pytest.raises(NotAuthentic) as caught:
        certificate.check(ballots.replica_set, ANYONE)
    return caught.value.reason


@pytest.mark.parametrize("by", list(combinations(range(4), 3)))
def test_any_quorum_of_commits_certifies(by: tuple[int, ...]) -> None:
    FOUR.committed(b"block", by=by).check(FOUR.replica_set, ANYONE)


def test_all_may_sign() -> None:
    FOUR.committed(b"block", by=range(4)).check(FOUR.replica_set, ANYONE)


@pytest.mark.parametrize("ballots", [FOUR, SEVEN], ids=["n=4", "n=7"])
def test_one_signature_less_than_a_quorum_proves_nothing(ballots: Ballots) -> None:
    few = ballots.committed(b"block", by=range(ballots.replica_set.quorum - 1))
    assert "fewer" in refuse(few, ballots)


def test_C43_one_bad_signature_too_many_spoils_the_whole() -> None:
    good = FOUR.committed(b"block", by=range(4))
    bad = replace(good, signatures=(*good.signatures[:3], (3, b"forged")))
    assert "does not verify" in refuse(bad)


def test_C43_a_seat_counts_once() -> None:
    good = FOUR.committed(b"block", by=[0, 1])
    twice = replace(good, signatures=(*good.signatures, good.signatures[1]))
    assert "twice" in refuse(twice)


def test_seats_must_ascend() -> None:
    good = FOUR.committed(b"block")
    assert "twice" in refuse(replace(good, signatures=good.signatures[::-1]))


def test_a_seat_that_is_not_in_the_set_is_refused() -> None:
    large = SEVEN.committed(b"block", by=range(2, 7))
    assert "not in the set" in refuse(large, FOUR)


def test_C43_a_certificate_of_the_old_set_does_not_pass_under_the_new() -> None:
    later = Ballots(members(epoch=1, first_height=9))
    assert "epoch 0" in refuse(FOUR.committed(b"block", height=9), later)


def test_M06_signatures_of_the_old_epoch_do_not_pass_when_relabelled() -> None:
    later = Ballots(members(epoch=1, first_height=9))
    old = replace(FOUR.committed(b"block", height=9), epoch=1)
    assert "does not verify" in refuse(old, later)


def test_a_set_certifies_nothing_below_its_first_height() -> None:
    later = Ballots(members(epoch=1, first_height=9))
    assert "first height" in refuse(later.committed(b"block", height=8), later)


@pytest.mark.parametrize("field", ["height", "view", "digest"])
def test_C09_the_signatures_hold_for_one_place_and_digest(field: str) -> None:
    other = {"height": 2, "view": 1, "digest": bytes(32)}[field]
    moved = replace(FOUR.committed(b"block"), **{field: other})  # type: ignore[arg-type]
    assert "does not verify" in refuse(moved)


def test_the_signatures_hold_for_one_chain() -> None:
    certificate = FOUR.committed(b"block")
    other_chain = replace(FOUR.replica_set, genesis=bytes(32))
    with pytest.raises(NotAuthentic):
        certificate.check(other_chain, ANYONE)


def test_prepares_do_not_certify_a_commit() -> None:
    prepares = tuple((s, FOUR.prepare(s, b"block").signature) for s in range(1, 4))
    assert "does not verify" in refuse(replace(FOUR.committed(b"block"), signatures=prepares))


def test_a_light_client_rebuilds_the_signed_bytes_from_the_certificate_alone() -> None:
    certificate = FOUR.committed(b"block", height=5, view=2)
    items = certificate.items(FOUR.replica_set)
    keys = FOUR.replica_set.members[:3]
    place = (0, 5, 2)
    assert [item[1] for item in items] == [
        vote_bytes(TAG_COMMIT, GENESIS, place, key, certificate.digest) for key in keys
    ]


@pytest.mark.parametrize("n", [4, 7])
def test_a_commit_certificate_survives_encoding(n: int) -> None:
    certificate = Ballots(members(n)).committed(b"block", height=NUMBER_MAX, view=NUMBER_MAX)
    assert CommitCertificate.decode(certificate.encode()) == certificate


def test_no_truncated_certificate_is_read() -> None:
    data = FOUR.committed(b"block").encode()
    for end in range(len(data)):
        with pytest.raises(MalformedMessage):
            CommitCertificate.decode(data[:end])


@pytest.mark.parametrize("by", [*combinations([1, 2, 3], 2), (1, 2, 3)])
def test_a_quorum_less_one_of_backups_prepares(by: tuple[int, ...]) -> None:
    FOUR.prepared(b"block", by=by).check(FOUR.replica_set, ANYONE)


def test_C06_the_primary_is_no_backup() -> None:
    assert "no backup" in refuse(FOUR.prepared(b"block", by=[0, 1]))


@pytest.mark.parametrize("ballots", [FOUR, SEVEN], ids=["n=4", "n=7"])
def test_one_backup_less_prepares_nothing(ballots: Ballots) -> None:
    backups = ballots.backups()[: ballots.replica_set.quorum - 2]
    assert "fewer" in refuse(ballots.prepared(b"block", by=backups), ballots)


def test_the_primary_of_the_view_and_height_must_have_proposed() -> None:
    forged = replace(FOUR.prepared(b"block"), view=1)
    assert "no backup" in refuse(forged)
    signature = FOUR.prepare(0, b"block").signature
    assert "does not verify" in refuse(replace(FOUR.prepared(b"block"), pre_prepare=signature))


def test_commits_do_not_prepare() -> None:
    commits = tuple((s, FOUR.commit(s, b"block").signature) for s in (1, 2))
    assert "does not verify" in refuse(replace(FOUR.prepared(b"block"), prepares=commits))


def test_a_prepared_certificate_belongs_to_one_epoch() -> None:
    later = Ballots(members(epoch=1, first_height=1))
    assert "epoch 0" in refuse(FOUR.prepared(b"block"), later)
