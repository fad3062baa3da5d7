"""What the API sees of a running node: its Backend, over the driver's parts and the store.

Submissions go through the driver's inbox; everything else only reads.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from urbanchain import __version__, signatures
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
from urbanchain.api.problems import RequestProblem
from urbanchain.contracts import find_refusal
from urbanchain.driver.inbox import Answer, NoRoom, Offered, Taken
from urbanchain.driver.parts import Parts
from urbanchain.fates import FateState
from urbanchain.genesis import GenesisFile
from urbanchain.ledger.admission import Rejection
from urbanchain.ledger.reader import Reader, TransactionView, open_reader
from urbanchain.ledger.receipts import TreeCache
from urbanchain.types import Outcome, Validator


@dataclass(slots=True)
class NodeBackend:
    """The Backend of the API."""

    parts: Parts
    started_at: float = field(default_factory=time.monotonic)
    is_stopping: bool = False
    trees: TreeCache = field(default_factory=TreeCache)
    """Of the blocks whose receipts were asked for last."""

    @property
    def genesis(self) -> GenesisFile:
        """See Backend."""
        return self.parts.ledger.genesis

    @property
    def height(self) -> int:
        """See Backend."""
        return self.parts.ledger.head.height

    async def submit(self, envelopes: Sequence[bytes]) -> list[Submission]:
        """See Backend."""
        if self.is_stopping:
            raise RequestProblem("not-ready", "the node is stopping; submit to another validator")
        answers: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        if not self.parts.inbox.offer(Offered(envelopes, answers)):
            raise RequestProblem("mempool-full", "the node is busy; try again in a second")
        return [_submission(answer) for answer in await answers]

    def fate(self, transaction_id: bytes) -> Fate:
        """See Backend."""
        station = self.parts.fates.station(transaction_id)
        with self.reader() as reader:
            position = reader.position(transaction_id)
            if position is not None:
                view = reader.transaction(transaction_id)
                if view is not None:
                    return _final(view, None if station is None else station.finality_ms)
        if station is None:
            return Fate(transaction_id, FateState.UNKNOWN)
        entry = self.parts.mempool.get(transaction_id)
        expires_at_ms = None if entry is None else entry.candidate.transaction.expires_at_ms
        return Fate(transaction_id, station.state, expires_at_ms=expires_at_ms)

    async def wait(self, transaction_id: bytes, timeout_s: float) -> Fate:
        """See Backend."""
        fate = self.fate(transaction_id)
        if fate.state.is_last:
            return fate
        await self.parts.fates.wait(transaction_id, timeout_s)
        return self.fate(transaction_id)

    def reader(self) -> AbstractContextManager[Reader]:
        """See Backend."""
        return open_reader(self.parts.ledger.genesis, self.parts.store, self.trees)

    def status(self) -> NodeStatus:
        """See Backend."""
        parts, head = self.parts, self.parts.ledger.head
        return NodeStatus(
            node=parts.me.name,
            agency=self._member(parts.me.name).agency,
            version=__version__,
            state=self._state(),
            height=head.height,
            hash=head.hash,
            state_root=head.state_root,
            block_time_ms=head.time_ms,
            epoch=parts.ledger.epoch,
            view=parts.replica.view,
            primary=parts.me.name_of[parts.replica.primary],
            pending=len(parts.mempool),
            peers=tuple(p for p in self._validators() if p.name != parts.me.name),
            signature_backend=signatures.BACKEND,
            uptime_s=time.monotonic() - self.started_at,
        )

    def mempool(self) -> MempoolStatus:
        """See Backend."""
        parts, mempool = self.parts, self.parts.mempool
        now = parts.tools.clock.now_s()
        ages = [now - entry.received_at for entry in mempool.oldest()]
        return MempoolStatus(
            transaction_count=len(mempool),
            byte_count=mempool.size_bytes,
            transactions_max=mempool.limits.transactions_max,
            bytes_max=mempool.limits.bytes_max,
            oldest_age_ms=round(max(ages) * 1000) if ages else None,
            agencies=tuple(AgencyQueue(*sizes) for sizes in mempool.sizes()),
        )

    def consensus(self) -> ConsensusStatus:
        """See Backend."""
        replica, me = self.parts.replica, self.parts.me
        return ConsensusStatus(
            epoch=replica.replica_set.epoch,
            height=replica.height,
            view=replica.view,
            is_view_active=replica.is_active,
            primary=me.name_of[replica.primary],
            quorum=replica.replica_set.quorum,
            validators=self._validators(),
        )

    def readiness(self, behind_max: int, voting_min: int) -> list[FailedCheck]:
        """See Backend."""
        parts, failed = self.parts, []
        if self.is_stopping:
            failed.append(FailedCheck("node", "is stopping"))
        linked = len(parts.tools.links.connected_peers()) + 1
        needed = max(voting_min, parts.replica.replica_set.quorum)
        if linked < needed:
            text = f"{linked} of {parts.replica.replica_set.n} validators linked; {needed} needed"
            failed.append(FailedCheck("network", text))
        behind = max(parts.heights.values(), default=0) - parts.ledger.head.height
        if behind > behind_max:
            failed.append(FailedCheck("sync", f"{behind} blocks behind the others"))
        return failed

    def _state(self) -> NodeState:
        if self.is_stopping:
            return NodeState.STOPPING
        parts = self.parts
        behind = max(parts.heights.values(), default=0) - parts.ledger.head.height
        if behind > 2 or parts.sync.is_behind(parts.ledger.head.height):
            return NodeState.SYNCING
        linked = len(parts.tools.links.connected_peers()) + 1
        if linked >= parts.replica.replica_set.quorum:
            return NodeState.READY
        is_young = time.monotonic() - self.started_at < 10
        return NodeState.STARTING if is_young else NodeState.STALLED

    def _validators(self) -> tuple[PeerStatus, ...]:
        parts, linked = self.parts, self.parts.tools.links.connected_peers()
        return tuple(
            PeerStatus(
                name=member.name,
                agency=member.agency,
                is_connected=member.name in linked or member.name == parts.me.name,
                height=parts.ledger.head.height
                if member.name == parts.me.name
                else parts.heights.get(member.name),
            )
            for member in parts.ledger.validators.members
        )

    def _member(self, name: str) -> Validator:
        return next(m for m in self.parts.ledger.validators.members if m.name == name)


def _submission(answer: Answer) -> Submission:
    match answer:
        case Taken(transaction_id, is_duplicate):
            return Accepted(transaction_id, is_duplicate)
        case Rejection():
            return answer
        case NoRoom(_, agency, is_agency_full):
            whose = f"agency {agency}'s share of the mempool" if is_agency_full else "the mempool"
            return Rejection("mempool-full", f"{whose} is full; try again in a second")


def _final(view: TransactionView, finality_ms: int | None) -> Fate:
    receipt, transaction = view.receipt, view.transaction
    reason = ""
    if receipt.outcome is Outcome.REFUSED:
        refusal = find_refusal(transaction.contract, transaction.call, receipt.code)
        reason = receipt.code if refusal is None else refusal.explain(receipt.facts)
    return Fate(
        id=transaction.id,
        state=FateState.FINAL,
        outcome=receipt.outcome,
        code=receipt.code,
        reason=reason,
        height=view.height,
        index=view.index,
        block_hash=view.block_hash,
        finality_ms=finality_ms,
    )
