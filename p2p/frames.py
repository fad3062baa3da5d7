"""Bytes ↔ messages: length-prefixed fragments, so that a long message does not delay a short one.
Pure.

    frame = length u32 of what follows | kind u8 | flags u8 | fragment, at most 64 KiB

Flag bit 0: this is the message's last fragment; the other bits are zero. Fragments of one priority
belong to one message at a time, and priorities interleave freely; a kind's priority is known to
both ends. Kinds from 0xF0 on are the link's own. The running total of a message is checked against
its kind's limit before a byte is kept.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from p2p.errors import LinkBroken

_HEAD = struct.Struct(">IBB")
HEAD_BYTES = _HEAD.size
FRAGMENT_BYTES_MAX = 64 * 1024
LAST = 1


class Drop(Enum):
    """Which messages a full queue gives up."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class MessageKind:
    """What the composing program sends: a number below 0xF0, a priority (0 first) and a limit."""

    number: int
    name: str
    priority: int
    bytes_max: int
    drop: Drop = Drop.NEWEST


CONTROL_KINDS = 0xF0
"""Numbers from here on are the link's own."""
CONTROL_PRIORITY = -1
HELLO = MessageKind(0xF0, "hello", CONTROL_PRIORITY, 1024)
REFUSED = MessageKind(0xF1, "refused", CONTROL_PRIORITY, 1024)
PING = MessageKind(0xF2, "ping", CONTROL_PRIORITY, 8)
PONG = MessageKind(0xF3, "pong", CONTROL_PRIORITY, 8)
CONTROL = (HELLO, REFUSED, PING, PONG)


class Message(NamedTuple):
    """A whole message of some kind."""

    kind: int
    payload: bytes


def encode_fragment(kind: int, fragment: bytes, is_last: bool) -> bytes:
    """One frame."""
    return _HEAD.pack(len(fragment) + 2, kind, LAST if is_last else 0) + fragment


def encode_message(kind: int, payload: bytes) -> bytes:
    """All frames of a message, back to back."""
    return b"".join(
        encode_fragment(
            kind, payload[at : at + FRAGMENT_BYTES_MAX], at + FRAGMENT_BYTES_MAX >= len(payload)
        )
        for at in range(0, max(len(payload), 1), FRAGMENT_BYTES_MAX)
    )


class Decoder:
    """Puts messages together from whatever pieces the wire delivers. Bounded by one message per
    priority."""

    def __init__(self, kinds: Iterable[MessageKind]) -> None:
        self._kinds = {kind.number: kind for kind in (*kinds, *CONTROL)}
        self._buffer = bytearray()
        self._partial: dict[int, tuple[int, list[bytes], int]] = {}
        """By priority: (kind, fragments, bytes so far)."""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes. Raises LinkBroken at the first rule a frame
        breaks."""
        self._buffer += data
        offset = 0
        try:
            while len(self._buffer) - offset >= HEAD_BYTES:
                length, number, flags = _HEAD.unpack_from(self._buffer, offset)
                self._check(length, number, flags)
                end = offset + 4 + length
                if len(self._buffer) < end:
                    break
                fragment = bytes(self._buffer[offset + HEAD_BYTES : end])
                offset = end
                message = self._add(self._kinds[number], fragment, flags == LAST)
                if message is not None:
                    yield message
        finally:
            del self._buffer[:offset]

    def _check(self, length: int, number: int, flags: int) -> None:
        if not 2 <= length <= FRAGMENT_BYTES_MAX + 2:
            raise LinkBroken(f"a frame of {length} bytes; at most {FRAGMENT_BYTES_MAX + 2}")
        kind = self._kinds.get(number)
        if kind is None:
            raise LinkBroken(f"a frame of unknown kind {number:#04x}")
        if flags not in (0, LAST):
            raise LinkBroken(f"a frame with unknown flags {flags:#04x}")
        held = self._partial.get(kind.priority)
        if held is not None and held[0] != number:
            raise LinkBroken("two messages of one priority are mixed")
        if (0 if held is None else held[2]) + length - 2 > kind.bytes_max:
            raise LinkBroken(f"a {kind.name} message of more than {kind.bytes_max} bytes")

    def _add(self, kind: MessageKind, fragment: bytes, is_last: bool) -> Message | None:
        if is_last and kind.priority not in self._partial:
            return Message(kind.number, fragment)
        if not fragment:
            raise LinkBroken("an empty fragment")
        _, fragments, total = self._partial.get(kind.priority, (0, [], 0))
        fragments.append(fragment)
        self._partial[kind.priority] = (kind.number, fragments, total + len(fragment))
        if not is_last:
            return None
        del self._partial[kind.priority]
        return Message(kind.number, b"".join(fragments))
