"""Admitted transactions waiting for a block. Pure: bounded, fair between agencies, no clocks of its
own.

Each agency has a queue of its own within a share of the whole; a proposer takes from them in turn,
so one agency's flood delays its own transactions and nobody else's. Nothing accepted is dropped
silently: a full queue refuses.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from heapq import heappop, heappush

from urbanchain.ledger.admission import Candidate


class Admission(Enum):
    """What became of an offer."""

    ADDED = "added"
    DUPLICATE = "duplicate"
    FULL = "full"
    AGENCY_FULL = "agency-full"


@dataclass(frozen=True, slots=True)
class MempoolLimits:
    """How much may wait."""

    transactions_max: int
    bytes_max: int
    agency_share_percent: int


@dataclass(frozen=True, slots=True)
class TakeLimits:
    """How much one block can hold."""

    transactions_max: int
    bytes_max: int
    weight_max: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A waiting transaction."""

    candidate: Candidate
    received_at: float
    """On the owner's clock, in seconds."""
    is_ours: bool
    """Submitted to this node, which therefore keeps offering it to the others."""


class _Queue:
    """One agency's transactions, oldest first."""

    __slots__ = ("entries", "size_bytes")

    def __init__(self) -> None:
        self.entries: dict[bytes, Entry] = {}
        self.size_bytes = 0


class Mempool:
    """Waiting transactions by agency."""

    def __init__(self, limits: MempoolLimits) -> None:
        self.limits = limits
        self._queues: dict[str, _Queue] = {}
        self._agency_of: dict[bytes, str] = {}
        self._size_bytes = 0
        self._turn = 0
        self._expiries: list[tuple[int, bytes]] = []
        """A heap; ids that no longer wait are skipped when they surface."""

    def __len__(self) -> int:
        return len(self._agency_of)

    def __contains__(self, transaction_id: bytes) -> bool:
        return transaction_id in self._agency_of

    @property
    def size_bytes(self) -> int:
        """Envelope bytes waiting."""
        return self._size_bytes

    def get(self, transaction_id: bytes) -> Entry | None:
        """A waiting transaction."""
        agency = self._agency_of.get(transaction_id)
        return None if agency is None else self._queues[agency].entries[transaction_id]

    def admit(self, candidate: Candidate, received_at: float, *, is_ours: bool) -> Admission:
        """Let a verified transaction wait, if there is room."""
        if candidate.id in self._agency_of:
            return Admission.DUPLICATE
        limits, size = self.limits, candidate.size_bytes
        if len(self) >= limits.transactions_max or self._size_bytes + size > limits.bytes_max:
            return Admission.FULL
        queue = self._queues.get(candidate.agency) or _Queue()
        share = limits.agency_share_percent
        is_over_count = len(queue.entries) >= limits.transactions_max * share // 100
        if is_over_count or queue.size_bytes + size > limits.bytes_max * share // 100:
            return Admission.AGENCY_FULL
        # Only a queue with something in it is kept: the oldest of each is asked for.
        self._queues[candidate.agency] = queue
        queue.entries[candidate.id] = Entry(candidate, received_at, is_ours)
        queue.size_bytes += size
        self._agency_of[candidate.id] = candidate.agency
        heappush(self._expiries, (candidate.transaction.expires_at_ms, candidate.id))
        self._size_bytes += size
        return Admission.ADDED

    def take(self, limits: TakeLimits) -> list[Candidate]:
        """The candidates of the next block, from the agencies in turn, oldest first; they keep
        waiting."""
        agencies = sorted(self._queues)
        if not agencies:
            return []
        self._turn += 1
        first = self._turn % len(agencies)
        waiting = [
            iter(self._queues[a].entries.values()) for a in agencies[first:] + agencies[:first]
        ]
        taken: list[Candidate] = []
        bytes_left, weight_left = limits.bytes_max, limits.weight_max
        while waiting and len(taken) < limits.transactions_max:
            for queue in list(waiting):
                entry = next(queue, None)
                if entry is None:
                    waiting.remove(queue)
                    continue
                candidate = entry.candidate
                bytes_left -= candidate.size_bytes
                weight_left -= candidate.call.weight
                if bytes_left < 0 or weight_left < 0:
                    return taken
                taken.append(candidate)
                if len(taken) >= limits.transactions_max:
                    break
        return taken

    def forget(self, transaction_ids: Iterable[bytes]) -> None:
        """Remove transactions that are in a block, or no longer admissible."""
        for transaction_id in transaction_ids:
            agency = self._agency_of.pop(transaction_id, None)
            if agency is not None:
                queue = self._queues[agency]
                size = queue.entries.pop(transaction_id).candidate.size_bytes
                queue.size_bytes -= size
                self._size_bytes -= size
                if not queue.entries:
                    # A fresh dict later: popping from the front leaves holes that iteration walks
                    # over.
                    del self._queues[agency]

    def next_expiry_ms(self) -> int | None:
        """The soonest expiry among what waits."""
        while self._expiries and self._expiries[0][1] not in self._agency_of:
            heappop(self._expiries)
        return self._expiries[0][0] if self._expiries else None

    def expired(self, time_ms: int) -> list[bytes]:
        """The ids of all that a block of this time can no longer include."""
        ids = []
        while self._expiries and self._expiries[0][0] < time_ms:
            transaction_id = heappop(self._expiries)[1]
            if transaction_id in self._agency_of:
                ids.append(transaction_id)
        return ids

    def entries(self) -> Iterator[Entry]:
        """All that waits, agency by agency, oldest first within each."""
        for agency in sorted(self._queues):
            yield from self._queues[agency].entries.values()

    def oldest(self) -> Iterator[Entry]:
        """The oldest entry of each agency, in the agencies' order."""
        for agency in sorted(self._queues):
            yield next(iter(self._queues[agency].entries.values()))

    def sizes(self) -> list[tuple[str, int, int]]:
        """(agency, transactions, bytes) of every queue, in the agencies' order."""
        return [
            (agency, len(self._queues[agency].entries), self._queues[agency].size_bytes)
            for agency in sorted(self._queues)
        ]
