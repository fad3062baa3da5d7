"""Letting go of transactions that no block can ever include as they are.

Admission was judged on an earlier state: since then an account may have been closed, or a role
taken away. Left waiting, such a transaction would look like work that the primary refuses to do,
and depose one primary after another. An expired one is different: it waits for a committed block
whose time says so.
"""

from urbanchain.driver.parts import Parts
from urbanchain.fates import FateState
from urbanchain.ledger.admission import Rejection


def drop(parts: Parts, transaction_id: bytes, rejection: Rejection) -> bool:
    """Forget a waiting transaction that was rejected now; False if it must wait for its expiry to
    be confirmed."""
    entry = parts.mempool.get(transaction_id)
    if entry is None or rejection.problem == "expired":
        return False
    parts.mempool.forget([transaction_id])
    if not parts.ledger.is_included(entry.candidate.transaction):
        parts.fates.moved(transaction_id, FateState.EVICTED, parts.tools.clock.now_s())
    return True


def drop_inadmissible(parts: Parts) -> None:
    """Judge what waits longest for each agency again, until that is something a block can
    include."""
    now_ms = parts.tools.clock.wall_ms()
    is_changed = True
    while is_changed:
        is_changed = False
        for entry in list(parts.mempool.oldest()):
            found = parts.ledger.examine(entry.candidate.transaction, now_ms)
            if isinstance(found, Rejection):
                is_changed |= drop(parts, entry.candidate.id, found)
