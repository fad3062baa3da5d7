"""Architecture, lost journal: who may have forgotten votes is silent until it cannot contradict
them."""

import pytest

from consensus import CaughtUp, CommitCertificate, Head, WorkPending, codec
from consensus.messages import Answer, Commit, NewView, Prepare, PrePrepare, Question, ViewChange
from consensus.records import Accepted, Forgot, Reached, Record, forgot_all
from tests.unit.consensus.ballots import GENESIS, Ballots, digest, members
from tests.unit.consensus.stage import Stage, statements

B = Ballots(members())
NONCE = b"nonce of a start"
COUNTING = (PrePrepare, Prepare, Commit, ViewChange, NewView)


def started(*records: Record, seat: int = 2, head: Head | None = None) -> Stage:
    return Stage(seat, head=head, records=records, nonce=NONCE)


def said_what_counts(stage: Stage) -> list[object]:
    return [s for kind in COUNTING for s in stage.said(kind)]


def fetch(stage: Stage, certificate: CommitCertificate) -> None:
    stage.step(CaughtUp(certificate, stage.replica_set))


def test_every_start_asks_and_no_vote_is_cast_before_q_less_one_have_answered() -> None:
    stage = started()
    assert stage.said(Question)[0].nonce == NONCE
    stage.hear(B.pre_prepare(b"block"), B.answer(0, NONCE))
    assert said_what_counts(stage) == []
    stage.hear(B.answer(1, NONCE))
    stage.judge()
    assert len(stage.said(Prepare)) == 1


def test_what_was_heard_in_the_silence_is_acted_on_when_it_ends() -> None:
    stage = started()
    stage.hear(*(B.view_change(seat, 1) for seat in (0, 1)))
    assert said_what_counts(stage) == []
    stage.hear(B.answer(0, NONCE), B.answer(1, NONCE))
    assert [left.place.view for left in stage.said(ViewChange)] == [1]


@pytest.mark.parametrize("nonce", [b"nonce of another", b"\0" * 16])
def test_answers_to_another_start_do_not_count(nonce: bytes) -> None:
    stage = started()
    stage.hear(*(B.answer(seat, nonce) for seat in (0, 1, 3)), B.pre_prepare(b"block"))
    assert said_what_counts(stage) == []


def test_one_who_answers_twice_counts_once() -> None:
    stage = started()
    stage.hear(B.answer(0, NONCE), B.answer(0, NONCE), B.pre_prepare(b"block"))
    assert said_what_counts(stage) == []


def test_the_question_is_repeated_until_it_is_answered() -> None:
    stage = started()
    stage.wait(3)
    assert len(stage.said(Question)) > 2


def test_what_was_said_before_is_repeated_when_the_asking_ends() -> None:
    message = B.pre_prepare(b"block")
    assert isinstance(message.statement, PrePrepare)
    stage = started(Accepted(message.statement, message.signature))
    assert stage.said(Prepare) == []
    stage.hear(B.answer(0, NONCE), B.answer(1, NONCE, shown=[B.prepare(2, b"block")]))
    assert [vote.digest for vote in stage.said(Prepare)] == [digest(b"block")]


FORGOTTEN = {
    "another PREPARE": B.prepare(2, b"other"),
    "a PREPARE of a later view": B.prepare(2, b"block", view=1),
    "a COMMIT": B.commit(2, b"block"),
    "a vote far ahead": B.commit(2, b"block", height=7),
    "a VIEW-CHANGE": B.view_change(2, 1),
}


@pytest.mark.parametrize("case", FORGOTTEN)
def test_S08_an_echo_beyond_the_journal_means_silence(case: str) -> None:
    message = B.pre_prepare(b"block")
    assert isinstance(message.statement, PrePrepare)
    stage = started(Accepted(message.statement, message.signature))
    stage.hear(B.answer(0, NONCE, shown=[FORGOTTEN[case]]), B.answer(1, NONCE))
    stage.hear(*(B.view_change(seat, 1) for seat in (0, 1)))
    assert said_what_counts(stage) == []
    assert forgot_all(0) in stage.journal


def test_S08_silence_until_two_heights_above_the_highest_and_then_above_the_views() -> None:
    stage = started(forgot_all(0))
    answers = [B.answer(s, NONCE, B.committed(b"four", height=4)) for s in (0, 1, 3)]
    stage.hear(*answers[:2])
    assert stage.replica.is_active
    assert stage.journal == [forgot_all(0)]
    stage.hear(answers[2])
    assert stage.journal[-1] == Forgot(0, 6, 2)
    fetch(stage, B.committed(b"five", height=5))
    stage.hear(*(B.view_change(seat, 1, B.committed(b"five", height=5)) for seat in (0, 1)))
    assert said_what_counts(stage) == []
    fetch(stage, B.committed(b"six", height=6))
    head = B.committed(b"six", height=6)
    stage.hear(*(B.view_change(seat, 1, head) for seat in (0, 1, 3)))
    assert [s.place.view for s in stage.said(ViewChange)] == [3]


def test_S08_views_that_f_plus_1_left_for_are_believed_and_what_one_liar_claims_is_not() -> None:
    stage = started(forgot_all(0))
    liar, honest = B.view_change(0, 1 << 40), B.view_change(1, 5)
    stage.hear(
        B.answer(0, NONCE, shown=[liar]),
        B.answer(1, NONCE, shown=[honest, B.view_change(3, 4)]),
        B.answer(3, NONCE),
    )
    assert stage.journal[-1] == Forgot(0, 2, 7)


def test_what_was_forgotten_stays_forgotten_over_a_restart_and_a_commit() -> None:
    stage = started(Forgot(0, 6, 2), Reached(0, 0, True, 0))
    head = B.committed(b"three", height=3)
    kept = stage.replica.kept_records(head)
    assert Forgot(0, 6, 2) in kept
    again = started(*kept, head=Head(3, digest(b"three"), head))
    again.hear(B.answer(0, NONCE, head), B.answer(1, NONCE, head))
    again.hear(B.pre_prepare(b"four", height=4))
    again.step(WorkPending(True))
    again.wait(5)
    assert said_what_counts(again) == []


def test_the_answer_shows_the_askers_highest_vote_and_who_left_for_what() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"), B.prepare(1, b"block"), B.commit(1, b"block"))
    stage.hear(B.view_change(3, 4))
    said = statements(stage.hear(B.question(1, NONCE)))
    assert len(said) == 1
    answer = said[0]
    assert isinstance(answer, Answer)
    assert answer.nonce == NONCE
    assert list(answer.shown) == [B.commit(1, b"block"), B.view_change(3, 4)]


def test_question_and_answer_survive_the_wire() -> None:
    for message in (
        B.question(1, NONCE),
        B.answer(1, NONCE, B.committed(b"one"), [B.commit(2, b"two", height=2)]),
    ):
        assert codec.decode(codec.encode(message), GENESIS) == message
