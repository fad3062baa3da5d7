"""A crash before and after every write of every replica, in the normal case and a view change."""

from dataclasses import dataclass

import pytest

from consensus import Commit, Effect, Persist
from tests.simulation.cluster import Cluster, Faults, Host

RESTART_AFTER_S = 0.4


@dataclass(frozen=True)
class Crash:
    """Which write of which host is cut short."""

    index: int
    write: int
    is_after: bool
    """The write is durable, and nothing after it was done."""


class CrashingCluster(Cluster):
    """A cluster in which one host is killed at a chosen write, once."""

    def __init__(self, crash: Crash) -> None:
        self.crash = crash
        self.writes = 0
        super().__init__(faults=Faults(delay_min_s=0.001, delay_mean_s=0.002))

    @property
    def has_crashed(self) -> bool:
        return self.writes >= self.crash.write

    def _do(self, host: Host, effect: Effect) -> None:
        is_write = host.index == self.crash.index and isinstance(effect, Persist | Commit)
        self.writes += is_write
        is_now = is_write and self.writes == self.crash.write
        if not is_now or self.crash.is_after:
            super()._do(host, effect)
        if is_now:
            self.kill(host.index)
            self._at(self.now + RESTART_AFTER_S, lambda: self.restart(host.index))


CRASHES = [
    Crash(index, write, is_after)
    for index in range(4)
    for write in range(1, 10)
    for is_after in (False, True)
]


@pytest.mark.parametrize("crash", CRASHES, ids=str)
def test_S01_a_crash_at_any_write_loses_nothing(crash: Crash) -> None:
    cluster = CrashingCluster(crash)
    for number in range(3):
        cluster.submit(b"deed %d" % number)
        cluster.run(0.2)
    cluster.mute(0)
    cluster.submit(b"while the primary is silent")
    cluster.run(3)
    cluster.mute(0, False)
    cluster.submit(b"last")
    for number in range(3):
        cluster.expect_final(b"deed %d" % number, within_s=20)
    cluster.expect_final(b"while the primary is silent", within_s=20)
    cluster.expect_final(b"last", within_s=20)


def test_the_crashes_reach_every_write_of_the_story() -> None:
    for index in range(4):
        assert any(reaches(crash) for crash in CRASHES if crash.index == index and crash.write == 9)


def reaches(crash: Crash) -> bool:
    """Whether the story gets as far as this write."""
    cluster = CrashingCluster(crash)
    for number in range(3):
        cluster.submit(b"deed %d" % number)
        cluster.run(0.2)
    return cluster.has_crashed


@pytest.mark.parametrize("write", range(1, 10))
def test_S21_all_are_killed_after_any_write_of_the_primary(write: int) -> None:
    cluster = CrashingCluster(Crash(0, write, True))
    for number in range(3):
        cluster.submit(b"deed %d" % number)
        if not cluster.run_until(lambda: cluster.has_crashed, 0.2):
            continue
        height = cluster.height()
        for index in range(4):
            cluster.kill(index)
        for index in range(4):
            cluster.restart(index)
        assert cluster.height() >= height
    cluster.submit(b"last")
    cluster.expect_final(b"last", within_s=20)


@pytest.mark.parametrize("seed", range(10))
def test_S21_killed_all_at_once_again_and_again(seed: int) -> None:
    cluster = Cluster(seed=seed)
    for number in range(10):
        cluster.submit(b"deed %d" % number)
        cluster.run(cluster.random.uniform(0, 0.1))
        height = cluster.height()
        for index in range(4):
            cluster.kill(index)
        for index in range(4):
            cluster.restart(index)
        assert cluster.height() >= height
    for number in range(10):
        cluster.expect_final(b"deed %d" % number, within_s=20)
