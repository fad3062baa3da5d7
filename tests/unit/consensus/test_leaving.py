"""Leaving a view in company, and what binds the one that is entered."""

from consensus import JudgeProposal, ProposalJudged, Verdict, WorkPending
from consensus.messages import Flag, Prepare, Status, ViewChange
from tests.unit.consensus.ballots import Ballots, digest, members
from tests.unit.consensus.stage import Stage

B = Ballots(members())


def test_a_new_view_binds_by_what_it_shows_and_not_by_what_one_holds() -> None:
    stage = Stage(seat=2)
    shown = [B.view_change(seat, 1) for seat in (1, 2, 3)]
    stage.hear(B.view_change(0, 1, prepared=B.prepared(b"block")), *shown, B.new_view(shown))
    stage.hear(B.pre_prepare(b"other", view=1))
    stage.judge()
    assert [vote.digest for vote in stage.said(Prepare)] == [digest(b"other")]


def test_a_refusal_by_the_clock_counts_in_its_view_only() -> None:
    """A proposal too far from our clock is refused; the next view proposes it again."""
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge(Verdict.INVALID)
    shown = [B.view_change(seat, 1, prepared=B.prepared(b"block")) for seat in (0, 1, 3)]
    stage.hear(*shown, B.new_view(shown), B.pre_prepare(b"block", view=1))
    assert [asked.view for asked in stage.asked(JudgeProposal)] == [0, 1]
    stage.judge(Verdict.VALID)
    assert [vote.place.view for vote in stage.said(Prepare)] == [1]


def test_a_refusal_that_comes_after_its_view_is_asked_for_again() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    asked = stage.asked(JudgeProposal)[0]
    shown = [B.view_change(seat, 1, prepared=B.prepared(b"block")) for seat in (0, 1, 3)]
    stage.hear(*shown, B.new_view(shown), B.pre_prepare(b"block", view=1))
    stage.step(ProposalJudged(asked.height, asked.view, asked.digest, Verdict.INVALID))
    stage.judge(Verdict.VALID)
    assert [vote.place.view for vote in stage.said(Prepare)] == [1]


def test_who_has_left_a_view_is_company_for_who_suspects_it() -> None:
    stage = Stage(seat=2)
    stage.hear(B.view_change(3, 1))
    stage.step(WorkPending(True))
    stage.wait(1.1)
    assert [left.place.view for left in stage.said(ViewChange)] == [1]


def test_C15_a_suspicion_goes_when_the_work_behind_it_is_gone() -> None:
    stage = Stage(seat=2)
    stage.step(WorkPending(True))
    stage.wait(1.1)
    stage.step(WorkPending(False))
    stage.hear(B.status(3, flags=Flag.SUSPECT))
    assert stage.said(ViewChange) == []
    assert Flag.SUSPECT not in stage.said(Status)[-1].flags


def test_a_suspicion_of_another_height_is_no_company() -> None:
    stage = Stage(seat=2)
    stage.step(WorkPending(True))
    stage.hear(B.status(3, height=1, flags=Flag.SUSPECT))
    stage.wait(1.1)
    assert stage.said(ViewChange) == []
