"""What the driver owns, in one place, and the tools it was given."""

import time
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

from consensus import Replica
from storage.journal import Journal
from storage.kv import KeyValueStore
from urbanchain.driver.inbox import Inbox
from urbanchain.fates import FateBook
from urbanchain.ledger.chain import Ledger
from urbanchain.mempool import Mempool
from urbanchain.signatures import SignatureCache, ValidatorSignatures
from urbanchain.sync import BlockSync


class Links(Protocol):
    """What the driver needs of the network."""

    def send(self, peer: str, kind: int, payload: bytes) -> bool:
        """Queue a message for one peer; never waits."""
        ...

    def broadcast(self, kind: int, payload: bytes) -> int:
        """Queue a message for all peers; never waits."""
        ...

    def connected_peers(self) -> frozenset[str]:
        """Who has a link."""
        ...


class Clock:
    """Two readings: a clock that never goes back for time-outs, the wall's for block time."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now_s(self) -> float:
        """Seconds, never decreasing; begins near the wall's."""
        return self._offset + time.monotonic()

    def wall_ms(self) -> int:
        """The wall clock, in ms since the epoch."""
        return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Validator:
    """Who this node is among the validators."""

    name: str
    key: bytes
    address: bytes
    name_of: dict[bytes, str]
    """Every member's name by its key."""
    key_of: dict[str, bytes]


@dataclass(slots=True)
class Tools:
    """What the driver uses and does not own."""

    clock: Clock
    signatures: ValidatorSignatures
    cache: SignatureCache
    committer: Executor
    """One thread: synced writes."""
    verifier: Executor
    """Two threads: signatures of what is offered, and of what is to be judged."""
    links: Links


@dataclass(slots=True)
class Parts:
    """All that is mutable. Only the driver's task touches it."""

    me: Validator
    tools: Tools
    store: KeyValueStore
    ledger: Ledger
    replica: Replica
    journal: Journal
    mempool: Mempool
    fates: FateBook
    inbox: Inbox
    sync: BlockSync = field(default_factory=BlockSync)
    heights: dict[str, int] = field(default_factory=dict)
    """The committed height that each peer last claimed."""
    roomy_block_at: float = 0.0
    """When a block that was not nearly full was last committed."""
