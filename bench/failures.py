"""What is done to validators, and what the others' APIs show of it: the primary killed, two away.

A gap reaches from the last block seen before a failure to the first after it. Used by the script
(failover.py) and by the tests on real processes.
"""

import json
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.observing import Experiment, longest_gap_s
from urbanchain.devnet import cluster

LEVEL_WITHIN_S = 60.0
SETTLE_S = 1.0
"""After which no block can come any more that was agreed on before the absence."""
TENURE_MARGIN = 128
"""Blocks before the next scheduled rotation in which no primary is killed: it would no longer be
one when the signal arrives."""


@dataclass(frozen=True, slots=True)
class Failover:
    """A primary was killed."""

    killed: str
    view_before: int
    view_after: int
    gap_s: float
    """Without any block."""


@dataclass(frozen=True, slots=True)
class Absence:
    """Two validators were away."""

    who: tuple[str, ...]
    blocks_meanwhile: int
    """Seen after they were gone."""
    first_block_s: float
    """From their return, which for a crash begins with the start of their processes."""
    view_before: int
    view_after: int


def kill_primary(experiment: Experiment) -> Failover:
    """SIGKILL whoever is primary, wait until blocks come again, restart it, wait until it is
    level."""
    watch = experiment.watch
    experiment.use(experiment.names)
    _wait_for_tenure(experiment)
    experiment.wait_for_harmony()
    primary, view = next((s.primary, s.view) for s in watch.statuses.values())
    experiment.spare([primary])
    killed_at, height = time.monotonic(), watch.height
    cluster.kill_nodes(experiment.directory, [primary])
    # A few blocks: one or two may have been agreed on before the signal.
    experiment.wait_until(
        lambda: watch.view > view and watch.height >= height + 5, f"blocks without {primary}"
    )
    experiment.wait_for_harmony()
    gap_s, view_after = longest_gap_s(watch.sightings, killed_at), watch.view
    _restart(experiment, [primary])
    return Failover(primary, view, view_after, gap_s)


def leave_and_return(experiment: Experiment, away_s: float, *, is_crash: bool) -> Absence:
    """Stop (or kill) the primary and the one after it for a while; there is no quorum meanwhile."""
    watch, names = experiment.watch, experiment.names
    experiment.use(names)
    experiment.wait_for_harmony()
    primary, view = next((s.primary, s.view) for s in watch.statuses.values())
    seat = names.index(primary)
    away = (primary, names[(seat + 1) % len(names)])
    experiment.spare(away)
    if is_crash:
        cluster.kill_nodes(experiment.directory, away)
    else:
        cluster.signal_nodes(experiment.directory, away, signal.SIGSTOP)
    time.sleep(SETTLE_S)
    height = watch.height
    time.sleep(max(0.0, away_s - SETTLE_S))
    blocks_meanwhile, height, back_at = watch.height - height, watch.height, time.monotonic()
    if is_crash:
        _restart(experiment, away)
    else:
        cluster.signal_nodes(experiment.directory, away, signal.SIGCONT)
    experiment.wait_until(lambda: watch.height > height, "a block after the return")
    first = next(s for s in watch.sightings if s.height > height)
    experiment.use(names)
    experiment.wait_for_harmony()
    return Absence(away, blocks_meanwhile, first.at_s - back_at, view, watch.view)


def _restart(experiment: Experiment, names: Sequence[str]) -> None:
    cluster.restart_nodes(experiment.directory, names, LEVEL_WITHIN_S, lambda name, seconds: None)


def _wait_for_tenure(experiment: Experiment) -> None:
    """Wait until the primary has some time left in its seat."""
    genesis = json.loads(experiment.state.genesis.read_bytes())
    rotation = int(genesis["parameters"]["rotation_blocks"])
    margin = min(TENURE_MARGIN, rotation // 2)
    experiment.wait_until(
        lambda: 0 < experiment.watch.height % rotation < rotation - margin,
        "the middle of a primary's tenure",
    )


def view_timeout_s(experiment: Experiment) -> float:
    """The chain's time-out before a primary is suspected."""
    genesis = json.loads(experiment.state.genesis.read_bytes())
    return int(genesis["parameters"]["view_timeout_ms"]) / 1000
