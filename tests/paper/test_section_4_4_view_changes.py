"""Castro & Liskov, OSDI 1999, §4.4 View Changes, promise by promise."""

import pytest

from consensus import (
    Broadcast,
    CatchUp,
    CaughtUp,
    JudgeProposal,
    Persist,
    ProposalBuilt,
    Verdict,
    WorkPending,
)
from consensus import Commit as CommitEffect
from consensus.messages import Commit, Flag, NewView, Prepare, PrePrepare, ViewChange
from consensus.records import Entered, Left
from tests.unit.consensus.ballots import Ballots, digest, members
from tests.unit.consensus.stage import Stage

B = Ballots(members())


def suspicious(seat: int = 2) -> Stage:
    """A backup whose timer ran out, in company."""
    stage = Stage(seat)
    stage.step(WorkPending(True))
    stage.wait(1.1)
    stage.hear(B.status(3 if seat != 3 else 1, flags=Flag.SUSPECT))
    return stage


def test_a_backup_whose_timer_expires_moves_to_the_next_view() -> None:
    (view_change,) = suspicious().said(ViewChange)
    assert (view_change.place.view, view_change.place.height) == (1, 0)


def test_the_timer_runs_only_while_the_backup_waits_for_a_request() -> None:
    stage = Stage(seat=2)
    stage.wait(100)
    stage.hear(B.status(3, flags=Flag.SUSPECT))
    assert not stage.replica.suspects & {B.replica_set.members[2]}


def test_the_timer_stops_when_the_request_is_executed() -> None:
    stage = Stage(seat=2)
    stage.step(WorkPending(True))
    stage.wait(0.9)
    stage.step(CaughtUp(B.committed(b"one"), B.replica_set))
    stage.wait(0.9)
    assert not stage.replica.suspects


def test_C21_nobody_leaves_a_view_alone() -> None:
    stage = Stage(seat=2)
    stage.step(WorkPending(True))
    stage.wait(100)
    assert not stage.said(ViewChange)


def test_a_backup_in_a_view_change_accepts_no_more_votes_of_the_old_view() -> None:
    stage = suspicious()
    stage.hear(B.pre_prepare(b"block"), B.prepare(1, b"block"))
    assert not stage.asked(JudgeProposal)
    assert not stage.said(Prepare)


def test_a_view_change_carries_the_prepared_certificate() -> None:
    stage = Stage(seat=2)
    stage.step(WorkPending(True))
    stage.hear(B.pre_prepare(b"block"))
    stage.judge()
    stage.hear(B.prepare(1, b"block"))
    stage.wait(1.1)
    stage.hear(B.status(3, flags=Flag.SUSPECT))
    (view_change,) = stage.said(ViewChange)
    assert view_change.prepared == B.prepared(b"block", by=[1, 2])


def test_a_view_change_carries_the_proof_of_the_last_stable_checkpoint() -> None:
    stage = Stage(seat=2)
    certificate = B.committed(b"one")
    stage.step(CaughtUp(certificate, B.replica_set), WorkPending(True))
    stage.wait(1.1)
    stage.hear(B.status(3, height=1, flags=Flag.SUSPECT))
    (view_change,) = stage.said(ViewChange)
    assert view_change.committed == certificate


def test_what_one_leaves_is_written_down_before_it_is_said() -> None:
    stage = suspicious()
    left = next(i for i, e in enumerate(stage.effects) if isinstance(e, Persist))
    after = stage.effects[left + 1]
    assert isinstance(stage.journal[0], Left)
    assert isinstance(after, Broadcast)
    assert isinstance(after.statement, ViewChange)


def new_primary() -> Stage:
    """Seat 1, which leads view 1, and has left view 0 with one other."""
    stage = Stage(seat=1)
    stage.hear(B.view_change(2), B.view_change(3))
    return stage


def test_the_new_primary_multicasts_new_view_on_a_quorum_of_view_changes() -> None:
    (new_view,) = new_primary().said(NewView)
    signers = [m.statement.place.signer for m in new_view.view_changes]
    assert signers == sorted(B.replica_set.members[seat] for seat in (1, 2, 3))


def test_the_new_primary_needs_a_quorum() -> None:
    stage = Stage(seat=1)
    stage.hear(B.view_change(3))
    assert not stage.said(NewView)


def test_the_new_primary_sends_one_new_view() -> None:
    stage = new_primary()
    stage.hear(B.view_change(0))
    assert len(stage.said(NewView)) == 1


def test_others_send_no_new_view() -> None:
    stage = Stage(seat=2)
    stage.hear(*(B.view_change(seat) for seat in (0, 1, 3)))
    assert not stage.said(NewView)


def test_the_new_primary_proposes_the_prepared_request_again() -> None:
    stage = Stage(seat=1)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge()
    certificate = B.prepared(b"block", by=[2, 3])
    stage.hear(B.view_change(2, 1, prepared=certificate), B.view_change(3))
    stage.step(WorkPending(True), ProposalBuilt(1, 1, digest(b"other"), b"other"))
    assert [s.digest for s in stage.said(PrePrepare)] == [digest(b"block")]


def test_the_new_primary_is_free_when_nothing_was_prepared() -> None:
    stage = new_primary()
    stage.step(WorkPending(True), ProposalBuilt(1, 1, digest(b"other"), b"other"))
    assert [s.digest for s in stage.said(PrePrepare)] == [digest(b"other")]


def entered(seat: int = 2, prepared: bytes = b"") -> Stage:
    """A backup in view 1, by a NEW-VIEW that may demand a digest."""
    stage = Stage(seat)
    certificate = B.prepared(prepared) if prepared else None
    parts = [B.view_change(0), B.view_change(1, 1, prepared=certificate), B.view_change(3)]
    stage.hear(B.new_view(parts))
    return stage


def test_a_backup_enters_the_view_that_new_view_proves() -> None:
    stage = entered()
    assert (stage.replica.view, stage.replica.is_active) == (1, True)


def test_new_view_is_in_the_log_before_the_backup_acts_in_it() -> None:
    stage = entered()
    assert isinstance(stage.journal[0], Entered)
    first = next(e for e in stage.effects if isinstance(e, Persist))
    assert stage.effects.index(first) < len(stage.effects) - 1


def test_a_backup_votes_in_the_new_view_as_in_any_other() -> None:
    stage = entered()
    stage.hear(B.pre_prepare(b"block", view=1))
    stage.judge()
    assert [s.place.view for s in stage.said(Prepare)] == [1]


def test_a_backup_refuses_a_proposal_other_than_the_prepared_one() -> None:
    stage = entered(prepared=b"block")
    stage.hear(B.pre_prepare(b"other", view=1))
    assert not stage.asked(JudgeProposal)
    assert stage.replica.suspects == {B.replica_set.members[2]}


def test_a_backup_accepts_the_prepared_one() -> None:
    stage = entered(prepared=b"block")
    stage.hear(B.pre_prepare(b"block", view=1))
    stage.judge()
    assert [s.digest for s in stage.said(Prepare)] == [digest(b"block")]


def test_C36_no_clock_rule_applies_to_a_proposal_made_again() -> None:
    stage = entered(prepared=b"block")
    stage.hear(B.pre_prepare(b"block", view=1))
    assert stage.asked(JudgeProposal)[-1].is_reproposed


def test_C36_a_refusal_in_one_view_does_not_bind_the_next() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge(Verdict.INVALID)
    certificate = B.prepared(b"block", by=[1, 3])
    parts = [B.view_change(0), B.view_change(1, 1, prepared=certificate), B.view_change(3)]
    stage.hear(B.new_view(parts), B.pre_prepare(b"block", view=1))
    stage.judge(Verdict.VALID)
    assert [s.place.view for s in stage.said(Prepare)] == [1]


def test_a_replica_lacking_the_checkpoint_of_the_new_view_fetches_it() -> None:
    stage = Stage(seat=2)
    parts = [B.view_change(s, 1, B.committed(b"five", height=5)) for s in (0, 1, 3)]
    stage.hear(B.new_view(parts))
    assert stage.asked(CatchUp)[-1].height == 5


@pytest.mark.parametrize("seat", [1, 2])
def test_no_height_below_the_new_view_is_voted_for_again(seat: int) -> None:
    """The block of height 1 is committed by one who alone reports it: nobody may decide height 1
    anew."""
    stage = Stage(seat)
    parts = [B.view_change(0, 1, B.committed(b"one")), B.view_change(1), B.view_change(3)]
    stage.hear(B.new_view(parts, by=1))
    stage.step(WorkPending(True), ProposalBuilt(1, 1, digest(b"other"), b"other"))
    stage.hear(*([] if seat == 1 else [B.pre_prepare(b"other", view=1)]))
    assert not stage.said(PrePrepare)
    assert not stage.asked(JudgeProposal)


def test_C26_a_certificate_in_a_view_change_is_enough_to_commit_by() -> None:
    """Whoever committed the block may be gone; the body is held by those who prepared it."""
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"one"))
    stage.judge()
    parts = [B.view_change(0, 1, B.committed(b"one")), B.view_change(1), B.view_change(3)]
    stage.hear(B.new_view(parts))
    assert [e.certificate.digest for e in stage.asked(CommitEffect)] == [digest(b"one")]


def test_C41_a_waiting_replica_that_learns_of_a_commit_says_so_in_its_view_change() -> None:
    stage = suspicious()
    stage.step(CaughtUp(B.committed(b"one"), B.replica_set))
    assert [s.place.height for s in stage.said(ViewChange)] == [0, 1]
    assert {s.place.view for s in stage.said(ViewChange)} == {1}


def test_C30_a_new_view_of_an_old_view_moves_nobody_back() -> None:
    stage = entered()
    stage.hear(B.view_change(0, 3), B.view_change(3, 3))
    assert stage.replica.view == 3
    stage.hear(B.new_view([B.view_change(s, 2) for s in (0, 1, 3)], view=2))
    assert stage.replica.view == 3


def test_votes_of_an_old_view_still_commit() -> None:
    stage = suspicious()
    stage.hear(B.pre_prepare(b"block"), *(B.commit(seat, b"block") for seat in (0, 1, 3)))
    stage.judge()
    assert len(stage.asked(CommitEffect)) == 1
    assert not stage.said(Commit)
