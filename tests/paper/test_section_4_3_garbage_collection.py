"""Castro & Liskov, OSDI 1999, §4.3 Garbage Collection: here every committed block is a stable
checkpoint."""

from consensus import CatchUp, CaughtUp, ExtendCertificate, JudgeProposal
from consensus.messages import Prepare, Status
from consensus.records import Reached
from tests.unit.consensus.ballots import Ballots, digest, members
from tests.unit.consensus.stage import Stage

B = Ballots(members())


def after_one_block() -> Stage:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"one"))
    stage.judge()
    stage.hear(*(B.commit(seat, b"one") for seat in (0, 1, 3)))
    stage.commit()
    return stage


def test_a_commit_discards_the_log_below_it() -> None:
    assert after_one_block().journal == [Reached(0, 0, True, 0)]


def test_the_low_watermark_is_the_last_committed_height() -> None:
    stage = after_one_block()
    stage.hear(B.pre_prepare(b"other"))
    assert len(stage.asked(JudgeProposal)) == 1


def test_messages_within_the_high_watermark_are_kept_for_their_turn() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"two", height=2))
    assert not stage.asked(JudgeProposal)
    stage.step(CaughtUp(B.committed(b"one"), B.replica_set))
    assert [e.digest for e in stage.asked(JudgeProposal)] == [digest(b"two")]


def test_C32_messages_above_the_high_watermark_are_dropped() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"four", height=4))
    stage.step(CaughtUp(B.committed(b"three", height=3), B.replica_set))
    assert not stage.asked(JudgeProposal)


def test_C32_old_messages_get_no_answer() -> None:
    stage = after_one_block()
    before = len(stage.effects)
    stage.hear(B.prepare(1, b"one"), B.prepare(3, b"one"), B.pre_prepare(b"one"))
    assert stage.effects[before:] == []


def test_a_replica_that_was_left_behind_is_brought_up_by_a_checkpoint() -> None:
    stage = Stage(seat=2)
    stage.hear(B.status(0, height=7), B.status(1, height=7))
    assert stage.asked(CatchUp)[0].height == 7
    stage.step(CaughtUp(B.committed(b"seven", height=7), B.replica_set))
    stage.hear(B.pre_prepare(b"eight", height=8))
    stage.judge()
    assert [s.place.height for s in stage.said(Prepare)] == [8]


def test_C40_a_block_fetched_while_it_is_written_opens_one_height() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"one"))
    stage.judge()
    stage.hear(*(B.commit(seat, b"one") for seat in (0, 1, 3)))
    stage.step(CaughtUp(B.committed(b"one"), B.replica_set))
    stage.commit()
    assert stage.replica.height == 1


def test_the_proof_of_a_checkpoint_grows_by_late_commits() -> None:
    stage = after_one_block()
    stage.hear(B.commit(2, b"one"))
    (extended,) = stage.asked(ExtendCertificate)
    assert [seat for seat, _ in extended.certificate.signatures] == [0, 1, 2, 3]


def test_a_late_commit_for_another_digest_does_not_join_the_proof() -> None:
    stage = after_one_block()
    stage.hear(B.commit(2, b"other"), B.commit(2, b"one", view=1))
    assert not stage.asked(ExtendCertificate)


def test_the_head_is_told_in_every_status() -> None:
    stage = after_one_block()
    stage.wait(2)
    assert stage.said(Status)[-1].head == digest(b"one")
