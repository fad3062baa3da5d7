"""One seed decides a whole life: the cluster's size, who lies and how, and what the network and the
hosts suffer; then all but the lies end, and everything submitted must become final in bounded
time."""

import random

from consensus import Effect
from tests.simulation.cluster import Faults, Host, live_through
from tests.simulation.liars import STRATEGIES, LiarsCluster

SIZES = ((4, 1), (4, 1), (5, 1), (6, 1), (7, 2), (7, 2), (8, 2), (10, 3))
"""(n, f) with the sizes that are not 3f+1 among them."""
DEEDS = 10
LIVE_WITHIN_S = 60.0
VIEWS_AFTER_HEALING_MAX = 6


class TracedCluster(LiarsCluster):
    """Keeps a digest of everything that happened, to compare two runs by."""

    trace = 0

    def _do(self, host: Host, effect: Effect) -> None:
        step = hash_free(f"{self.now!r} {host.index} {effect!r}")
        self.trace = (self.trace * 1_000_003 + step) % (1 << 128)
        super()._do(host, effect)


def hash_free(text: str) -> int:
    """A number for a text that does not depend on the interpreter's hash seed."""
    return int.from_bytes(text.encode(), "big") % ((1 << 127) - 1)


def draw_faults(dice: random.Random) -> Faults:
    """What may go wrong until healing."""
    return Faults(
        delay_min_s=dice.choice([0, 0.01]),
        delay_mean_s=dice.choice([0.001, 0.01, 0.1]),
        loss=dice.choice([0, 0, 0.05, 0.3]),
        duplicates=dice.choice([0, 0.2]),
        crash_per_effect=dice.choice([0, 0.0005, 0.005, 0.02]),
    )


def draw_cluster(seed: int) -> tuple[TracedCluster, random.Random]:
    """A cluster, and the dice that decide what befalls it."""
    dice = random.Random(f"swarm {seed}")
    n, f = dice.choice(SIZES)
    liars = dice.sample(range(n), dice.choice([0, f, f]))
    strategies = dice.sample(STRATEGIES, dice.choice([1, 1, 2, 3]))
    faults, rotation_blocks = draw_faults(dice), dice.choice([2, 256])
    cluster = TracedCluster(
        liars, strategies, n, seed=seed, faults=faults, rotation_blocks=rotation_blocks
    )
    return cluster, dice


def run_seed(seed: int) -> TracedCluster:
    """The whole life of a seed. Raises InvariantBroken, which names it."""
    cluster, dice = draw_cluster(seed)
    live_through(cluster, dice, DEEDS)
    view = cluster.honest_view()
    for number in range(DEEDS):
        cluster.expect_honest_final(b"deed %d" % number, LIVE_WITHIN_S)
    cluster.expect_honest_final(b"last", LIVE_WITHIN_S)
    if cluster.honest_view() > view + VIEWS_AFTER_HEALING_MAX:
        raise AssertionError(f"seed {seed}: views run away, {view} to {cluster.honest_view()}")
    return cluster
