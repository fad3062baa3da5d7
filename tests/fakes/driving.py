"""The driver's parts over a small city's real ledger, for tests of what the driver does with
them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from consensus import Head, Identity, Timeouts, recover
from storage.journal import Journal
from tests.fakes.city import ALICE, NOW_MS, City
from urbanchain.driver.inbox import Inbox
from urbanchain.driver.parts import Clock, Parts, Tools, Validator
from urbanchain.fates import FateBook
from urbanchain.membership import make_replica_set
from urbanchain.mempool import Mempool, MempoolLimits
from urbanchain.signatures import ValidatorSignatures


@dataclass
class Overheard:
    """Links that lead nowhere, and tell of what is said."""

    listen: Callable[[], None] = field(default=lambda: None)

    def send(self, peer: str, kind: int, payload: bytes) -> bool:
        self.listen()
        return False

    def broadcast(self, kind: int, payload: bytes) -> int:
        self.listen()
        return 0

    def connected_peers(self) -> frozenset[str]:
        return frozenset()


class StoppedClock(Clock):
    """Always the city's time."""

    def wall_ms(self) -> int:
        return self.time_ms

    time_ms = NOW_MS


@contextmanager
def open_parts(town: City, links: Overheard | None = None) -> Iterator[Parts]:
    """The parts of the city's first validator."""
    ledger, me = town.ledger, town.ledger.validators.members[0]
    replica_set = make_replica_set(town.genesis, ledger.validators)
    identity = Identity(me.key, replica_set, Timeouts())
    replica, _ = recover(0, identity, Head(0, town.genesis.hash, None))
    with ThreadPoolExecutor(1) as thread:
        signatures = ValidatorSignatures(ALICE.sign)
        yield Parts(
            me=Validator(me.name, me.key, me.address, {me.key: me.name}, {me.name: me.key}),
            tools=Tools(
                StoppedClock(), signatures, town.cache, thread, thread, links or Overheard()
            ),
            store=town.store,
            ledger=ledger,
            replica=replica,
            journal=Journal(town.store),
            mempool=Mempool(MempoolLimits(100, 1 << 20, 100)),
            fates=FateBook(),
            inbox=Inbox(),
        )
