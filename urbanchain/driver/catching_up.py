"""Blocks for those who lack them: serving peers, and fetching what we lack ourselves.

A fetched block is believed because a quorum of its height's validators signed its hash, never
because of who sent it.
"""

import logging

from consensus import CommitCertificate, ConsensusError
from storage.blocks import Blocks as BlockTables
from urbanchain.driver import messages
from urbanchain.driver.hosting import Hosting
from urbanchain.driver.inbox import BlocksAsked, BlocksCame
from urbanchain.driver.messages import Blocks, BlocksRequest, CertifiedBlock
from urbanchain.driver.parts import Parts
from urbanchain.errors import Malformed
from urbanchain.types import Block

log = logging.getLogger("driver")


class CatchingUp:
    """Asks for blocks, checks and commits them, and answers those who ask."""

    def __init__(self, parts: Parts, hosting: Hosting) -> None:
        self._parts = parts
        self._hosting = hosting

    def serve(self, asked: BlocksAsked) -> None:
        """Send a peer consecutive blocks from the height it names."""
        tables = BlockTables(self._parts.store)
        request, size = asked.request, 0
        found: list[CertifiedBlock] = []
        for height in range(request.from_height, request.from_height + request.count):
            block = _read(tables, height)
            if block is None or (found and size > messages.BLOCKS_BYTES_AIM):
                break
            found.append(block)
            size += len(block.payload)
        answer = Blocks(request.from_height, tuple(found))
        self._parts.tools.links.send(asked.peer, messages.BLOCKS.number, answer.encode())

    def ask(self, now: float) -> None:
        """Send the request that is due, if any."""
        parts = self._parts
        request = parts.sync.next_request(now, parts.ledger.head.height)
        if request is None:
            return
        payload = BlocksRequest(request.from_height, messages.BLOCKS_COUNT_MAX).encode()
        if not parts.tools.links.send(request.peer, messages.BLOCKS_REQUEST.number, payload):
            parts.sync.answered(advanced=False)

    async def take(self, came: BlocksCame) -> None:
        """Commit the blocks of an answer that was asked for."""
        parts = self._parts
        if not parts.sync.is_expected(came.peer, came.blocks.from_height):
            return
        before = parts.ledger.head.height
        last: CommitCertificate | None = None
        for block in came.blocks.blocks:
            try:
                certificate = self._check(block)
            except (ConsensusError, Malformed) as error:
                extra = {"peer": came.peer, "height": parts.ledger.head.height + 1}
                log.warning("a peer sent a bad block", extra=extra | {"reason": str(error)})
                break
            if certificate is None:
                continue
            keep = parts.replica.kept_records(certificate)
            await self._hosting.commit_block(certificate, block.payload, keep)
            last = certificate
        parts.sync.answered(advanced=parts.ledger.head.height > before)
        if last is not None:
            self._hosting.caught_up(last)

    def _check(self, block: CertifiedBlock) -> CommitCertificate | None:
        """The certificate of the next block; None for one we have. Raises ConsensusError,
        Malformed."""
        certificate = CommitCertificate.decode(block.certificate)
        height = self._parts.ledger.head.height + 1
        if certificate.height < height:
            return None
        if certificate.height != height:
            raise Malformed("blocks", f"block {certificate.height} where {height} is next")
        if Block.decode(block.payload).header.hash() != certificate.digest:
            raise Malformed("blocks", "a payload is not the certified one")
        certificate.check(self._hosting.replica_set(), self._parts.tools.signatures)
        return certificate


def _read(tables: BlockTables, height: int) -> CertifiedBlock | None:
    header, certificate = tables.header(height), tables.certificate(height)
    if header is None or certificate is None:
        return None
    payload = tables.body(CommitCertificate.decode(certificate).digest)
    return None if payload is None else CertifiedBlock(payload, certificate)
