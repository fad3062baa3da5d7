"""Living a seed, and finding the simplest life that still fails as it did."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.simulation.invariants import InvariantBroken
from tests.simulation.liars import LiarsCluster
from tests.simulation.lives import LevelA, LevelB, begin
from tests.simulation.options import Options, draw

LEVELS: dict[str, type[LiarsCluster]] = {"A": LevelA, "B": LevelB}


@dataclass(frozen=True)
class Outcome:
    """How a life ended."""

    seed: int
    options: Options
    failure: str
    """Empty when it passed."""
    trace: str
    """SHA-256 over everything that happened, in hexadecimal."""
    steps: int
    height: int
    cpu_s: float

    @property
    def is_passed(self) -> bool:
        return not self.failure

    def failing(self, why: str) -> "Outcome":
        return replace(self, failure=why)

    def describe(self) -> str:
        if self.is_passed:
            return (
                f"seed {self.seed} passed: {self.steps} steps, height {self.height}, {self.trace}"
            )
        return f"seed {self.seed} FAILED: {self.failure} ({self.options.describe()})"


class Stopped(Exception):
    """The story was to end here."""


def live(
    level: str,
    seed: int,
    options: Options | None = None,
    narrate: Callable[[str], None] | None = None,
    until: int | None = None,
) -> Outcome:
    """The life of a seed at a level, under its own options or others."""
    options = options or draw(seed)
    if level == "B":
        options = replace(options, reconfigurations=0)  # the ledger has one set of validators yet
    life = begin(seed, options, LEVELS[level])
    cluster, failure = life.cluster, ""
    if narrate is not None:
        tell = narrate

        def narrating(line: str) -> None:
            if until is not None and cluster.steps > until:
                raise Stopped
            tell(line)

        cluster.narrate = narrating
    began = time.process_time()
    try:
        life.run()
    except InvariantBroken as error:
        failure = str(error)
    except Stopped:
        pass
    except Exception as error:
        failure = f"seed {seed}, step {cluster.steps}: {type(error).__name__}: {error}"
    cpu_s = time.process_time() - began
    return Outcome(
        seed,
        life.options,
        failure,
        cluster.trace.hexdigest(),
        cluster.steps,
        cluster.height(),
        cpu_s,
    )


def shrink(level: str, seed: int) -> Options:
    """The simplest options under which the seed still fails."""
    options = draw(seed)
    is_simpler = True
    while is_simpler:
        is_simpler = False
        for simpler in options.simpler():
            if simpler != options and not live(level, seed, simpler).is_passed:
                options, is_simpler = simpler, True
                break
    return options
