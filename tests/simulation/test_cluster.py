"""Whole clusters in virtual time: the normal case, silent primaries, crashes, partitions, loss, and
seeded swarms."""

import random

import pytest

from tests.simulation.cluster import Cluster, Faults
from tests.simulation.stories import live_through


def test_a_transaction_is_final_everywhere_in_one_view() -> None:
    cluster = Cluster()
    cluster.submit(b"deed")
    cluster.expect_final(b"deed", within_s=1)
    assert cluster.view() == 0


@pytest.mark.parametrize("n", [4, 5, 6, 7, 8, 10, 13])
def test_every_size_of_cluster_commits(n: int) -> None:
    cluster = Cluster(n)
    for number in range(5):
        cluster.submit(b"deed %d" % number)
        cluster.expect_final(b"deed %d" % number, within_s=2)


def test_an_idle_cluster_makes_no_blocks_and_changes_no_view() -> None:
    cluster = Cluster()
    cluster.run(600)
    assert cluster.height() == 0
    assert cluster.view() == 0


def test_C13_a_silent_primary_is_replaced_within_a_timeout() -> None:
    cluster = Cluster()
    cluster.kill(0)
    cluster.submit(b"deed")
    cluster.expect_final(b"deed", within_s=1.5)
    assert cluster.view() == 1


@pytest.mark.parametrize(("n", "f"), [(7, 2), (10, 3)])
def test_C14_f_silent_primaries_in_a_row_are_replaced(n: int, f: int) -> None:
    cluster = Cluster(n)
    for index in range(f):
        cluster.kill(index)
    cluster.submit(b"deed")
    cluster.expect_final(b"deed", within_s=1 + 2 + 4 + 2)
    assert cluster.view() == f


def test_the_backoff_resets_on_commit() -> None:
    cluster = Cluster(7)
    cluster.kill(0)
    cluster.kill(1)
    cluster.submit(b"first")
    cluster.expect_final(b"first")
    cluster.restart(0)
    cluster.restart(1)
    cluster.run(5)
    primary = cluster.view() % 7
    cluster.kill(primary)
    cluster.submit(b"second")
    cluster.expect_final(b"second", within_s=1.5)


def test_the_primary_rotates_on_schedule_without_a_view_change() -> None:
    cluster = Cluster(rotation_blocks=2)
    for number in range(12):
        cluster.submit(b"deed %d" % number)
        cluster.expect_final(b"deed %d" % number, within_s=1)
    assert cluster.view() == 0


@pytest.mark.parametrize("index", range(4))
def test_one_crashed_replica_stops_nothing_and_catches_up(index: int) -> None:
    cluster = Cluster()
    cluster.submit(b"before")
    cluster.expect_final(b"before")
    cluster.kill(index)
    for number in range(20):
        cluster.submit(b"while away %d" % number)
        cluster.expect_final(b"while away %d" % number, within_s=5)
    cluster.restart(index)
    cluster.expect_height(cluster.height(), within_s=3)
    view = cluster.view()
    cluster.submit(b"after")
    cluster.expect_final(b"after", within_s=2)
    assert cluster.view() == view


def test_all_crash_at_once_and_carry_on() -> None:
    cluster = Cluster()
    for number in range(10):
        cluster.submit(b"deed %d" % number)
        cluster.run(0.013)
    for index in range(4):
        cluster.kill(index)
    height = cluster.height()
    for index in range(4):
        cluster.restart(index)
    cluster.submit(b"after")
    cluster.expect_final(b"after", within_s=10)
    assert cluster.height() > height


def test_all_crash_in_a_later_view_and_nobody_goes_back_below_it() -> None:
    cluster = Cluster()
    cluster.kill(0)
    cluster.submit(b"first")
    cluster.expect_final(b"first")
    cluster.restart(0)
    cluster.run(3)
    for index in range(4):
        cluster.kill(index)
    for index in range(4):
        cluster.restart(index)
    cluster.submit(b"second")
    cluster.expect_final(b"second", within_s=10)
    assert cluster.view() >= 1


def test_no_half_of_a_split_cluster_commits_and_healing_resumes() -> None:
    cluster = Cluster()
    cluster.submit(b"before")
    cluster.expect_final(b"before")
    cluster.partition({0, 1}, {2, 3})
    cluster.submit(b"during")
    cluster.run(60)
    assert cluster.height() == 1
    cluster.heal()
    cluster.expect_final(b"during", within_s=5)


def test_a_long_loss_of_quorum_does_not_run_views_away() -> None:
    cluster = Cluster()
    cluster.kill(2)
    cluster.kill(3)
    cluster.submit(b"deed")
    cluster.run(600)
    view = cluster.view()
    assert view <= 1
    cluster.restart(2)
    cluster.restart(3)
    cluster.expect_final(b"deed", within_s=5)
    assert cluster.view() <= view + 3


def test_a_replica_cut_off_alone_neither_stops_the_others_nor_moves_their_view() -> None:
    cluster = Cluster()
    cluster.partition({0, 1, 2}, {3})
    cluster.submit(b"during")
    cluster.run_until(lambda: cluster.hosts[0].height == 1, 2)
    cluster.run(120)
    cluster.heal()
    cluster.submit(b"after")
    cluster.expect_final(b"after", within_s=3)
    assert cluster.view() == 0


def test_one_replica_that_alone_holds_a_transaction_changes_no_view() -> None:
    cluster = Cluster()
    cluster.submit(b"private", to=[3])
    cluster.run(60)
    assert cluster.view() == 0


def test_a_fifth_of_all_messages_lost_delays_but_does_not_stop() -> None:
    cluster = Cluster(faults=Faults(loss=0.2, duplicates=0.1, delay_mean_s=0.03))
    for number in range(20):
        cluster.submit(b"deed %d" % number)
        cluster.expect_final(b"deed %d" % number, within_s=60)


def test_the_same_seed_gives_the_same_run() -> None:
    def run() -> tuple[int, int, list[bytes]]:
        cluster = _swarm(7)
        return cluster.steps, cluster.traffic, [block.digest for block in cluster.hosts[0].chain]

    assert run() == run()


def _swarm(seed: int) -> Cluster:
    """Random faults for a while, then all heals and everything submitted must become final."""
    dice = random.Random(seed)
    faults = Faults(
        delay_min_s=dice.choice([0, 0.01]),
        delay_mean_s=dice.choice([0.001, 0.01, 0.1]),
        loss=dice.choice([0, 0, 0.05, 0.3]),
        duplicates=dice.choice([0, 0.2]),
        crash_per_effect=dice.choice([0, 0.0005, 0.005, 0.02]),
    )
    n, rotation_blocks = dice.choice([4, 4, 4, 5, 7]), dice.choice([3, 256])
    cluster = Cluster(n, seed, faults, rotation_blocks=rotation_blocks)
    live_through(cluster, dice, 12)
    for number in range(12):
        cluster.expect_final(b"deed %d" % number, within_s=60)
    cluster.expect_final(b"last", within_s=60)
    return cluster
