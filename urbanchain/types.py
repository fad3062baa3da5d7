"""The chain's own nouns: header, block, receipt, validator set, lineage link; each with its one
encoding.

A header has fixed offsets, so that a light client in any language reads it without a parser;
everything of variable length is canonical MessagePack. Layouts and golden vectors:
docs/wire-format.md.
"""

import struct
from dataclasses import dataclass
from enum import Enum
from typing import Self

from urbanchain import signatures
from urbanchain.encoding import NotCanonical, Value, decode, encode
from urbanchain.errors import Malformed
from urbanchain.hashing import HASH_BYTES, Tag, compute_hash
from urbanchain.transactions import join_batch, split_batch

HEADER_VERSION = 1
_HEADER = struct.Struct(">H32sQQ32sQ20s32s32s32s32s32sI")
HEADER_BYTES = _HEADER.size
PAYLOAD_FULL = 1
INT63_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Header:
    """What a commit certificate signs (by its hash). It does not name the view: a new view
    re-proposes it as it is."""

    version: int
    """The protocol rules the block follows."""
    genesis_hash: bytes
    epoch: int
    height: int
    parent: bytes
    """The parent's hash; the genesis hash for block 1."""
    time_ms: int
    """Block time, ms since the epoch, strictly above the parent's."""
    proposer: bytes
    """The 20-byte validator address of who built the block."""
    validators_hash: bytes
    next_validators_hash: bytes
    transactions_root: bytes
    receipts_root: bytes
    state_root: bytes
    """The root of the state after this block."""
    transaction_count: int

    def encode(self) -> bytes:
        """HEADER_BYTES bytes."""
        return _HEADER.pack(
            self.version,
            self.genesis_hash,
            self.epoch,
            self.height,
            self.parent,
            self.time_ms,
            self.proposer,
            self.validators_hash,
            self.next_validators_hash,
            self.transactions_root,
            self.receipts_root,
            self.state_root,
            self.transaction_count,
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises Malformed for a wrong length, an unknown version or a number beyond 2^63-1."""
        if len(data) != HEADER_BYTES:
            raise Malformed("header", f"{len(data)} bytes; a header has {HEADER_BYTES}")
        header = cls(*_HEADER.unpack(data))
        if header.version != HEADER_VERSION:
            raise Malformed("header.version", f"is {header.version}; known is {HEADER_VERSION}")
        if max(header.epoch, header.height, header.time_ms) > INT63_MAX:
            raise Malformed("header", "epoch, height or time beyond 2^63-1")
        return header

    def hash(self) -> bytes:
        """The block hash: the digest that consensus votes on."""
        return compute_header_hash(self.encode())


def compute_header_hash(header: bytes) -> bytes:
    """The block hash of an encoded header."""
    return compute_hash(Tag.HEADER, header)


@dataclass(frozen=True, slots=True)
class Block:
    """A header and the envelopes it orders. The payload is what consensus carries and storage
    keeps, once."""

    header: Header
    envelopes: tuple[bytes, ...]

    def encode(self) -> bytes:
        """format u8 (1: every envelope in full) | header | envelopes, each behind its length as
        u32."""
        return bytes([PAYLOAD_FULL]) + self.header.encode() + join_batch(self.envelopes)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Raises Malformed; says nothing yet about whether the block is valid."""
        if not payload or payload[0] != PAYLOAD_FULL:
            raise Malformed("block", "unknown payload format")
        header = Header.decode(payload[1 : 1 + HEADER_BYTES])
        envelopes = tuple(split_batch(payload[1 + HEADER_BYTES :], header.transaction_count))
        if len(envelopes) != header.transaction_count:
            raise Malformed(
                "block",
                f"{len(envelopes)} transactions; its header says {header.transaction_count}",
            )
        return cls(header, envelopes)


class Outcome(Enum):
    """What execution did with an included transaction."""

    APPLIED = 0
    REFUSED = 1


@dataclass(frozen=True, slots=True)
class Event:
    """Something a contract says happened, fields in the order of its declaration."""

    contract: str
    name: str
    fields: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of one included transaction; its encoding is a leaf of the receipts tree."""

    id: bytes
    outcome: Outcome
    code: str = ""
    """The refusal's stable code; empty when applied."""
    facts: tuple[Value, ...] = ()
    """What the refusal's sentence is filled with, in the order of its declaration."""
    events: tuple[Event, ...] = ()

    def encode(self) -> bytes:
        """Canonical `[id, outcome, code, [facts], [[contract, event, [fields]], …]]`."""
        events = tuple((event.contract, event.name, event.fields) for event in self.events)
        return encode((self.id, self.outcome.value, self.code, self.facts, events))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises Malformed."""
        match _decode("receipt", data):
            case (bytes(id_), int(outcome), str(code), tuple(facts), tuple(events)) if (
                len(id_) == HASH_BYTES and type(outcome) is int and outcome in (0, 1)
            ):
                decoded = tuple(_decode_event(event) for event in events)
                return cls(id_, Outcome(outcome), code, facts, decoded)
            case _:
                raise Malformed("receipt", "must be [id, outcome, code, [facts], [events]]")


def _decode_event(value: Value) -> Event:
    match value:
        case (str(contract), str(name), tuple(fields)):
            return Event(contract, name, fields)
        case _:
            raise Malformed("receipt.events", "must be [contract, event, [fields]]")


@dataclass(frozen=True, slots=True)
class Validator:
    """A seat: an agency's node that votes."""

    name: str
    agency: str
    suite: int
    key: bytes
    """The consensus key."""

    @property
    def address(self) -> bytes:
        """20 bytes: how headers name this validator."""
        return compute_address(self.suite, self.key)


@dataclass(frozen=True, slots=True)
class ValidatorSet:
    """The members of one epoch, in seat order, which the primary's rotation follows."""

    members: tuple[Validator, ...]

    def encode(self) -> bytes:
        """Canonical `[[name, agency, suite, key], …]`."""
        return encode(tuple((m.name, m.agency, m.suite, m.key) for m in self.members))

    def hash(self) -> bytes:
        """What headers carry as validators hash."""
        return compute_hash(Tag.VALIDATORS, self.encode())

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises Malformed, also for fewer than four members, equal keys or equal names."""
        value = _decode("validators", data)
        if not isinstance(value, tuple):
            raise Malformed("validators", "must be a list")
        members = tuple(_decode_validator(item) for item in value)
        if len(members) < 4:
            raise Malformed("validators", f"{len(members)} members; PBFT needs four")
        if len({m.key for m in members}) < len(members) or len({m.name for m in members}) < len(
            members
        ):
            raise Malformed("validators", "two members share a key or a name")
        return cls(members)

    def keys(self) -> tuple[bytes, ...]:
        """The members' consensus keys, in seat order."""
        return tuple(member.key for member in self.members)


def _decode_validator(value: Value) -> Validator:
    match value:
        case (str(name), str(agency), int(number), bytes(key)):
            suite = signatures.SUITES.get(number)
            if suite is None or len(key) != suite.key_bytes:
                raise Malformed("validators", f"{name}: unknown suite or wrong key length")
            return Validator(name, agency, number, key)
        case _:
            raise Malformed("validators", "a member must be [name, agency, suite, key]")


class LineageKind(Enum):
    """Why an epoch ended. RECOVERY is reserved: agencies' admins reopen a chain that lost its
    quorum."""

    SET_CHANGE = 0
    RECOVERY = 1


@dataclass(frozen=True, slots=True)
class LineageLink:
    """One step from an epoch's validator set to the next one's, provable from genesis.

    The header is the last of the old epoch: its certificate is the old set's, its next validators
    hash names the new set, whose epoch begins with the height after it.
    """

    kind: LineageKind
    header: bytes
    certificate: bytes
    validators: bytes
    """The encoded next set."""

    def encode(self) -> bytes:
        """Canonical `[kind, header, certificate, validators]`."""
        return encode((self.kind.value, self.header, self.certificate, self.validators))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises Malformed."""
        match _decode("lineage link", data):
            case (int(kind), bytes(header), bytes(certificate), bytes(validators)) if kind in (
                0,
                1,
            ):
                return cls(LineageKind(kind), header, certificate, validators)
            case _:
                raise Malformed("lineage link", "must be [kind, header, certificate, validators]")


def compute_address(suite: int, key: bytes) -> bytes:
    """The 20-byte address of a key: accounts keep the address of their first key for ever."""
    return compute_hash(Tag.ADDRESS, bytes([suite]), key)[:20]


def compute_genesis_hash(genesis_file: bytes) -> bytes:
    """The chain's name: a hash of genesis.json byte for byte, so that no byte of it can differ
    unnoticed."""
    return compute_hash(Tag.GENESIS, genesis_file)


def _decode(place: str, data: bytes) -> Value:
    try:
        return decode(data)
    except NotCanonical as error:
        raise Malformed(place, error.reason) from error
