"""Transactions on their way into the mempool: decoded and examined here, verified in a thread, then
admitted.

Everything happens a batch at a time. What clients hand in is passed on to the other validators as
it was received, and offered again until it is in a block; what peers hand in is not passed on,
since every validator links to every other.
"""

import asyncio
from collections.abc import Iterable, Sequence

from urbanchain.driver import eviction, messages
from urbanchain.driver.inbox import Answer, NoRoom, Offered, Taken, Verified
from urbanchain.driver.parts import Parts
from urbanchain.ledger.admission import Candidate, Rejection, bad_signature
from urbanchain.mempool import Admission
from urbanchain.transactions import Transaction, join_batch

_GOSSIP_BYTES_MAX = 1 << 20
_REOFFER_AFTER_S = 1.0
_REOFFER_MAX = 2_000


class Ingestion:
    """Admits transactions and spreads them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._to_spread: list[bytes] = []
        self._reoffered_at = 0.0

    def examine(self, offered: Offered) -> None:
        """Everything but the signatures, which a thread checks next."""
        parts = self._parts
        now_ms = parts.tools.clock.wall_ms()
        found: list[Candidate | Answer] = [
            decoded if isinstance(decoded, Rejection) else self._examine_one(decoded, now_ms)
            for decoded in parts.ledger.decode(offered.envelopes)
        ]
        items = [f.signature_item() for f in found if isinstance(f, Candidate)]
        if not items:
            self.admit(Verified(offered, found, ()))
            return
        loop = asyncio.get_running_loop()
        cache = parts.tools.cache
        checking = loop.run_in_executor(parts.tools.verifier, cache.verify_strictly, items)
        checking.add_done_callback(
            lambda done: (
                parts.inbox.add(Verified(offered, found, done.result()))
                if not done.cancelled()
                else None
            )
        )

    def _examine_one(self, transaction: Transaction, now_ms: int) -> Candidate | Answer:
        parts = self._parts
        if transaction.id in parts.mempool or parts.ledger.is_included(transaction):
            return Taken(transaction.id, is_duplicate=True)
        return parts.ledger.examine(transaction, now_ms)

    def admit(self, verified: Verified) -> None:
        """Put what is sound into the mempool, and answer."""
        verdicts = iter(verified.verdicts)
        answers = [
            self._admit_one(found, next(verdicts), is_ours=verified.offered.answers is not None)
            if isinstance(found, Candidate)
            else found
            for found in verified.found
        ]
        future = verified.offered.answers
        if future is not None and not future.done():
            future.set_result(answers)

    def _admit_one(self, candidate: Candidate, is_valid: bool, *, is_ours: bool) -> Answer:
        parts, now = self._parts, self._parts.tools.clock.now_s()
        if not is_valid:
            return bad_signature(candidate)
        # A block may have been committed while the thread was at work.
        if parts.ledger.is_included(candidate.transaction):
            return Taken(candidate.id, is_duplicate=True)
        admission = parts.mempool.admit(candidate, now, is_ours=is_ours)
        if admission in (Admission.FULL, Admission.AGENCY_FULL):
            is_agency_full = admission is Admission.AGENCY_FULL
            return NoRoom(candidate.id, candidate.agency, is_agency_full)
        if admission is Admission.ADDED:
            parts.fates.received(candidate.id, now)
            if is_ours:
                self._to_spread.append(candidate.transaction.envelope)
        return Taken(candidate.id, is_duplicate=admission is Admission.DUPLICATE)

    def spread(self) -> None:
        """Pass on what was admitted in this turn: to everyone, in as few messages as fit."""
        envelopes, self._to_spread = self._to_spread, []
        for batch in _in_batches(envelopes):
            self._parts.tools.links.broadcast(messages.TRANSACTIONS.number, batch)

    def offer_again(self, now: float) -> None:
        """What waits for long, about once a second: let go of what can no longer be included, and
        offer the rest of ours again, should a message have been lost."""
        if now < self._reoffered_at + _REOFFER_AFTER_S:
            return
        self._reoffered_at = now
        eviction.drop_inadmissible(self._parts)
        for batch in _in_batches(self._waiting_since(now - _REOFFER_AFTER_S)):
            self._parts.tools.links.broadcast(messages.TRANSACTIONS.number, batch)

    def offer_to(self, peer: str) -> None:
        """A link came up: that peer may lack what we hold."""
        for batch in _in_batches(self._waiting_since(self._parts.tools.clock.now_s())):
            self._parts.tools.links.send(peer, messages.TRANSACTIONS.number, batch)

    def _waiting_since(self, moment: float) -> Sequence[bytes]:
        waiting = [
            entry.candidate.transaction.envelope
            for entry in self._parts.mempool.entries()
            if entry.is_ours and entry.received_at <= moment
        ]
        return waiting[:_REOFFER_MAX]


def _in_batches(envelopes: Iterable[bytes]) -> list[bytes]:
    batches: list[bytes] = []
    current: list[bytes] = []
    size = 0
    for envelope in envelopes:
        if size + len(envelope) > _GOSSIP_BYTES_MAX and current:
            batches.append(join_batch(current))
            current, size = [], 0
        current.append(envelope)
        size += len(envelope) + 4
    if current:
        batches.append(join_batch(current))
    return batches
