"""Obeying the replica: what it must never forget is written and synced, what it says is signed and
sent, in order.

The effects of one turn share a synced write for all their Persists; nothing that comes after a
Persist is done before it is durable. The replica hears its own messages before anyone else does.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable

from consensus import (
    Accuse,
    Body,
    Broadcast,
    BuildProposal,
    CatchUp,
    CaughtUp,
    Commit,
    CommitCertificate,
    Committed,
    Effect,
    ExtendCertificate,
    Input,
    JudgeProposal,
    Persist,
    ProposalBuilt,
    ProposalJudged,
    Received,
    Record,
    ReplicaSet,
    Send,
    Signed,
    Verdict,
    codec,
    records,
)
from consensus.messages import Kind
from consensus.records import Accepted
from storage import schema
from storage.blocks import add_body
from storage.kv import WriteBatch
from urbanchain.driver import eviction, messages
from urbanchain.driver.block_size import BlockSize
from urbanchain.driver.inbox import Judgeable
from urbanchain.driver.parts import Parts
from urbanchain.fates import FateState
from urbanchain.ledger.chain import CommittedBlock
from urbanchain.ledger.chain import Verdict as LedgerVerdict
from urbanchain.ledger.execution import ExecutionFailed
from urbanchain.membership import make_replica_set
from urbanchain.mempool import TakeLimits

log = logging.getLogger("driver")
_EXPIRY_GRACE_MS = 1_000


class Hosting:
    """Steps the replica and obeys it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pending: deque[Effect] = deque()
        self._poison: set[bytes] = set()
        self._block_size = BlockSize(parts.ledger.genesis.genesis.parameters.block_transactions_max)

    def step(self, event: Input) -> None:
        """Give the replica an input; its effects wait for `obey`."""
        replica = self._parts.replica
        before = replica.view
        self._pending += replica.step(self._parts.tools.clock.now_s(), event)
        if replica.view != before:
            log.info(
                "view changed",
                extra={"view": replica.view, "was": before, "height": replica.height + 1},
            )

    def restore(self, effects: Iterable[Effect]) -> None:
        """Obey what recovery asked for, before anything else."""
        self._pending += effects

    async def obey(self) -> None:
        """Do all that was asked, and all that doing it leads to."""
        while self._pending:
            turn = self._next_turn()
            await self._persist([e for e in turn if isinstance(e, Persist)])
            for effect in turn:
                await self._do(effect)

    def _next_turn(self) -> list[Effect]:
        """What waits, up to the first Commit: it cuts the journal, so nothing after it may be
        written before."""
        turn: list[Effect] = []
        while self._pending:
            effect = self._pending.popleft()
            turn.append(effect)
            if isinstance(effect, Commit):
                break
        return turn

    async def _persist(self, effects: list[Persist]) -> None:
        if not effects:
            return
        parts, batch = self._parts, WriteBatch()
        genesis = parts.ledger.genesis.hash
        for effect in effects:
            record = effect.record
            if effect.payload and isinstance(record, Accepted):
                place = record.pre_prepare.place
                add_body(batch, place.height, record.pre_prepare.digest, effect.payload)
        parts.journal.add(batch, [records.encode(effect.record, genesis) for effect in effects])
        await self._write(batch)

    async def _write(self, batch: WriteBatch) -> None:
        """Synced, off the loop. A failure stops the node: it is never retried."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(
            self._parts.tools.committer, lambda: self._parts.store.write(batch, sync=True)
        )

    async def _do(self, effect: Effect) -> None:
        match effect:
            case Persist():
                pass
            case Broadcast():
                self._broadcast(effect)
            case Send(to, message):
                name = self._parts.me.name_of[to]
                self._parts.tools.links.send(name, _kind_of(message), codec.encode(message))
            case BuildProposal(height, view):
                self._build(height, view)
            case JudgeProposal():
                self._judge_later(effect)
            case Commit(certificate, payload, keep):
                await self._commit(certificate, payload, keep)
            case ExtendCertificate(certificate):
                self._extend(certificate)
            case CatchUp(height, claimed_by):
                me = self._parts.me
                names = [me.name_of[key] for key in claimed_by if key != me.key]
                self._parts.sync.want(height, names)
            case Accuse(evidence):
                self._accuse(evidence.accused, evidence.encode())

    def _broadcast(self, effect: Broadcast) -> None:
        parts = self._parts
        sign = parts.tools.signatures.sign
        message = codec.seal(parts.ledger.genesis.hash, effect.statement, sign, effect.payload)
        self.step(Received(message))
        parts.tools.links.broadcast(_kind_of(message), codec.encode(message))

    # -- proposals --------------------------------------------------------------------------------

    def _build(self, height: int, view: int) -> None:
        """Propose what waits; a transaction that breaks execution is set aside and the rest tried
        again."""
        parts = self._parts
        limits = parts.ledger.genesis.genesis.parameters
        count_max = self._block_size.begin(parts.tools.clock.now_s())
        take = TakeLimits(count_max, limits.block_bytes_max, limits.block_weight_max)
        now_ms = parts.tools.clock.wall_ms()
        while True:
            taken = [c for c in parts.mempool.take(take) if c.id not in self._poison]
            try:
                proposal = parts.ledger.propose(taken, parts.me.address, now_ms)
                break
            except ExecutionFailed as error:
                self._poison.add(error.transaction_id)
                extra = {"id": error.transaction_id.hex(), "error": repr(error.__cause__)}
                log.error("transaction set aside: executing it failed", extra=extra)
        if proposal is not None:
            for transaction_id, rejection in proposal.left_out:
                eviction.drop(parts, transaction_id, rejection)
        if (proposal is None or not proposal.digest) and self.is_expiry_due(now_ms):
            proposal = parts.ledger.propose_empty(parts.me.address, now_ms)
        digest = b"" if proposal is None else proposal.digest
        payload = b"" if proposal is None else proposal.payload
        self.step(ProposalBuilt(height, view, digest, payload))

    def is_expiry_due(self, now_ms: int) -> bool:
        """Whether a block is needed for its time alone: something expired and no block says so
        yet."""
        soonest_ms = self._parts.mempool.next_expiry_ms()
        return soonest_ms is not None and soonest_ms + _EXPIRY_GRACE_MS < now_ms

    def _judge_later(self, effect: JudgeProposal) -> None:
        """Check the signatures we have not seen in the verifier's thread, then judge."""
        parts = self._parts
        ready = Judgeable(
            effect.height, effect.view, effect.digest, effect.payload, effect.is_reproposed
        )
        if parts.ledger.is_prepared(effect.digest):
            self.judge(ready)
            return
        cache = parts.tools.cache
        items = parts.ledger.signature_items(effect.payload)
        unknown = [item for item in items if not cache.is_known(item)]
        if not unknown:
            self.judge(ready)
            return
        loop = asyncio.get_running_loop()
        checking = loop.run_in_executor(parts.tools.verifier, cache.verify, unknown)
        checking.add_done_callback(lambda _: parts.inbox.add(ready))

    def judge(self, ready: Judgeable) -> None:
        """Execute a proposal and tell the replica; one ahead of our clock is held until it is
        not."""
        parts = self._parts
        if ready.height != parts.ledger.head.height + 1:
            return
        now_ms = parts.tools.clock.wall_ms()
        judgement = parts.ledger.judge(
            ready.digest, ready.payload, now_ms, is_clock_exempt=ready.is_reproposed
        )
        if judgement.verdict is LedgerVerdict.EARLY:
            delay_s = (judgement.until_ms - now_ms) / 1000
            asyncio.get_running_loop().call_later(delay_s, parts.inbox.add, ready)
            return
        verdict = Verdict(judgement.verdict.value)
        if verdict is not Verdict.VALID:
            extra = {"height": ready.height, "digest": ready.digest.hex(), "why": judgement.reason}
            log.error("proposal refused", extra=extra)
        self.step(ProposalJudged(ready.height, ready.view, ready.digest, verdict))

    # -- commits ----------------------------------------------------------------------------------

    async def _commit(
        self, certificate: CommitCertificate, payload: bytes, keep: tuple[Record, ...]
    ) -> None:
        ledger = self._parts.ledger
        if certificate.height != ledger.head.height + 1:
            return
        await self.commit_block(certificate, payload, keep)
        self.step(Committed(certificate.height, certificate.digest, self.replica_set()))

    async def commit_block(
        self, certificate: CommitCertificate, payload: bytes, keep: tuple[Record, ...]
    ) -> None:
        """One synced batch for the block, with the journal cut down to `keep`; then it is the
        head."""
        parts = self._parts
        committed = parts.ledger.commit(certificate.digest, payload, certificate.encode())
        genesis = parts.ledger.genesis.hash
        parts.journal.cut(committed.batch, [records.encode(record, genesis) for record in keep])
        await self._write(committed.batch)
        parts.ledger.adopt(committed)
        self._settle(committed, certificate)

    def caught_up(self, certificate: CommitCertificate) -> None:
        """Blocks were fetched and committed: the replica goes on above them."""
        self.step(CaughtUp(certificate, self.replica_set()))

    def replica_set(self) -> ReplicaSet:
        """Who decides the next height."""
        ledger = self._parts.ledger
        return make_replica_set(ledger.genesis, ledger.validators, ledger.epoch)

    def _settle(self, committed: CommittedBlock, certificate: CommitCertificate) -> None:
        """Tell those who wait, and forget what no longer does."""
        parts, now = self._parts, self._parts.tools.clock.now_s()
        header = committed.prepared.block.header
        ids = committed.ids
        self._block_size.end(now)
        for transaction_id in ids:
            parts.fates.moved(transaction_id, FateState.FINAL, now)
        parts.mempool.forget(ids)
        expired = parts.mempool.expired(header.time_ms)
        for transaction_id in expired:
            parts.fates.moved(transaction_id, FateState.EXPIRED, now)
        parts.mempool.forget(expired)
        limits = parts.ledger.genesis.genesis.parameters
        weight = sum(candidate.call.weight for candidate in committed.prepared.candidates)
        if 2 * weight < limits.block_weight_max and 2 * len(ids) < limits.block_transactions_max:
            parts.roomy_block_at = now
        extra = {
            "height": header.height,
            "transactions": len(ids),
            "view": certificate.view,
            "signed": len(certificate.signatures),
            "hash": committed.prepared.digest.hex(),
        }
        log.info("block committed", extra=extra)

    def _extend(self, certificate: CommitCertificate) -> None:
        batch = WriteBatch()
        key = schema.by_height(schema.CERTIFICATE, certificate.height)
        batch.put(key, certificate.encode())
        self._parts.store.write(batch, sync=False)

    def _accuse(self, accused: bytes, evidence: bytes) -> None:
        batch = WriteBatch()
        batch.put(schema.evidence(evidence), evidence)
        self._parts.store.write(batch, sync=False)
        who = self._parts.me.name_of.get(accused, accused.hex())
        log.error(
            "a validator signed two statements that contradict each other", extra={"accused": who}
        )


def _kind_of(message: Signed | Body) -> int:
    if isinstance(message, Body) or codec.kind_of(message.statement) is Kind.PRE_PREPARE:
        return messages.PROPOSALS.number
    return messages.VOTES.number
