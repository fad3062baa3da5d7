"""A node for tests of the API and the SDK: the real ledger over a store in memory, and blocks that
four in-process keys certify the moment they are asked to. What is missing is consensus and p2p.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from storage.memory import MemoryStore
from tests.fakes.chains import START_MS, certify, make_genesis
from urbanchain.api.backend import (
    Accepted,
    AgencyQueue,
    ConsensusStatus,
    FailedCheck,
    Fate,
    MempoolStatus,
    NodeState,
    NodeStatus,
    PeerStatus,
    Submission,
)
from urbanchain.api.documents import explain_refusal
from urbanchain.api.problems import RequestProblem
from urbanchain.fates import FateBook, FateState
from urbanchain.genesis import GenesisFile
from urbanchain.ledger.admission import Candidate, Rejection, bad_signature
from urbanchain.ledger.chain import Ledger
from urbanchain.ledger.reader import Reader, open_reader
from urbanchain.signatures import SignatureCache
from urbanchain.transactions import Transaction
from urbanchain.types import Block

TRANSACTIONS_MAX = 20


@dataclass
class InstantNode:
    """Commits what is submitted at once, or when `commit` is called if `holds` is set."""

    genesis: GenesisFile = field(default_factory=make_genesis)
    now_ms: Callable[[], int] = lambda: START_MS
    holds: bool = False
    state: NodeState = NodeState.READY
    failed_checks: list[FailedCheck] = field(default_factory=list)
    submit_gate: asyncio.Event | None = None
    """If set, submissions wait for it."""
    refuses: RequestProblem | None = None
    """If set, every submission ends with it."""
    crashes: bool = False
    """Whether its status raises, as a bug would."""

    def __post_init__(self) -> None:
        self.store = MemoryStore()
        self.cache = SignatureCache()
        self.ledger = Ledger.open(self.genesis, self.store, self.cache)
        self.waiting: dict[bytes, Candidate] = {}
        self.fates = FateBook()
        self.waited = asyncio.Event()
        """Set once somebody waits for a transaction."""

    @property
    def height(self) -> int:
        return self.ledger.head.height

    async def submit(self, envelopes: Sequence[bytes]) -> list[Submission]:
        if self.submit_gate is not None:
            await self.submit_gate.wait()
        if self.refuses is not None:
            raise self.refuses
        answers = [self._admit(found) for found in self.ledger.decode(envelopes)]
        if not self.holds:
            self.commit()
        return answers

    def _admit(self, transaction: Transaction | Rejection) -> Submission:
        if isinstance(transaction, Rejection):
            return transaction
        known = transaction.id in self.waiting or self.ledger.is_included(transaction)
        if known:
            return Accepted(transaction.id, is_duplicate=True)
        found = self.ledger.examine(transaction, self.now_ms())
        if isinstance(found, Rejection):
            return found
        if not self.cache.verify([found.signature_item()])[0]:
            return bad_signature(found)
        if len(self.waiting) >= TRANSACTIONS_MAX:
            return Rejection("mempool-full", f"{TRANSACTIONS_MAX} transactions wait already")
        if not self.ledger.has_room(found.agency, found.call.weight, self.now_ms()):
            return Rejection("rate-limited", f"the token bucket of {found.agency} is empty")
        self.waiting[transaction.id] = found
        self.fates.received(transaction.id, 0.0)
        return Accepted(transaction.id, is_duplicate=False)

    def commit(self) -> None:
        """Make blocks of all that waits."""
        while self.waiting:
            proposer = self.ledger.validators.members[0].address
            proposal = self.ledger.propose(list(self.waiting.values()), proposer, self.now_ms())
            assert proposal is not None
            header = Block.decode(proposal.payload).header.encode()
            certificate = certify(self.genesis.hash, header)
            committed = self.ledger.commit(proposal.digest, proposal.payload, certificate)
            self.store.write(committed.batch, sync=True)
            self.ledger.adopt(committed)
            for transaction_id in committed.ids:
                del self.waiting[transaction_id]
                self.fates.moved(transaction_id, FateState.FINAL, 0.005)

    def forget(self, transaction_id: bytes) -> None:
        """Lose a waiting transaction, as a restart would."""
        del self.waiting[transaction_id]

    def expire(self, transaction_id: bytes) -> None:
        """Say that a waiting transaction expired."""
        del self.waiting[transaction_id]
        self.fates.moved(transaction_id, FateState.EXPIRED, 1.0)

    def fate(self, transaction_id: bytes) -> Fate:
        with self.reader() as reader:
            view = reader.transaction(transaction_id)
        station = self.fates.station(transaction_id)
        if view is not None:
            receipt = view.receipt
            return Fate(
                transaction_id,
                FateState.FINAL,
                view.transaction.expires_at_ms,
                receipt.outcome,
                receipt.code,
                explain_refusal(view.transaction, receipt.code, receipt.facts),
                view.height,
                view.index,
                view.block_hash,
                station.finality_ms if station else None,
            )
        waiting = self.waiting.get(transaction_id)
        if waiting is not None:
            expires_at_ms = waiting.transaction.expires_at_ms
            return Fate(transaction_id, FateState.PENDING, expires_at_ms)
        is_expired = station is not None and station.state is FateState.EXPIRED
        return Fate(transaction_id, FateState.EXPIRED if is_expired else FateState.UNKNOWN)

    async def wait(self, transaction_id: bytes, timeout_s: float) -> Fate:
        self.waited.set()
        if not self.fate(transaction_id).state.is_last:
            await self.fates.wait(transaction_id, timeout_s)
        return self.fate(transaction_id)

    def reader(self) -> AbstractContextManager[Reader]:
        return open_reader(self.genesis, self.store)

    def status(self) -> NodeStatus:
        if self.crashes:
            raise RuntimeError("/secret/path is broken")
        head = self.ledger.head
        return NodeStatus(
            node="validator-0",
            agency="transport",
            version="0.1.0",
            state=self.state,
            height=head.height,
            hash=head.hash,
            state_root=head.state_root,
            block_time_ms=head.time_ms,
            epoch=0,
            view=0,
            primary="validator-1",
            pending=len(self.waiting),
            peers=self._peers()[1:],
            signature_backend="portable",
            uptime_s=12.5,
        )

    def _peers(self) -> tuple[PeerStatus, ...]:
        members = self.ledger.validators.members
        return tuple(PeerStatus(m.name, m.agency, True, self.height) for m in members)

    def mempool(self) -> MempoolStatus:
        sizes = [(c.agency, c.size_bytes) for c in self.waiting.values()]
        queues = tuple(
            AgencyQueue(
                agency, sum(a == agency for a, _ in sizes), sum(b for a, b in sizes if a == agency)
            )
            for agency in sorted({agency for agency, _ in sizes})
        )
        total = sum(size for _, size in sizes)
        oldest = 5 if sizes else None
        return MempoolStatus(len(sizes), total, TRANSACTIONS_MAX, 1 << 20, oldest, queues)

    def consensus(self) -> ConsensusStatus:
        return ConsensusStatus(0, self.height, 0, True, "validator-1", 3, self._peers())

    def readiness(self, behind_max: int, voting_min: int) -> list[FailedCheck]:
        voting = len(self._peers())
        if voting < voting_min:
            reason = f"hears {voting} of {voting_min} validators"
            return [*self.failed_checks, FailedCheck("consensus", reason)]
        return self.failed_checks
