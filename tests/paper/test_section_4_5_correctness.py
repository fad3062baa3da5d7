"""Castro & Liskov, OSDI 1999, §4.5.2 Liveness, promise by promise. §4.5.1 Safety is what
tests/simulation checks."""

import pytest

from consensus import WorkPending
from consensus.messages import Flag, NewView, Signed, Status, ViewChange
from tests.simulation.cluster import Cluster
from tests.unit.consensus.ballots import Ballots, members
from tests.unit.consensus.stage import Stage

B = Ballots(members())
SEVEN = Ballots(members(7))


def test_f_plus_1_view_changes_pull_a_replica_along_before_its_timer_expires() -> None:
    stage = Stage(seat=2)
    stage.hear(B.view_change(0), B.view_change(3))
    assert [s.place.view for s in stage.said(ViewChange)] == [1]


def test_f_view_changes_do_not() -> None:
    stage = Stage(2, SEVEN.replica_set)
    stage.hear(SEVEN.view_change(0), SEVEN.view_change(3))
    assert not stage.said(ViewChange)


def test_C20_the_smallest_of_the_views_is_joined() -> None:
    stage = Stage(seat=2)
    stage.hear(B.view_change(0, 2**63 - 1), B.view_change(3, 4))
    assert [s.place.view for s in stage.said(ViewChange)] == [4]


def test_C21_one_replica_cannot_force_a_view_change_however_often_it_asks() -> None:
    stage = Stage(seat=2)
    stage.hear(*(B.view_change(3, view) for view in range(1, 200)))
    assert (stage.replica.view, stage.replica.is_active) == (0, True)


def waiting_for_view_1() -> Stage:
    """Seat 3 has left for view 1 with two others."""
    stage = Stage(seat=3)
    stage.step(WorkPending(True))
    stage.hear(B.view_change(0), B.view_change(2))
    return stage


def is_suspect(stage: Stage) -> bool:
    return bool(stage.said(Status)[-1].flags & Flag.SUSPECT)


def test_the_timer_of_a_new_view_starts_when_a_quorum_has_left_for_it() -> None:
    stage = waiting_for_view_1()
    stage.wait(0.9)
    assert not is_suspect(stage)
    stage.wait(0.2)
    assert is_suspect(stage)


def test_without_a_quorum_the_timer_of_a_new_view_does_not_run() -> None:
    stage = Stage(3, SEVEN.replica_set)
    stage.step(WorkPending(True))
    stage.hear(*(SEVEN.view_change(seat) for seat in (0, 2, 4)))
    assert not stage.replica.is_active
    stage.wait(1000)
    assert not is_suspect(stage)


def test_those_who_left_for_higher_views_count_towards_the_timer() -> None:
    stage = Stage(3, SEVEN.replica_set)
    stage.step(WorkPending(True))
    stage.hear(*(SEVEN.view_change(seat) for seat in (0, 2, 4)), SEVEN.view_change(5, 9))
    stage.wait(1.1)
    assert is_suspect(stage)


def test_each_failed_view_doubles_the_wait() -> None:
    stage = waiting_for_view_1()
    stage.wait(1.1)
    stage.hear(B.status(2, view=1, flags=Flag.SUSPECT | Flag.CHANGING))
    stage.hear(B.view_change(0, 2), B.view_change(2, 2))
    assert stage.replica.view == 2
    stage.wait(1.9)
    assert not is_suspect(stage)
    stage.wait(0.2)
    assert is_suspect(stage)


@pytest.mark.parametrize("n", [4, 7, 10])
def test_C14_no_more_than_f_faulty_primaries_come_in_a_row(n: int) -> None:
    cluster = Cluster(n)
    f = cluster.replica_set.f
    for index in range(f):
        cluster.mute(index)
    cluster.submit(b"deed")
    cluster.expect_final(b"deed", within_s=sum(2**k for k in range(f + 1)) + 1)
    assert cluster.view() <= f


def test_a_lost_new_view_is_given_again_to_who_shows_that_it_lacks_it() -> None:
    stage = Stage(seat=1)
    stage.hear(B.view_change(2), B.view_change(3))
    stage.hear(B.status(3, view=1, flags=Flag.CHANGING))
    sent = [type(m.statement) for m in stage.sent_to(3) if isinstance(m, Signed)]
    assert sent == [NewView]
