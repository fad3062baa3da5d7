"""What the API needs of a node, and nothing more: the border between HTTP and the chain.

The node's driver implements `Backend`. Everything that crosses is bytes, numbers and frozen data;
texts, times and JSON are the API's business. Reads go to a consistent view of the store, never
through the driver, so that a busy chain does not make its readers wait.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias

from urbanchain.fates import FateState
from urbanchain.genesis import GenesisFile
from urbanchain.ledger.admission import Rejection
from urbanchain.ledger.reader import Reader
from urbanchain.types import Outcome


@dataclass(frozen=True, slots=True)
class Accepted:
    """The node took the transaction: pending here, or already known."""

    id: bytes
    is_duplicate: bool
    """It was pending or final before; its fate is that of the first submission."""


Submission: TypeAlias = Accepted | Rejection
"""What became of one envelope; a Rejection changes nothing, and never will."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a transaction, as far as this node knows."""

    id: bytes
    state: FateState
    expires_at_ms: int | None = None
    """While it is not final: the block time until which that may change, if known."""
    outcome: Outcome | None = None
    """Only when final, like everything below."""
    code: str = ""
    """The refusal's code; empty when applied."""
    reason: str = ""
    """The refusal as a sentence."""
    height: int | None = None
    index: int | None = None
    block_hash: bytes | None = None
    finality_ms: int | None = None
    """From its arrival at this node to final; None where it arrived elsewhere or long ago."""


class NodeState(Enum):
    """What the node is doing, in one word."""

    STARTING = "starting"
    SYNCING = "syncing"
    READY = "ready"
    STALLED = "stalled"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """A validator as seen from here."""

    name: str
    agency: str
    is_connected: bool
    height: int | None
    """The last height it claims; None if it never said."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """The node at one moment."""

    node: str
    agency: str
    version: str
    state: NodeState
    height: int
    hash: bytes
    """The head's; the genesis hash at height 0."""
    state_root: bytes
    block_time_ms: int
    epoch: int
    view: int
    primary: str
    """The name of the validator that proposes the next block."""
    pending: int
    peers: tuple[PeerStatus, ...]
    signature_backend: str
    uptime_s: float


@dataclass(frozen=True, slots=True)
class AgencyQueue:
    """One agency's share of the mempool."""

    agency: str
    transaction_count: int
    byte_count: int


@dataclass(frozen=True, slots=True)
class MempoolStatus:
    """What waits on this node for a block."""

    transaction_count: int
    byte_count: int
    transactions_max: int
    bytes_max: int
    oldest_age_ms: int | None
    agencies: tuple[AgencyQueue, ...]


@dataclass(frozen=True, slots=True)
class ConsensusStatus:
    """Where this node's replica stands."""

    epoch: int
    height: int
    """The last committed one; the open height is one above."""
    view: int
    is_view_active: bool
    """False between VIEW-CHANGE and NEW-VIEW."""
    primary: str
    quorum: int
    validators: tuple[PeerStatus, ...]
    """In seat order, this node included."""


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """Why a node is not ready."""

    component: str
    reason: str


class Backend(Protocol):
    """A node, as the API sees it."""

    @property
    def genesis(self) -> GenesisFile:
        """The chain."""
        ...

    @property
    def height(self) -> int:
        """The head's height: in every response as X-Chain-Height."""
        ...

    async def submit(self, envelopes: Sequence[bytes]) -> list[Submission]:
        """Admit envelopes, one answer each in their order. Raises RequestProblem (mempool-full,
        not-ready, syncing) if the node takes none at all now."""
        ...

    def fate(self, transaction_id: bytes) -> Fate:
        """What is known of a transaction now; UNKNOWN if nothing."""
        ...

    async def wait(self, transaction_id: bytes, timeout_s: float) -> Fate:
        """Its fate once nothing more will happen to it, or after `timeout_s`."""
        ...

    def reader(self) -> AbstractContextManager[Reader]:
        """A consistent view of what is committed."""
        ...

    def status(self) -> NodeStatus:
        """The node at this moment."""
        ...

    def mempool(self) -> MempoolStatus:
        """What waits here."""
        ...

    def consensus(self) -> ConsensusStatus:
        """Where the replica stands."""
        ...

    def readiness(self, behind_max: int, voting_min: int) -> list[FailedCheck]:
        """Why the node is not ready; empty if it is."""
        ...
