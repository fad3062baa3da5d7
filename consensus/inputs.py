"""Everything that can happen to a replica. The time comes beside it, in `Replica.step(now,
event)`."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from consensus.certificates import CommitCertificate
from consensus.messages import Body, Signed
from consensus.types import ReplicaSet


@dataclass(frozen=True, slots=True)
class Received:
    """A message that `authentication.check` let pass, one's own included."""

    message: Signed | Body


@dataclass(frozen=True, slots=True)
class ProposalBuilt:
    """The answer to BuildProposal. An empty digest: there is nothing to propose."""

    height: int
    view: int
    digest: bytes
    payload: bytes


class Verdict(Enum):
    """What the host found when it executed a proposal."""

    VALID = "valid"
    INVALID = "invalid"
    MISMATCH = "mismatch"
    """The payload does not hash to the digest: says nothing about the digest."""


@dataclass(frozen=True, slots=True)
class ProposalJudged:
    """The answer to JudgeProposal."""

    height: int
    view: int
    """The one that was asked about: a refusal may be the clock's and holds for that view only."""
    digest: bytes
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Committed:
    """The answer to Commit: the block is durable, the journal is cut."""

    height: int
    digest: bytes
    replica_set: ReplicaSet
    """Who decides the next height."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The host committed blocks it fetched; the last of them, and its certificate."""

    certificate: CommitCertificate
    replica_set: ReplicaSet
    """Who decides the next height."""


@dataclass(frozen=True, slots=True)
class WorkPending:
    """Whether there are admissible transactions to order."""

    is_pending: bool
    is_overdue: bool = False
    """One was held beyond the inclusion deadline while blocks had room for it."""


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """A link to a member came up."""

    peer: bytes


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing but time."""


Input: TypeAlias = (
    Received
    | ProposalBuilt
    | ProposalJudged
    | Committed
    | CaughtUp
    | WorkPending
    | PeerConnected
    | Tick
)
