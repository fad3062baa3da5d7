"""The first message on a link, and the refusal in its place. Pure.

    hello   = version u16 | network id 32 B | name length u8 | name | expected name length u8 |
    expected name refused = reason u8 | explanation, UTF-8

Both ends say which network they are of, who they are, and whom they expect, so that whatever is
wrong both can log it in a sentence.
"""

import struct
from dataclasses import dataclass

from p2p.errors import LinkRefused, Reason

PROTOCOL_VERSION = 1
_HEAD = struct.Struct(">H32s")


@dataclass(frozen=True, slots=True)
class Hello:
    """What each end says first."""

    network_id: bytes
    name: str
    expected: str
    version: int = PROTOCOL_VERSION

    def encode(self) -> bytes:
        """See the module."""
        return _HEAD.pack(self.version, self.network_id) + _text(self.name) + _text(self.expected)

    @classmethod
    def decode(cls, data: bytes) -> "Hello":
        """Raises LinkRefused."""
        try:
            version, network_id = _HEAD.unpack_from(data)
            name, rest = _read_text(data[_HEAD.size :])
            expected, rest = _read_text(rest)
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise LinkRefused(Reason.MALFORMED_HELLO, "the hello does not decode") from error
        if rest:
            raise LinkRefused(Reason.MALFORMED_HELLO, "the hello has trailing bytes")
        return cls(network_id, name, expected, version)

    def check(self, network_id: bytes, me: str, peer: str) -> None:
        """Whether this, from the holder of `peer`'s certificate, may link to us. Raises
        LinkRefused."""
        if self.version != PROTOCOL_VERSION:
            raise LinkRefused(
                Reason.OTHER_VERSION,
                f"{peer} speaks link protocol {self.version}, {me} speaks {PROTOCOL_VERSION}",
            )
        if self.network_id != network_id:
            raise LinkRefused(
                Reason.OTHER_NETWORK,
                f"{peer} is on the chain of genesis {self.network_id[:8].hex()}…,"
                f" {me} on {network_id[:8].hex()}…",
            )
        if self.name != peer or self.expected != me:
            raise LinkRefused(
                Reason.WRONG_PEER,
                f"{peer} says it is {self.name!r} and expects {self.expected!r}, not {me!r}",
            )


def encode_refusal(refusal: LinkRefused) -> bytes:
    """What the other end is told."""
    return bytes([refusal.reason.value]) + refusal.explanation.encode()[:900]


def decode_refusal(data: bytes) -> LinkRefused:
    """What the other end told us."""
    try:
        reason = Reason(data[0])
    except (IndexError, ValueError):
        reason = Reason.MALFORMED_HELLO
    explanation = data[1:].decode("utf-8", "replace")
    return LinkRefused(reason, explanation, by_peer=True)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return bytes([len(encoded)]) + encoded


def _read_text(data: bytes) -> tuple[str, bytes]:
    end = 1 + data[0]
    if len(data) < end:
        raise IndexError
    return data[1:end].decode("utf-8"), data[end:]
