"""From the links into the inbox: decoding and authenticating what peers send, so that the driver
need not.

Runs in each peer's reader task. A message that breaks a rule is dropped and counted against its
peer. When the inbox is full that peer waits, and nobody else.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping

from consensus import Body, ConsensusError, ReplicaSet, Signed, WrongEpoch, authentication, codec
from consensus.messages import Status
from urbanchain.driver import messages
from urbanchain.driver.inbox import (
    Ahead,
    BlocksAsked,
    BlocksCame,
    Event,
    Heard,
    Inbox,
    LinkChanged,
    Offered,
)
from urbanchain.errors import Malformed
from urbanchain.signatures import ValidatorSignatures
from urbanchain.transactions import split_batch

log = logging.getLogger("driver")
_BATCH_COUNT_MAX = 20_000
_OFFENCES_LOGGED = 10


class Reception:
    """The network's Receiver."""

    def __init__(
        self,
        inbox: Inbox,
        genesis_hash: bytes,
        replica_set: Callable[[], ReplicaSet],
        signatures: ValidatorSignatures,
        key_of: Mapping[str, bytes],
    ) -> None:
        self._inbox = inbox
        self._genesis_hash = genesis_hash
        self._replica_set = replica_set
        self._signatures = signatures
        self._key_of = key_of
        self.offences: Counter[str] = Counter()
        """Bad messages by peer."""

    async def received(self, peer: str, kind: int, payload: bytes) -> None:
        """See p2p.Receiver."""
        try:
            event = self._read(peer, kind, payload)
        except (ConsensusError, Malformed) as error:
            self._blame(peer, str(error))
            return
        while event is not None and not self._inbox.offer(event):
            await self._inbox.wait_for_room()

    def connected(self, peer: str) -> None:
        """See p2p.Receiver."""
        self._inbox.add(LinkChanged(peer, is_up=True))

    def disconnected(self, peer: str, reason: str) -> None:
        """See p2p.Receiver."""
        self._inbox.add(LinkChanged(peer, is_up=False))

    def _read(self, peer: str, kind: int, payload: bytes) -> Event | None:
        if kind == messages.TRANSACTIONS.number:
            return Offered(list(split_batch(payload, _BATCH_COUNT_MAX)), None)
        if kind == messages.BLOCKS_REQUEST.number:
            return BlocksAsked(peer, messages.BlocksRequest.decode(payload))
        if kind == messages.BLOCKS.number:
            return BlocksCame(peer, messages.Blocks.decode(payload))
        message = codec.decode(payload, self._genesis_hash)
        replica_set = self._replica_set()
        try:
            authentication.check(message, replica_set, self._signatures)
        except WrongEpoch as error:
            return Ahead(peer, error.height) if error.epoch > replica_set.epoch else None
        if self._is_relayed_status(peer, message):
            raise Malformed("status", "comes from another than its signer")
        return Heard(message)

    def _is_relayed_status(self, peer: str, message: Signed | Body) -> bool:
        """It is true only when it is said: an old one, sent on, would raise old suspicions."""
        if isinstance(message, Body) or not isinstance(message.statement, Status):
            return False
        return message.statement.place.signer != self._key_of.get(peer)

    def _blame(self, peer: str, reason: str) -> None:
        self.offences[peer] += 1
        if self.offences[peer] <= _OFFENCES_LOGGED:
            log.warning("bad message dropped", extra={"peer": peer, "reason": reason})
