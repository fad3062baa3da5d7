"""The members of an epoch and the arithmetic of their quorums (Castro & Liskov 1999, §4; n need not
be 3f+1)."""

from dataclasses import dataclass
from typing import TypeAlias

ReplicaId: TypeAlias = bytes
"""A replica is named by its public signer key, opaque to this package."""

NUMBER_MAX = (1 << 63) - 1
"""The largest epoch, height or view."""
MEMBERS_MIN = 4
MEMBERS_MAX = 255
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """Who votes in one epoch, in seat order.

    Raises ValueError for fewer than four members, more than 255, or two equal keys.
    """

    genesis: bytes
    """32 bytes: the chain's name, in every signed message."""
    epoch: int
    first_height: int
    """The first height that this set decides."""
    members: tuple[ReplicaId, ...]
    rotation_blocks: int
    """K: after how many heights the primary's seat moves on by itself."""

    def __post_init__(self) -> None:
        if not MEMBERS_MIN <= len(self.members) <= MEMBERS_MAX:
            raise ValueError(f"{len(self.members)} members; there must be 4 to 255")
        if len(set(self.members)) < len(self.members):
            raise ValueError("two members have the same key")
        if not all(0 < len(key) < 256 for key in self.members):
            raise ValueError("a key must have 1 to 255 bytes")
        if self.rotation_blocks < 1 or self.first_height < 1 or len(self.genesis) != DIGEST_BYTES:
            raise ValueError("rotation and first height begin at 1; genesis has 32 bytes")

    @property
    def n(self) -> int:
        """How many members there are."""
        return len(self.members)

    @property
    def f(self) -> int:
        """How many of them may be arbitrarily wrong."""
        return (self.n - 1) // 3

    @property
    def quorum(self) -> int:
        """⌈(n+f+1)/2⌉: any two quorums share an honest member."""
        return (self.n + self.f + 2) // 2

    @property
    def weak_quorum(self) -> int:
        """f+1: at least one of them is honest."""
        return self.f + 1

    def primary(self, view: int, height: int) -> ReplicaId:
        """Who proposes `height` in `view`."""
        return self.members[(view + height // self.rotation_blocks) % self.n]

    def index_of(self, replica: ReplicaId) -> int:
        """The seat of a member. Raises ValueError for a stranger."""
        return self.members.index(replica)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a replica waits, in seconds."""

    view_s: float = 2.0
    """For a commit while there is work, and for a NEW-VIEW; doubles with each failed view."""
    view_max_s: float = 60.0
    idle_status_s: float = 1.0
    """Between two Status messages when nothing is going on."""
    behind_s: float = 0.3
    """How long another may be one height ahead before its blocks are fetched."""

    def view_timeout_s(self, failed_views: int) -> float:
        """The time-out after so many failed views since the last commit (§4.5.2)."""
        return float(min(self.view_s * 2 ** min(failed_views, 32), self.view_max_s))

    def status_interval_s(self, is_busy: bool, failed_views: int) -> float:
        """Between two Status messages: more often while others may wait for what we lack."""
        if not is_busy:
            return self.idle_status_s
        return min(self.idle_status_s, self.view_timeout_s(failed_views) / 8)
