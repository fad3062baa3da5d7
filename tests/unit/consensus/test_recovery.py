"""A replica restarted from any prefix of its journal repeats itself verbatim or stays silent."""

import pytest

from consensus import CaughtUp, Head, JudgeProposal, ProposalBuilt, Verdict, WorkPending
from consensus import Commit as CommitEffect
from consensus.effects import Broadcast
from consensus.messages import (
    Commit,
    Flag,
    NewView,
    Prepare,
    PrePrepare,
    Signed,
    Statement,
    Status,
    ViewChange,
    Vote,
)
from consensus.records import Accepted, Entered, Prepared, Reached
from tests.unit.consensus.ballots import GENESIS, Ballots, digest, members
from tests.unit.consensus.stage import Stage

B = Ballots(members())


def spoken(stage: Stage) -> list[Statement]:
    """What it said, Status left out."""
    said = [effect.statement for effect in stage.asked(Broadcast)]
    return [statement for statement in said if not isinstance(statement, Status)]


def votes(stage: Stage) -> list[Vote]:
    return [s for s in spoken(stage) if isinstance(s, PrePrepare | Prepare | Commit)]


def suspicion(view: int, *seats: int) -> list[Signed]:
    return [B.status(seat, view=view, flags=Flag.SUSPECT) for seat in seats]


def a_backup_through_two_views() -> Stage:
    """Seat 2: prepares in view 0, leaves it, prepares the same again in view 1."""
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge()
    stage.hear(B.prepare(1, b"block"))
    stage.step(WorkPending(True))
    stage.wait(1.1)
    stage.hear(*suspicion(0, 3))
    prepared = B.prepared(b"block", by=[1, 2])
    others = [B.view_change(seat, 1, prepared=prepared) for seat in (0, 1, 3)]
    stage.hear(*others, B.new_view(others))
    stage.hear(B.pre_prepare(b"block", view=1), B.prepare(3, b"block", view=1))
    return stage


def a_primary_through_its_view() -> Stage:
    """Seat 1: leaves view 0, opens view 1 and proposes there."""
    stage = Stage(seat=1)
    stage.hear(*(B.view_change(seat) for seat in (2, 3)))
    stage.step(WorkPending(True), ProposalBuilt(1, 1, digest(b"block"), b"block"))
    stage.hear(B.prepare(2, b"block", view=1), B.prepare(3, b"block", view=1))
    return stage


STORIES = {"backup": a_backup_through_two_views, "primary": a_primary_through_its_view}
PREFIXES = [
    (name, length) for name, story in STORIES.items() for length in range(len(story().journal) + 1)
]


def restarted(story: Stage, length: int) -> Stage:
    return Stage(story.seat, records=story.journal[:length], bodies=story.bodies)


def test_the_stories_write_every_kind_of_record() -> None:
    kinds = {type(r).__name__ for story in STORIES.values() for r in story().journal}
    assert kinds == {"Accepted", "Prepared", "Left", "Entered"}


@pytest.mark.parametrize(("name", "length"), PREFIXES)
def test_S03_it_says_nothing_it_had_not_said(name: str, length: int) -> None:
    story = STORIES[name]()
    again = spoken(restarted(story, length))
    assert all(statement in spoken(story) for statement in again)


def other_votes(seat: int, view: int) -> list[Signed]:
    """What would make it vote for something else in a view."""
    proposal = B.pre_prepare(b"other", view=view)
    rest = [s for s in range(4) if s not in (seat, B.primary(view))]
    prepares = [B.prepare(s, b"other", view=view) for s in rest]
    return [proposal, *prepares, *(B.commit(s, b"other", view=view) for s in rest[:1])]


@pytest.mark.parametrize(("name", "length"), PREFIXES)
def test_S01_it_never_votes_twice_in_one_place(name: str, length: int) -> None:
    """Killed after `length` records; what it said up to then may be anywhere."""
    story = STORIES[name]()
    again = restarted(story, length)
    for view in (0, 1):
        if B.primary(view) != story.seat:
            again.hear(*other_votes(story.seat, view))
        else:
            again.step(WorkPending(True), ProposalBuilt(1, view, digest(b"other"), b"other"))
        if again.asked(JudgeProposal):
            again.judge()
    written = {r for r in story.journal[:length] if isinstance(r, Accepted | Prepared)}
    bound = {
        (r.pre_prepare.place.view, r.pre_prepare.digest)
        if isinstance(r, Accepted)
        else (r.certificate.view, r.certificate.digest)
        for r in written
    }
    for vote in votes(again):
        assert all(d == vote.digest for view, d in bound if view == vote.place.view)


@pytest.mark.parametrize(("name", "length"), PREFIXES)
def test_it_never_votes_below_a_view_change_it_wrote_down(name: str, length: int) -> None:
    story = STORIES[name]()
    again = restarted(story, length)
    left = {type(r).__name__ for r in story.journal[:length]} & {"Left", "Entered"}
    again.hear(*other_votes(story.seat, 0))
    if left and again.asked(JudgeProposal):
        again.judge()
    assert not left or all(vote.place.view >= 1 for vote in votes(again))


def test_a_new_replica_says_only_where_it_stands() -> None:
    stage = Stage(seat=1)
    assert spoken(stage) == []
    assert len(stage.said(Status)) == 1


def test_the_prepared_certificate_is_still_reported_after_a_restart() -> None:
    story = a_backup_through_two_views()
    certificate = next(r.certificate for r in story.journal if isinstance(r, Prepared))
    again = restarted(story, story.journal.index(Prepared(certificate)) + 1)
    again.step(WorkPending(True))
    again.wait(1.1)
    again.hear(*suspicion(0, 3))
    (view_change,) = again.said(ViewChange)
    assert view_change.prepared == certificate


def test_a_restarted_primary_repeats_its_proposal_with_the_body() -> None:
    stage = Stage(seat=0)
    stage.step(WorkPending(True), ProposalBuilt(1, 0, digest(b"block"), b"block"))
    again = restarted(stage, 1)
    proposals = [e for e in again.asked(Broadcast) if isinstance(e.statement, PrePrepare)]
    assert [e.payload for e in proposals] == [b"block"]


def test_a_restarted_primary_builds_no_second_proposal() -> None:
    stage = Stage(seat=0)
    stage.step(WorkPending(True), ProposalBuilt(1, 0, digest(b"block"), b"block"))
    again = restarted(stage, 1)
    again.step(WorkPending(True), ProposalBuilt(1, 0, digest(b"other"), b"other"))
    assert [s.digest for s in again.said(PrePrepare)] == [digest(b"block")]


def test_a_new_primary_shows_the_same_new_view_again() -> None:
    story = a_primary_through_its_view()
    again = restarted(story, len(story.journal))
    assert again.said(NewView) == story.said(NewView)


def test_records_of_a_height_already_committed_are_skipped() -> None:
    story = a_backup_through_two_views()
    head = Head(1, digest(b"block"), B.committed(b"block"))
    records = [r for r in story.journal if isinstance(r, Accepted | Prepared)]
    again = Stage(2, head=head, records=records, bodies=story.bodies)
    assert spoken(again) == []
    assert again.replica.height == 1


def test_records_of_another_epoch_are_skipped() -> None:
    story = a_backup_through_two_views()
    later = members(epoch=1, first_height=1)
    again = Stage(2, later, records=[*story.journal, Reached(0, 9, True, 0)], bodies=story.bodies)
    assert spoken(again) == []
    assert again.replica.view == 0


@pytest.mark.parametrize("is_active", [True, False])
def test_the_view_survives_the_commit_that_cuts_the_journal(is_active: bool) -> None:
    head = Head(1, digest(b"block"), B.committed(b"block"))
    again = Stage(2, head=head, records=[Reached(0, 3, is_active, 1)])
    assert (again.replica.view, again.replica.is_active) == (3, is_active)


def test_after_a_commit_in_a_later_view_the_journal_keeps_the_view() -> None:
    stage = a_backup_through_two_views()
    stage.hear(*(B.commit(seat, b"block", view=1) for seat in (0, 1, 3)))
    stage.commit()
    assert stage.journal == [Reached(0, 1, True, 1)]


def test_a_primary_that_opens_a_view_and_commits_at_once_is_still_in_it_after_a_restart() -> None:
    """The VIEW-CHANGE that completes the quorum also proves the open height committed."""
    stage = Stage(seat=1)
    stage.hear(B.pre_prepare(b"one"))
    stage.judge()
    stage.hear(B.view_change(2), B.view_change(3, 1, B.committed(b"one")))
    head = Head(1, digest(b"one"), B.committed(b"one"))
    again = Stage(1, head=head, records=stage.journal)
    assert (again.replica.view, again.replica.is_active) == (1, True)


def test_a_height_that_a_new_view_proved_committed_stays_closed_after_a_restart() -> None:
    """NEW-VIEW proves height 2; the replica fetched height 1 only, and then crashed."""
    parts = [B.view_change(s, 1, B.committed(b"two", height=2)) for s in (0, 2, 3)]
    stage = Stage(seat=2)
    stage.hear(B.new_view(parts))
    kept = stage.replica.kept_records(B.committed(b"zero", height=1))
    head = Head(1, digest(b"one"), B.committed(b"one"))
    again = Stage(2, head=head, records=kept)
    again.hear(B.pre_prepare(b"other", height=2, view=1))
    assert votes(again) == []
    assert not again.asked(JudgeProposal)


def test_a_lost_body_is_asked_for_before_it_is_proposed_again() -> None:
    story = a_backup_through_two_views()
    entered = next(i for i, r in enumerate(story.journal) if isinstance(r, Entered))
    again = Stage(2, records=story.journal[: entered + 1])
    again.hear(*(B.commit(seat, b"block", view=1) for seat in (0, 1, 3)))
    assert not again.asked(CommitEffect)
    assert again.said(Status)[-1].wanted == digest(b"block")


def test_recovery_repeats_a_vote_without_judging_it_again() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge(Verdict.VALID)
    again = restarted(stage, 1)
    assert [s.digest for s in again.said(Prepare)] == [digest(b"block")]
    assert not again.asked(JudgeProposal)


def test_a_replica_of_a_fresh_chain_stands_on_genesis() -> None:
    assert Stage(seat=3).said(Status)[0].head == GENESIS


def test_C40_a_height_that_came_both_ways_is_opened_once() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"one"))
    stage.judge()
    stage.hear(*(B.commit(seat, b"one") for seat in (0, 1, 3)))
    stage.commit()
    stage.hear(B.pre_prepare(b"two", height=2))
    stage.judge()
    before = votes(stage)
    stage.step(CaughtUp(B.committed(b"one"), stage.replica_set))
    stage.hear(B.pre_prepare(b"two", height=2))
    assert votes(stage) == before
    assert len(stage.asked(JudgeProposal)) == 2
