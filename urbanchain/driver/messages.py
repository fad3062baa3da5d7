"""What nodes say to each other: the kinds of message on a link, and the encoding of those that are
ours.

Consensus messages are encoded by `consensus.codec`; here are transactions and block requests.
Priorities are the order in which a busy link sends: votes, then proposals with bodies, then
transactions, then blocks for laggards. What a slow peer cannot take in time: of consensus the
newest counts, of transactions and blocks the oldest; all of it is asked for again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from p2p import Drop, MessageKind
from urbanchain.encoding import NotCanonical, Value, decode, encode
from urbanchain.errors import Malformed
from urbanchain.types import INT63_MAX

VOTES = MessageKind(number=1, name="votes", priority=0, bytes_max=1 << 20, drop=Drop.OLDEST)
PROPOSALS = MessageKind(
    number=2, name="proposals", priority=1, bytes_max=12 << 20, drop=Drop.OLDEST
)
TRANSACTIONS = MessageKind(number=3, name="transactions", priority=2, bytes_max=5 << 20)
BLOCKS_REQUEST = MessageKind(number=4, name="blocks-request", priority=3, bytes_max=256)
BLOCKS = MessageKind(number=5, name="blocks", priority=3, bytes_max=16 << 20)
KINDS = (VOTES, PROPOSALS, TRANSACTIONS, BLOCKS_REQUEST, BLOCKS)

BLOCKS_COUNT_MAX = 64
BLOCKS_BYTES_AIM = 4 << 20
"""A reply stops growing beyond this; it always holds at least one block."""


@dataclass(frozen=True, slots=True)
class CertifiedBlock:
    """A block's payload and the certificate that commits it."""

    payload: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class BlocksRequest:
    """Asks for certified blocks from a height upwards."""

    from_height: int
    count: int

    def encode(self) -> bytes:
        """Canonical `[from height, count]`."""
        return encode((self.from_height, self.count))

    @classmethod
    def decode(cls, data: bytes) -> "BlocksRequest":
        """Raises Malformed; a count beyond BLOCKS_COUNT_MAX is cut down to it."""
        match _decode(data):
            case (int(from_height), int(count)) if 1 <= from_height <= INT63_MAX and count >= 1:
                return cls(from_height, min(count, BLOCKS_COUNT_MAX))
            case _:
                raise Malformed("blocks request", "must be [from height, count]")


@dataclass(frozen=True, slots=True)
class Blocks:
    """The answer: consecutive blocks, the first at `from_height`; none when the peer has none."""

    from_height: int
    blocks: tuple[CertifiedBlock, ...]

    def encode(self) -> bytes:
        """Canonical `[from height, [[payload, certificate], …]]`."""
        return encode((self.from_height, tuple((b.payload, b.certificate) for b in self.blocks)))

    @classmethod
    def decode(cls, data: bytes) -> "Blocks":
        """Raises Malformed."""
        match _decode(data):
            case (int(from_height), tuple(items)) if len(items) <= BLOCKS_COUNT_MAX:
                return cls(from_height, _decode_blocks(items))
            case _:
                raise Malformed("blocks", "must be [from height, [[payload, certificate], …]]")


def _decode_blocks(items: Sequence[Value]) -> tuple[CertifiedBlock, ...]:
    blocks = []
    for item in items:
        match item:
            case (bytes(payload), bytes(certificate)):
                blocks.append(CertifiedBlock(payload, certificate))
            case _:
                raise Malformed("blocks", "an item must be [payload, certificate]")
    return tuple(blocks)


def _decode(data: bytes) -> Value:
    try:
        return decode(data)
    except NotCanonical as error:
        raise Malformed("peer message", error.reason) from error
