"""Status: what it says, and what it pulls."""

from dataclasses import replace

import pytest

from consensus import Accuse, CatchUp, CaughtUp, PeerConnected, Tick, WorkPending
from consensus.messages import Flag, NewView, Signed, Status, ViewChange
from tests.unit.consensus.ballots import Ballots, key, members
from tests.unit.consensus.stage import Stage

B = Ballots(members())


def with_votes(seat: int = 2) -> Stage:
    """A backup that holds the proposal, two PREPAREs and two COMMITs."""
    stage = Stage(seat)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge()
    stage.hear(B.prepare(1, b"block"), B.commit(0, b"block"))
    return stage


def kinds(messages: list) -> list[str]:  # type: ignore[type-arg]
    return [type(m.statement).__name__ for m in messages if isinstance(m, Signed)]


def test_an_idle_replica_says_one_status_a_second() -> None:
    stage = Stage()
    stage.wait(10)
    assert len(stage.said(Status)) == 1 + 10


def test_a_busy_one_says_eight_in_a_timeout() -> None:
    stage = Stage()
    stage.step(WorkPending(True))
    stage.wait(1)
    assert 7 <= len(stage.said(Status)) - 1 <= 9


def test_a_status_is_said_to_who_connects() -> None:
    stage = Stage()
    stage.step(PeerConnected(key(3)), PeerConnected(key(2)))
    stage.wait(0.05)
    assert len(stage.said(Status)) == 2


def test_a_tick_before_the_deadline_does_nothing() -> None:
    stage = Stage()
    assert stage.step(Tick()) == []


def test_time_that_goes_back_is_not_believed() -> None:
    stage = Stage()
    stage.wait(5)
    deadline = stage.replica.deadline
    stage.now = 0.0
    stage.step(Tick())
    assert stage.replica.deadline == deadline


def test_a_status_tells_whose_votes_are_held() -> None:
    stage = with_votes()
    stage.wait(1)
    status = stage.said(Status)[-1]
    assert (status.prepares, status.commits) == (0b0110, 0b0101)
    assert Flag.PROPOSED in status.flags


def test_who_holds_nothing_is_given_everything() -> None:
    stage = with_votes()
    stage.hear(B.status(3))
    assert sorted(kinds(stage.sent_to(3))) == [
        "Commit",
        "Commit",
        "PrePrepare",
        "Prepare",
        "Prepare",
    ]


def test_who_holds_the_same_is_given_nothing() -> None:
    stage = with_votes()
    stage.wait(1)
    same = stage.said(Status)[-1]
    stage.hear(B.seal(replace(same, place=B.place(3, 0))))
    assert stage.sent_to(3) == []


def test_the_proposal_is_given_with_its_body() -> None:
    stage = with_votes()
    stage.hear(B.status(3))
    assert B.pre_prepare(b"block") in stage.sent_to(3)


def test_who_is_in_a_lower_view_is_given_the_new_view() -> None:
    stage = Stage(seat=2)
    opened = B.new_view([B.view_change(s) for s in (0, 1, 3)])
    stage.hear(opened, B.status(3))
    assert stage.sent_to(3) == [opened]


def test_who_waits_in_the_same_view_is_given_the_view_changes_it_lacks() -> None:
    stage = Stage(seat=2)
    stage.hear(B.view_change(0), B.view_change(3))
    stage.hear(B.status(1, view=1, flags=Flag.CHANGING))
    signers = {m.statement.place.signer for m in stage.sent_to(1) if isinstance(m, Signed)}
    assert signers == {key(0), key(2), key(3)}


def test_a_status_from_ahead_by_more_than_one_is_followed_at_once() -> None:
    stage = Stage()
    stage.hear(B.status(3, height=2))
    assert stage.asked(CatchUp) == [CatchUp(2, (key(3),))]


def test_one_height_ahead_is_given_time_to_arrive() -> None:
    stage = Stage()
    stage.hear(B.status(3, height=1))
    assert not stage.asked(CatchUp)
    stage.wait(0.5)
    stage.hear(B.status(3, height=1))
    assert len(stage.asked(CatchUp)) == 1


def test_N15_catching_up_is_asked_for_at_a_bounded_rate() -> None:
    stage = Stage()
    for _ in range(100):
        stage.hear(B.status(3, height=10**12))
    assert len(stage.asked(CatchUp)) == 1


def test_all_who_are_ahead_are_named() -> None:
    stage = Stage(seat=1)
    stage.hear(B.status(3, height=1), B.status(2, height=5))
    assert stage.asked(CatchUp)[0].claimed_by == tuple(sorted([key(2), key(3)]))


def test_ones_own_status_asks_for_nothing() -> None:
    stage = Stage(seat=1)
    stage.hear(B.status(1, height=99))
    assert not stage.asked(CatchUp)


def test_C01_two_backups_with_two_proposals_show_them_to_each_other() -> None:
    stage = Stage(seat=2)
    stage.hear(B.pre_prepare(b"block"))
    stage.judge()
    stage.hear(B.prepare(3, b"other"), B.status(3, flags=Flag.PROPOSED))
    assert "PrePrepare" in kinds(stage.sent_to(3))


STRANGERS = Ballots(members(7))
OTHER_EPOCH = Ballots(members(epoch=1))


@pytest.mark.parametrize(
    "message",
    [
        STRANGERS.status(6, height=9),
        OTHER_EPOCH.status(3, height=9),
        STRANGERS.view_change(6),
        OTHER_EPOCH.view_change(3),
        OTHER_EPOCH.pre_prepare(b"block"),
        OTHER_EPOCH.new_view([OTHER_EPOCH.view_change(s) for s in range(3)]),
    ],
    ids=lambda message: type(message.statement).__name__,
)
def test_C08_strangers_and_other_epochs_are_not_heard(message: Signed) -> None:
    assert Stage(seat=2).hear(message) == []


def test_C32_a_flood_from_the_future_leaves_one_vote_each() -> None:
    stage = Stage(seat=2)
    flood = [B.commit(3, b"%d" % view, height=2, view=view) for view in range(100)]
    stage.hear(*flood, *reversed(flood))
    stage.step(CaughtUp(B.committed(b"one"), B.replica_set))
    assert not stage.asked(Accuse)


def test_M01_votes_of_the_old_set_do_not_count_under_the_new() -> None:
    stage = Stage(seat=2)
    stage.step(CaughtUp(B.committed(b"one"), members(epoch=1, first_height=2)))
    assert stage.hear(B.pre_prepare(b"two", height=2)) == []


def test_M02_views_begin_again_at_0_under_a_new_set() -> None:
    stage = Stage(seat=2)
    stage.hear(B.new_view([B.view_change(s) for s in (0, 1, 3)]))
    stage.step(CaughtUp(B.committed(b"one", view=1), members(epoch=1, first_height=2)))
    assert (stage.replica.view, stage.replica.is_active) == (0, True)


def test_M07_blocks_fetched_past_a_change_of_sets_leave_a_proof_to_show() -> None:
    """The set grew from four to seven at height 2; the last block fetched is of height 9, view
    3."""
    seven = Ballots(members(7, epoch=1, first_height=2))
    stage = Stage(seat=2)
    stage.ballots = seven
    certificate = seven.committed(b"nine", height=9, view=3, by=range(2, 7))
    stage.step(CaughtUp(certificate, seven.replica_set))
    assert stage.replica.view == 3
    stage.hear(*(seven.view_change(s, 4, certificate) for s in (0, 1, 5)))
    assert [s.committed for s in stage.said(ViewChange)] == [certificate]


def test_a_new_view_is_not_sent_by_who_has_none() -> None:
    stage = Stage(seat=2)
    stage.hear(B.status(3, flags=Flag.CHANGING))
    assert not stage.said(NewView)
    assert stage.sent_to(3) == []
