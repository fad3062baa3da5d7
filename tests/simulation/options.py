"""What a seed decides: the size of the cluster, who lies and how, what fails, and what is asked of
it.

Each seed enables a random few of the faults (a swarm), so that every pair of them meets somewhere.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace

from tests.simulation.liars import STRATEGIES
from tests.simulation.links import Faults

SIZES = (4, 4, 4, 4, 5, 5, 6, 7, 7, 8, 10)
PARTITIONS = ("none", "uniform", "isolate", "one way", "swizzle")


@dataclass(frozen=True)
class Options:
    """One life, spelled out. The defaults are the life in which nothing goes wrong."""

    n: int = 4
    liars: tuple[int, ...] = ()
    forgetful: tuple[int, ...] = ()
    """Hosts whose disk is rolled back or wiped once; they count among the faulty f."""
    strategies: tuple[str, ...] = ()
    rotation_blocks: int = 256
    faults: Faults = field(default_factory=Faults)
    partitions: str = "none"
    kills: float = 0.0
    """Per deed."""
    pauses: float = 0.0
    drift_ppm: int = 0
    reconfigurations: float = 0.0
    """Per deed: a transaction that names the members of the next epoch."""
    lone_deeds: float = 0.0
    """The share that one host alone hears of until healing."""
    lost_for_ever: int = 0
    """Hosts that do not come back for the liveness phase, within f."""
    deeds: int = 8

    def describe(self) -> str:
        """Only what is not as in the quiet life."""
        quiet = Options()
        parts = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in fields(self)
            if getattr(self, each.name) != getattr(quiet, each.name)
        ]
        return ", ".join(parts) or "nothing goes wrong"

    def simpler(self) -> Iterator["Options"]:
        """The same life with one thing less going wrong, or fewer deeds."""
        quiet = Options()
        for each in fields(self):
            if each.name not in ("n", "deeds", "faults", "liars", "strategies"):
                yield replace(self, **{each.name: getattr(quiet, each.name)})
        for fault in fields(self.faults):
            calm = replace(self.faults, **{fault.name: getattr(quiet.faults, fault.name)})
            yield replace(self, faults=calm)
        yield replace(self, liars=(), strategies=())
        for strategy in self.strategies:
            rest = tuple(s for s in self.strategies if s != strategy)
            yield replace(self, strategies=rest)
        if self.deeds > 1:
            yield replace(self, deeds=self.deeds // 2)
            yield replace(self, deeds=self.deeds - 1)


def draw(seed: int) -> Options:
    """The life of a seed."""
    dice = random.Random(f"options {seed}")
    n = dice.choice(SIZES)
    f = (n - 1) // 3
    bad = dice.sample(range(n), f)
    liars = tuple(sorted(bad[: dice.choice([0, 0, f, f, max(0, f - 1)])]))
    others = [index for index in bad if index not in liars]
    forgetful = tuple(others[:1]) if dice.random() < 0.2 else ()
    names = [strategy.__name__ for strategy in STRATEGIES]
    faulty = len(liars) + len(forgetful)
    reconfigurations = dice.choice([0, 0, 0, 0.3])
    return Options(
        n=n,
        liars=liars,
        forgetful=forgetful,
        strategies=tuple(dice.sample(names, dice.choice([1, 1, 2, 3]))) if liars else (),
        rotation_blocks=dice.choice([1, 2, 3, 256]),
        faults=Faults(
            delay_min_s=dice.choice([0, 0.001, 0.03]),
            delay_mean_s=dice.choice([0.001, 0.01, 0.1]),
            loss=dice.choice([0, 0, 0.05, 0.3]),
            duplicates=dice.choice([0, 0, 0.2]),
            replays=dice.choice([0, 0, 0.05, 0.5]),
            clogs=dice.choice([0, 0, 0.02]),
            clog_mean_s=dice.choice([0.1, 5]),
            crash_per_effect=dice.choice([0, 0, 0.0005, 0.005, 0.02]),
        ),
        partitions=dice.choice(PARTITIONS),
        kills=dice.choice([0, 0, 0.2, 0.6]),
        pauses=dice.choice([0, 0, 0.2]),
        drift_ppm=dice.choice([0, 0, 500]),
        reconfigurations=reconfigurations,
        lone_deeds=dice.choice([0, 0, 0.2]),
        lost_for_ever=0 if reconfigurations else dice.choice([0, f - faulty]),
        deeds=dice.choice([3, 6, 10]),
    )
