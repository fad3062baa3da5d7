"""Payloads travel unsigned beside digests: asked for when missing, checked before they count."""

from dataclasses import replace

from consensus import Commit as CommitEffect
from consensus import JudgeProposal, Verdict
from consensus.messages import Body, Prepare, Status
from tests.unit.consensus.ballots import Ballots, digest, members
from tests.unit.consensus.stage import Stage

B = Ballots(members())
PROPOSAL = B.pre_prepare(b"block")
WITHOUT_BODY = replace(PROPOSAL, payload=b"")
WITH_GARBAGE = replace(PROPOSAL, payload=b"garbage")
GOOD = Body(digest(b"block"), b"block")
BAD = Body(digest(b"block"), b"garbage")
COMMITS = [B.commit(seat, b"block") for seat in (0, 1, 3)]


def wanted(stage: Stage) -> bytes:
    """What its latest Status asks for."""
    return stage.said(Status)[-1].wanted


def test_a_missing_body_is_asked_for_at_once() -> None:
    stage = Stage(seat=2)
    stage.hear(WITHOUT_BODY)
    assert wanted(stage) == digest(b"block")


def test_the_body_that_comes_is_judged() -> None:
    stage = Stage(seat=2)
    stage.hear(WITHOUT_BODY, GOOD)
    assert [e.payload for e in stage.asked(JudgeProposal)] == [b"block"]


def test_a_body_nobody_asked_for_is_dropped() -> None:
    stage = Stage(seat=2)
    stage.hear(BAD, PROPOSAL)
    assert [e.payload for e in stage.asked(JudgeProposal)] == [b"block"]


def test_a_body_that_does_not_match_is_asked_for_with_the_next_status() -> None:
    stage = Stage(seat=2)
    stage.hear(WITH_GARBAGE)
    assert stage.judge(Verdict.MISMATCH) == []
    stage.wait(1)
    assert wanted(stage) == digest(b"block")


def test_a_mismatch_is_judged_once() -> None:
    stage = Stage(seat=2)
    stage.hear(WITH_GARBAGE)
    stage.judge(Verdict.MISMATCH)
    stage.wait(5)
    assert len(stage.asked(JudgeProposal)) == 1


def test_a_mismatch_says_nothing_about_the_digest() -> None:
    stage = Stage(seat=2)
    stage.hear(WITH_GARBAGE)
    stage.judge(Verdict.MISMATCH)
    stage.hear(GOOD)
    stage.judge()
    assert len(stage.said(Prepare)) == 1
    assert not stage.replica.suspects


def test_a_certified_block_is_not_committed_before_its_body_was_looked_at() -> None:
    stage = Stage(seat=2)
    stage.hear(WITH_GARBAGE, *COMMITS)
    assert not stage.asked(CommitEffect)
    stage.judge(Verdict.MISMATCH)
    stage.hear(GOOD)
    stage.judge()
    assert [e.payload for e in stage.asked(CommitEffect)] == [b"block"]


def test_a_later_body_does_not_replace_one_that_was_judged() -> None:
    stage = Stage(seat=2)
    stage.hear(WITHOUT_BODY, PROPOSAL, BAD)
    stage.judge()
    stage.hear(BAD, *COMMITS)
    assert [e.payload for e in stage.asked(CommitEffect)] == [b"block"]


def test_who_asks_for_a_body_gets_it() -> None:
    stage = Stage(seat=2)
    stage.hear(PROPOSAL)
    stage.judge()
    stage.hear(B.status(3, wanted=digest(b"block")))
    assert GOOD in stage.sent_to(3)


def test_who_asks_for_what_is_not_here_gets_nothing() -> None:
    stage = Stage(seat=2)
    stage.hear(B.status(3, wanted=digest(b"block")))
    assert stage.sent_to(3) == []
