"""Links that fail in scripted ways, and come back."""

import pytest

from tests.simulation.cluster import Cluster, Faults


@pytest.mark.parametrize("index", range(4))
def test_N02_any_one_may_be_cut_off_and_come_back(index: int) -> None:
    cluster = Cluster()
    cluster.submit(b"before")
    cluster.expect_final(b"before")
    cluster.partition({index}, set(range(4)) - {index})
    cluster.submit(b"during")
    assert cluster.run_until(lambda: cluster.height() == 2, 5)
    cluster.run(30)
    cluster.heal()
    cluster.expect_final(b"during", within_s=3)
    view = cluster.view()
    cluster.submit(b"after")
    cluster.expect_final(b"after", within_s=3)
    assert cluster.view() == view


@pytest.mark.parametrize("index", range(4))
def test_N02_any_one_may_hear_and_not_be_heard(index: int) -> None:
    cluster = Cluster()
    cluster.mute(index)
    cluster.submit(b"during")
    cluster.expect_final(b"during", within_s=5)
    cluster.mute(index, False)
    cluster.submit(b"after")
    cluster.expect_final(b"after", within_s=5)


@pytest.mark.parametrize("bridge", range(4))
def test_N04_two_sides_that_meet_in_one_member_agree(bridge: int) -> None:
    cluster = Cluster()
    one, two, three = (index for index in range(4) if index != bridge)
    cluster.partition({one, bridge}, {two, three, bridge})
    cluster.submit(b"during")
    assert cluster.run_until(lambda: cluster.height() == 1, 10)
    cluster.heal()
    cluster.expect_final(b"during", within_s=5)


def test_S22_ten_minutes_without_a_quorum_cost_a_few_views_and_seconds() -> None:
    cluster = Cluster(7)
    for index in (0, 1, 2):
        cluster.kill(index)
    cluster.submit(b"during")
    cluster.run(600)
    assert cluster.height() == 0
    view = cluster.view()
    for index in (0, 1, 2):
        cluster.restart(index)
    cluster.expect_final(b"during", within_s=8)
    assert cluster.view() <= view + 2 + 2


def test_C28_a_block_committed_by_one_who_is_then_gone_is_the_one_that_is_kept() -> None:
    """Everybody prepares, one commits and vanishes: the invariants forbid any other block."""
    for seed in range(20):
        cluster = Cluster(seed=seed)
        cluster.submit(b"deed")
        cluster.run_until(lambda c=cluster: c.height() == 1, 5)  # type: ignore[misc]
        first = max(cluster.hosts, key=lambda host: host.height)
        digest = first.chain[0][0]
        cluster.kill(first.index)
        rest = {host.index for host in cluster.hosts} - {first.index}
        cluster.submit(b"other", to=rest)
        cluster.expect_height(1)
        assert {cluster.hosts[index].chain[0][0] for index in rest} == {digest}


def test_C34_a_quorum_lost_right_after_a_commit_resumes_with_laggards() -> None:
    cluster = Cluster()
    cluster.partition({0, 1, 2}, {3})
    cluster.submit(b"first")
    cluster.run_until(lambda: cluster.height() == 1, 5)
    cluster.partition({0}, {1}, {2}, {3})
    cluster.run(20)
    cluster.kill(0)
    cluster.links.join_all()
    cluster.submit(b"second", to=[1, 2, 3])
    cluster.expect_final(b"second", within_s=10)


def test_N03_a_link_that_flaps_once_a_second_only_delays() -> None:
    cluster = Cluster()
    for number in range(10):
        cluster.submit(b"deed %d" % number)
        cluster.partition({0, 1}, {2, 3})
        cluster.run(0.5)
        cluster.heal()
        cluster.run(0.5)
    for number in range(10):
        cluster.expect_final(b"deed %d" % number, within_s=5)


@pytest.mark.parametrize("loss", [0.1, 0.3, 0.5])
def test_N01_loss_repetition_and_long_delays_only_slow_it_down(loss: float) -> None:
    faults = Faults(delay_min_s=0.02, delay_mean_s=0.2, loss=loss, duplicates=0.5)
    cluster = Cluster(faults=faults)
    for number in range(5):
        cluster.submit(b"deed %d" % number)
        cluster.expect_final(b"deed %d" % number, within_s=120)


def test_an_idle_cluster_says_one_status_each_a_second() -> None:
    cluster = Cluster()
    cluster.run(10)
    before = cluster.traffic
    cluster.run(60)
    assert cluster.traffic - before <= 4 * 3 * 61
