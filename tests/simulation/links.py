"""The links between hosts: they delay, lose, repeat, replay, clog, and break in one direction or
both."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

REPLAY_FROM = 64
"""An old message is one of the last this many."""


@dataclass(frozen=True)
class Faults:
    """What the network and the hosts do wrong; probabilities per message or effect, times in
    seconds."""

    delay_min_s: float = 0.001
    delay_mean_s: float = 0.01
    loss: float = 0.0
    duplicates: float = 0.0
    replays: float = 0.0
    clogs: float = 0.0
    clog_mean_s: float = 1.0
    crash_per_effect: float = 0.0
    restart_after_s: float = 3.0


@dataclass
class Links:
    """When what is sent arrives, if it does."""

    dice: random.Random
    faults: Faults
    members: int
    groups: list[set[int]] = field(default_factory=list)
    """Only members of one group hear each other."""
    cuts: set[tuple[int, int]] = field(default_factory=set)
    """(from, to): broken in that direction."""
    clogged_until: dict[tuple[int, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.join_all()

    def join_all(self) -> None:
        """No partition and no cut."""
        self.groups = [set(range(self.members))]
        self.cuts = set()
        self.clogged_until = {}

    def split(self, groups: Iterable[Iterable[int]]) -> None:
        """Partition into groups, that may overlap."""
        self.groups = [set(group) for group in groups]

    def is_open(self, source: int, target: int) -> bool:
        """Whether anything gets through in this direction now."""
        is_grouped = any(source in group and target in group for group in self.groups)
        return is_grouped and (source, target) not in self.cuts

    def arrivals(self, now: float, source: int, target: int) -> list[float]:
        """The times at which a message sent now arrives: none if it is lost, two if repeated."""
        faults, dice = self.faults, self.dice
        if faults.loss and dice.random() < faults.loss:
            return []
        copies = 2 if faults.duplicates and dice.random() < faults.duplicates else 1
        link = (source, target)
        if faults.clogs and dice.random() < faults.clogs:
            self.clogged_until[link] = now + dice.expovariate(1 / faults.clog_mean_s)
        start = max(now, self.clogged_until.get(link, 0.0)) + faults.delay_min_s
        return [start + dice.expovariate(1 / faults.delay_mean_s) for _ in range(copies)]
