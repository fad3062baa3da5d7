"""The map of the disk: every table's one-byte prefix and the encoding of its keys. Integers are
big-endian.

| prefix | key after the prefix | value |
|---|---|---|
| M | name | about the database itself: the chain's genesis hash, the format's version |
| B | digest 32 B | a block's payload, written once, before its PREPARE |
| P | height u64, digest 32 B | nothing: which bodies belong to an undecided height |
| H | height u64 | header |
| D | block hash 32 B | height u64 |
| C | height u64 | commit certificate |
| R | height u64 | the block's receipts, each behind its length as u32 |
| T | transaction id 32 B | height u64, index u32 |
| E | expiry bucket u64, transaction id 32 B | height u64: what may not be included again |
| A | address 20 B, inverted height u64, inverted index u32 | transaction id: newest first |
| S | state key | its present value |
| V | escaped state key, inverted height u64 | 0x01 value, or 0x00 when deleted: what it became at
that height |
| J | sequence u64 | SHA-256 of sequence and record, then the record |
| X | digest 32 B | evidence against a validator |
| Z | name | the tip |

Escaped: 0x00 becomes 0x00 0xFF and 0x00 0x00 ends the key, so that order is kept and no key is
another's prefix.
"""

import struct
from hashlib import sha256

META = b"M"
BODY = b"B"
UNDECIDED = b"P"
HEADER = b"H"
HEIGHT_BY_HASH = b"D"
CERTIFICATE = b"C"
RECEIPTS = b"R"
TRANSACTION = b"T"
REPLAY = b"E"
ACCOUNT = b"A"
STATE = b"S"
STATE_VERSION = b"V"
JOURNAL = b"J"
EVIDENCE = b"X"
TIP = b"Ztip"

_U64 = struct.Struct(">Q")
_U32 = struct.Struct(">I")
_U64_MAX = (1 << 64) - 1
_U32_MAX = (1 << 32) - 1


def u64(number: int) -> bytes:
    """Eight bytes; keys built from it sort by number."""
    return _U64.pack(number)


def read_u64(data: bytes) -> int:
    """The number of eight bytes."""
    return int(_U64.unpack(data)[0])


def by_height(table: bytes, height: int) -> bytes:
    """A key of the tables H, C, R."""
    return table + _U64.pack(height)


def position(height: int, index: int) -> bytes:
    """The value of table T."""
    return _U64.pack(height) + _U32.pack(index)


def read_position(data: bytes) -> tuple[int, int]:
    """(height, index) from a value of table T."""
    return _U64.unpack(data[:8])[0], _U32.unpack(data[8:])[0]


def replay(bucket: int, transaction_id: bytes) -> bytes:
    """A key of table E."""
    return REPLAY + _U64.pack(bucket) + transaction_id


def account(address: bytes, height: int, index: int) -> bytes:
    """A key of table A: inverted, so that a scan finds the newest first."""
    return ACCOUNT + address + _U64.pack(_U64_MAX - height) + _U32.pack(_U32_MAX - index)


def evidence(encoded: bytes) -> bytes:
    """A key of table X: each piece of evidence once."""
    return EVIDENCE + sha256(encoded).digest()


def state_version(key: bytes, height: int) -> bytes:
    """A key of table V."""
    return state_versions(key) + _U64.pack(_U64_MAX - height)


def state_versions(key: bytes) -> bytes:
    """What all of a key's rows in table V begin with."""
    return STATE_VERSION + key.replace(b"\0", b"\0\xff") + b"\0\0"
