"""A replica from what was persisted: after a restart it repeats itself verbatim or stays silent.

Records of other heights or epochs are skipped: the store is ahead of them, or they were already
answered by a commit. A journal one height ahead of the store is normal; its records are the ones
that count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from consensus import gaps, leaving, lost_journal
from consensus.codec import encode_statement
from consensus.effects import Effect
from consensus.log import VIEWS_KEPT_EITHER_SIDE
from consensus.messages import NONCE_BYTES, PrePrepare, Signed
from consensus.records import Accepted, Entered, Forgot, Left, Prepared, Reached, Record
from consensus.replica import Replica
from consensus.state import Head, State
from consensus.types import ReplicaId, ReplicaSet, Timeouts


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this replica is, among whom, and how patient."""

    me: ReplicaId
    replica_set: ReplicaSet
    timeouts: Timeouts


def recover(
    now: float,
    identity: Identity,
    head: Head,
    records: Iterable[Record] = (),
    bodies: Mapping[bytes, bytes] | None = None,
    nonce: bytes = b"",
) -> tuple[Replica, list[Effect]]:
    """The replica, and what it must say first. Raises ValueError for a nonce of another length.

    `head` is the last block in the store; its certificate is None at the height before the epoch's
    first. `bodies` are the stored payloads by digest. `nonce` (NONCE_BYTES of the host's dice) is
    for asking the others what they heard of us; without one the host vouches that the journal has
    all that was said. A journal known to be lost is the one record `records.forgot_all(epoch)`.
    """
    if len(nonce) not in (0, NONCE_BYTES):
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
    state = State(identity.me, identity.replica_set, identity.timeouts, head, now)
    for record in records:
        _replay(state, record, bodies or {})
    lost_journal.begin(state, nonce)
    leaving.repeat(state)
    gaps.say_status(state)
    effects, state.effects = state.effects, []
    return Replica(state), effects


def _replay(state: State, record: Record, bodies: Mapping[bytes, bytes]) -> None:
    epoch = state.replica_set.epoch
    match record:
        case Accepted(pre_prepare, signature):
            place = pre_prepare.place
            if place.epoch == epoch and place.height == state.open_height:
                _replay_accepted(state, pre_prepare, signature, bodies)
        case Prepared(certificate):
            if certificate.epoch == epoch and certificate.height == state.open_height:
                state.slot.prepared = certificate
        case Entered(new_view, signature):
            if new_view.place.epoch == epoch and new_view.place.view >= state.view.number:
                encoded = encode_statement(state.replica_set.genesis, new_view)
                message = Signed(new_view, encoded, signature) if signature else None
                leaving.enter(state, message, new_view)
                if not signature:
                    state.view.new_view_sent = new_view.place.view
                    state.view.unsaid = new_view
        case Left(view_change):
            if view_change.place.epoch == epoch and view_change.place.view >= state.view.number:
                state.view.number = view_change.place.view
                state.view.is_active = False
                state.view.failed = 1
        case Reached(of_epoch, view, is_active, opens_at):
            if of_epoch == epoch:
                state.view.number = view
                state.view.opens_at = opens_at
                state.view.is_active = is_active
                state.view.failed = 0 if is_active else 1
        case Forgot():
            state.memory.forgot = record
        case _:
            assert_never(record)


def _replay_accepted(
    state: State, pre_prepare: PrePrepare, signature: bytes, bodies: Mapping[bytes, bytes]
) -> None:
    digest, view = pre_prepare.digest, pre_prepare.place.view
    payload = bodies.get(digest, b"")
    state.slot.accepted = (view, digest)
    if payload:
        state.slot.payloads[digest] = payload
        state.slot.is_valid[digest] = True
    if signature and abs(view - state.view.number) <= VIEWS_KEPT_EITHER_SIDE:
        encoded = encode_statement(state.replica_set.genesis, pre_prepare)
        state.slot.tally(view).pre_prepare = Signed(pre_prepare, encoded, signature, payload)
