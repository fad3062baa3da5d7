"""A devnet under steady traffic, watched: the means of the experiments with failing validators.

Two threads, one that submits and one that looks, each with one connection to each validator that it
is told to use. Whoever is about to fail is taken from both beforehand, as a client with a time-out
would; so what is measured is the chain, and not a client's patience.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from urbanchain.client import Client, MempoolFull, NotReady, Status, Syncing
from urbanchain.devnet.state import DevnetState, NodeEntry, load_state
from urbanchain.keys import PrivateKey

TRANSFER_EVERY_S = 0.025
LOOK_EVERY_S = 0.005
WITHIN_S = 60.0


class ExperimentFailed(Exception):
    """What was waited for did not come."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A block, seen for the first time anywhere."""

    at_s: float
    """On the monotonic clock."""
    height: int
    view: int
    """The view that the validator which showed it was in."""


class Repeating:
    """A thread that does something again and again with some of the validators. What goes wrong in
    it is raised by `close`."""

    def __init__(self, action: Callable[[Sequence[str]], None], every_s: float) -> None:
        self._action = action
        self._every_s = every_s
        self._names: tuple[str, ...] = ()
        self._busy = threading.Lock()
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def use(self, names: Sequence[str]) -> None:
        """Which validators from now on; what was under way with others has ended on return."""
        with self._busy:
            self._names = tuple(names)

    def close(self) -> None:
        """End the thread, and raise what ended it before."""
        self._over.set()
        self._thread.join()
        self.check()

    def check(self) -> None:
        """Raise what ended the thread, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._over.wait(self._every_s):
                with self._busy:
                    if self._names:
                        self._action(self._names)
        except BaseException as error:
            self._failure = error


class Traffic:
    """Small transfers, one after the other, to each of the validators in turn."""

    def __init__(self, nodes: Sequence[NodeEntry], key: PrivateKey, to: str) -> None:
        self.sent = 0
        self.refused = 0
        """Not taken by a validator that said it could not now."""
        self._clients = {node.name: Client(node.api, key=key) for node in nodes}
        self._to = to
        self._turn = itertools.count()

    def send(self, names: Sequence[str]) -> None:
        """One more transfer."""
        name = names[next(self._turn) % len(names)]
        try:
            self._clients[name].transfer(self._to, 1)
        except (MempoolFull, NotReady, Syncing):
            self.refused += 1
        else:
            self.sent += 1

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()


class Watch:
    """What the validators show: their status now, and when each block was first seen."""

    def __init__(self, nodes: Sequence[NodeEntry]) -> None:
        self.sightings: list[Sighting] = []
        self.statuses: dict[str, Status] = {}
        """Of those looked at now."""
        self._clients = {node.name: Client(node.api) for node in nodes}

    @property
    def height(self) -> int:
        """The highest block seen."""
        return self.sightings[-1].height if self.sightings else 0

    @property
    def view(self) -> int:
        """The highest view that one of those looked at is in."""
        return max((status.view for status in list(self.statuses.values())), default=0)

    def look(self, names: Sequence[str]) -> None:
        """Ask each for its status."""
        found = {name: self._look_at(name) for name in names}
        self.statuses = found

    def _look_at(self, name: str) -> Status:
        status = self._clients[name].status()
        if status.height > self.height:
            self.sightings.append(Sighting(time.monotonic(), status.height, status.view))
        return status

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()


@dataclass(frozen=True, slots=True)
class Experiment:
    """A running devnet, its traffic and its watch."""

    directory: Path
    traffic: Traffic
    watch: Watch
    threads: tuple[Repeating, ...]

    @property
    def state(self) -> DevnetState:
        """The devnet with its processes of this moment."""
        return load_state(self.directory)

    @property
    def names(self) -> tuple[str, ...]:
        """Every validator."""
        return tuple(node.name for node in self.state.nodes)

    def use(self, names: Sequence[str]) -> None:
        """Submit to these and look at these only."""
        for thread in self.threads:
            thread.use(names)

    def spare(self, names: Sequence[str]) -> None:
        """Submit to all others, look at all others: these are about to fail."""
        self.use([name for name in self.names if name not in names])

    def wait_until(self, is_true: Callable[[], bool], what: str) -> None:
        """Ask again until it holds. Raises ExperimentFailed, or what ended a thread."""
        deadline = time.monotonic() + WITHIN_S
        while not is_true():
            for thread in self.threads:
                thread.check()
            if time.monotonic() > deadline:
                raise ExperimentFailed(f"not within {WITHIN_S:g} s: {what}")
            time.sleep(LOOK_EVERY_S)

    def wait_for_blocks(self, count: int) -> None:
        """Wait for so many more blocks."""
        height = self.watch.height + count
        self.wait_until(lambda: self.watch.height >= height, f"block {height}")

    def wait_for_harmony(self) -> None:
        """Wait until all that are looked at say the same view and primary, while blocks come."""
        self.wait_for_blocks(3)

        def is_one() -> bool:
            seen = {(s.view, s.primary) for s in self.watch.statuses.values()}
            return len(seen) == 1

        self.wait_until(is_one, "one view and primary everywhere")


@contextmanager
def observe(directory: Path, transfer_every_s: float = TRANSFER_EVERY_S) -> Iterator[Experiment]:
    """Traffic and a watch over a devnet that runs."""
    state = load_state(directory)
    sender, receiver = state.accounts[0], state.accounts[1]
    traffic = Traffic(state.nodes, PrivateKey.load(directory / sender.key_file), receiver.address)
    watch = Watch(state.nodes)
    with ExitStack() as stack:
        stack.callback(traffic.close)
        stack.callback(watch.close)
        submitting = Repeating(traffic.send, transfer_every_s)
        stack.callback(submitting.close)
        looking = Repeating(watch.look, LOOK_EVERY_S)
        stack.callback(looking.close)
        experiment = Experiment(directory, traffic, watch, (submitting, looking))
        experiment.use(experiment.names)
        yield experiment


def longest_gap_s(sightings: Sequence[Sighting], since_s: float) -> float:
    """The longest time without a block, from the last one seen at or before a moment on."""
    before = [sighting.at_s for sighting in sightings if sighting.at_s <= since_s]
    times = [*before[-1:], *(s.at_s for s in sightings if s.at_s > since_s)]
    return max((later - sooner for sooner, later in pairwise(times)), default=0.0)
