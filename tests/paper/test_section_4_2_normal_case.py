"""Castro & Liskov, OSDI 1999, §4.2 Normal-Case Operation, promise by promise."""

from itertools import permutations

import pytest

from consensus import (
    Accuse,
    Broadcast,
    BuildProposal,
    JudgeProposal,
    Persist,
    ProposalBuilt,
    Verdict,
    WorkPending,
)
from consensus import Commit as CommitEffect
from consensus.messages import Commit, Prepare, PrePrepare, Signed, Status
from consensus.records import Accepted, Prepared
from tests.unit.consensus.ballots import Ballots, digest, members
from tests.unit.consensus.stage import Stage

B = Ballots(members())


def prepared_backup(seat: int = 2) -> Stage:
    """A backup that has sent its COMMIT."""
    stage = Stage(seat)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge()
    stage.hear(*(B.prepare(s, b"block") for s in (1, 2, 3) if s != seat))
    return stage


def test_the_primary_multicasts_a_pre_prepare_with_the_message_piggybacked() -> None:
    stage = Stage(seat=0)
    stage.step(WorkPending(True))
    assert stage.asked(BuildProposal) == [BuildProposal(1, 0)]
    stage.step(ProposalBuilt(1, 0, digest(b"block"), b"block"))
    (broadcast,) = [e for e in stage.asked(Broadcast) if isinstance(e.statement, PrePrepare)]
    assert broadcast.payload == b"block"


def test_the_primary_starts_nothing_without_a_request() -> None:
    stage = Stage(seat=0)
    stage.wait(60)
    assert not stage.asked(BuildProposal)


def test_a_backup_accepts_a_pre_prepare_and_multicasts_prepare() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge()
    assert stage.said(Prepare) == [Prepare(B.place(2), digest(b"block"))]


def test_a_backup_does_not_accept_a_pre_prepare_of_another_view() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block", view=1))
    assert not stage.asked(JudgeProposal)


def test_C03_a_backup_accepts_no_second_pre_prepare_with_another_digest() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge()
    stage.hear(B.pre_prepare(b"other"))
    assert [s.digest for s in stage.said(Prepare)] == [digest(b"block")]


@pytest.mark.parametrize("height", [0, 4, 2**62])
def test_a_backup_accepts_nothing_outside_the_watermarks(height: int) -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block", height=height))
    assert not stage.asked(JudgeProposal)


def test_the_pre_prepare_is_in_the_log_before_the_prepare_is_sent() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    (persist, broadcast) = stage.judge()
    assert isinstance(persist, Persist)
    assert isinstance(persist.record, Accepted)
    assert isinstance(broadcast, Broadcast)
    assert isinstance(broadcast.statement, Prepare)


def test_a_proposal_is_executed_before_it_is_voted_for() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    assert len(stage.asked(JudgeProposal)) == 1
    assert not stage.said(Prepare)


def test_C12_an_invalid_proposal_gets_no_prepare_and_raises_suspicion_at_once() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge(Verdict.INVALID)
    assert not stage.said(Prepare)
    assert stage.replica.suspects == {B.replica_set.members[2]}


def test_C06_the_primary_sends_no_prepare() -> None:
    stage = Stage(seat=0)
    stage.step(WorkPending(True), ProposalBuilt(1, 0, digest(b"block"), b"block"))
    stage.hear(B.prepare(1, b"block"))
    assert not stage.said(Prepare)


def test_prepared_needs_the_pre_prepare_and_prepares_of_a_quorum_less_one() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge()
    assert not stage.said(Commit)
    stage.hear(B.prepare(1, b"block"))
    assert stage.said(Commit) == [Commit(B.place(2), digest(b"block"))]


def test_prepares_for_another_digest_do_not_count() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge()
    stage.hear(B.prepare(1, b"other"), B.prepare(3, b"other"))
    assert not stage.said(Commit)


def test_C05_one_backup_counts_once() -> None:
    large = Ballots(members(7))
    stage = Stage(2, large.replica_set)
    stage.hear(large.pre_prepare(b"block"))
    stage.judge()
    stage.hear(*(large.prepare(1, b"block") for _ in range(6)))
    assert not stage.said(Commit)


def test_the_prepared_certificate_is_in_the_log_before_the_commit_is_sent() -> None:
    stage = prepared_backup()
    order = [
        type(e.record) if isinstance(e, Persist) else type(e.statement)
        for e in stage.effects
        if isinstance(e, Persist)
        or (isinstance(e, Broadcast) and not isinstance(e.statement, Status))
    ]
    assert order == [Accepted, Prepare, Prepared, Commit]


def test_a_quorum_of_commits_commits() -> None:
    stage = prepared_backup()
    stage.hear(B.commit(0, b"block"))
    assert not stage.asked(CommitEffect)
    stage.hear(B.commit(1, b"block"))
    (commit,) = stage.asked(CommitEffect)
    assert (commit.certificate.digest, commit.payload) == (digest(b"block"), b"block")


def test_a_quorum_of_commits_commits_what_one_did_not_prepare() -> None:
    stage = Stage(seat=3)
    stage.hear(*(B.commit(seat, b"block") for seat in (0, 1, 2)), B.pre_prepare(b"block"))
    stage.judge()
    assert len(stage.asked(CommitEffect)) == 1
    assert not stage.said(Commit)


def test_a_quorum_of_commits_outweighs_ones_own_prepare() -> None:
    stage = Stage(seat=3)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge()
    stage.hear(*(B.commit(seat, b"other") for seat in (0, 1, 2)))
    assert stage.said(Status)[-1].wanted == digest(b"other")


def test_commits_of_different_views_make_no_quorum() -> None:
    stage = Stage(seat=3)
    stage.hear(B.pre_prepare(b"block"), B.commit(0, b"block"), B.commit(1, b"block", view=1))
    stage.judge()
    stage.hear(B.commit(2, b"block", view=2))
    assert not stage.asked(CommitEffect)


def test_the_certificate_of_a_commit_verifies_for_anyone() -> None:
    stage = prepared_backup()
    stage.hear(B.commit(0, b"block"), B.commit(1, b"block"))
    assert [s for s, _ in stage.asked(CommitEffect)[0].certificate.signatures] == [0, 1, 2]


PHASES = (
    (B.pre_prepare(b"block"),),
    (B.prepare(1, b"block"), B.prepare(3, b"block")),
    (B.commit(0, b"block"), B.commit(1, b"block"), B.commit(3, b"block")),
)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("copies", [1, 2])
def test_C31_the_order_of_messages_does_not_matter(order: tuple[int, ...], copies: int) -> None:
    stage = Stage(seat=2)
    messages: list[Signed] = [m for phase in order for m in PHASES[phase] for _ in range(copies)]
    for message in messages:
        judged = len(stage.asked(JudgeProposal))
        stage.hear(message)
        if len(stage.asked(JudgeProposal)) > judged:
            stage.judge()
    (commit,) = stage.asked(CommitEffect)
    assert (commit.certificate.height, commit.payload) == (1, b"block")


def test_C04_votes_for_what_was_never_proposed_count_for_nothing() -> None:
    stage = Stage(seat=2)
    stage.hear(B.prepare(1, b"ghost"), B.prepare(3, b"ghost"), B.commit(1, b"ghost"))
    assert not stage.said(Prepare)
    assert not stage.said(Commit)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (B.pre_prepare(b"one"), B.pre_prepare(b"two")),
        (B.prepare(1, b"one"), B.prepare(1, b"two")),
        (B.commit(1, b"one"), B.commit(1, b"two")),
    ],
    ids=["PRE-PREPARE", "PREPARE", "COMMIT"],
)
def test_C01_a_second_vote_in_one_place_is_evidence_once(first: Signed, second: Signed) -> None:
    stage = Stage(seat=2)
    stage.hear(first, second, second, first, second)
    (accusation,) = stage.asked(Accuse)
    assert accusation.evidence.accused == first.statement.place.signer
