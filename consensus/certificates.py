"""Certificates: what a quorum's signatures prove to anyone who has the validator set.

A COMMIT certificate proves a block final. A prepared certificate proves that nothing else can have
been committed in its view. Every signature in a certificate must verify: one bad signature too many
makes the whole invalid, so that all verifiers give one answer.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from consensus import packing
from consensus.errors import MalformedMessage, NotAuthentic
from consensus.types import DIGEST_BYTES, NUMBER_MAX, ReplicaId, ReplicaSet

SIGNATURE_BYTES_MAX = 8192
_PLACE = struct.Struct(">32sQQQB")

TAG_PRE_PREPARE = b"urbanchain/vote/pre-prepare"
TAG_PREPARE = b"urbanchain/vote/prepare"
TAG_COMMIT = b"urbanchain/vote/commit"

SignatureItem = tuple[ReplicaId, bytes, bytes]
"""(key, signed bytes, signature)"""


class SignatureScheme(Protocol):
    """What consensus needs of signatures; the host implements it."""

    def sign(self, message: bytes) -> bytes:
        """This replica's signature over the message."""
        ...

    def verify(self, items: Sequence[SignatureItem]) -> list[bool]:
        """One verdict an item, whatever the others are."""
        ...


Seats = tuple[tuple[int, bytes], ...]
"""(seat, signature) pairs, seats ascending."""


def place_bytes(genesis: bytes, place: tuple[int, int, int], signer: ReplicaId) -> bytes:
    """How every statement begins: genesis 32 B | epoch u64 | height u64 | view u64 | signer length
    u8 | signer."""
    epoch, height, view = place
    return _PLACE.pack(genesis, epoch, height, view, len(signer)) + signer


def tagged(tag: bytes, statement: bytes) -> bytes:
    """The bytes that get signed: tag length u8 | tag | statement."""
    return bytes([len(tag)]) + tag + statement


def vote_bytes(
    tag: bytes, genesis: bytes, place: tuple[int, int, int], signer: ReplicaId, digest: bytes
) -> bytes:
    """The signed bytes of a vote, as anyone rebuilds them from a certificate."""
    return tagged(tag, place_bytes(genesis, place, signer) + digest)


@dataclass(frozen=True, slots=True)
class CommitCertificate:
    """At least a quorum of COMMITs for one digest in one view."""

    epoch: int
    height: int
    view: int
    digest: bytes
    signatures: Seats

    def encode(self) -> bytes:
        """Canonical `[epoch, height, view, digest, [[seat, signature], …]]`."""
        return packing.pack(self.fields())

    def fields(self) -> tuple[packing.Value, ...]:
        """What `encode` packs."""
        return (self.epoch, self.height, self.view, self.digest, self.signatures)

    @classmethod
    def decode(cls, data: bytes) -> "CommitCertificate":
        """Raises MalformedMessage."""
        return cls.from_fields(packing.unpack(data))

    @classmethod
    def from_fields(cls, value: packing.Value) -> "CommitCertificate":
        """Raises MalformedMessage."""
        match value:
            case (int(epoch), int(height), int(view), bytes(digest), tuple(seats)):
                _check_numbers(epoch, height, view, digest)
                return cls(epoch, height, view, digest, _seats(seats))
            case _:
                raise MalformedMessage("a commit certificate has five fields")

    def items(self, replica_set: ReplicaSet) -> list[SignatureItem]:
        """The signatures to verify. Raises NotAuthentic if they cannot make a quorum of this
        set."""
        _check_seats("commit certificate", self.epoch, self.signatures, replica_set)
        if len(self.signatures) < replica_set.quorum:
            raise NotAuthentic("commit certificate", "fewer signatures than a quorum")
        if self.height < replica_set.first_height:
            raise NotAuthentic("commit certificate", "below the epoch's first height")
        return [
            (key, vote_bytes(TAG_COMMIT, replica_set.genesis, place, key, self.digest), signature)
            for place in [(self.epoch, self.height, self.view)]
            for seat, signature in self.signatures
            for key in [replica_set.members[seat]]
        ]

    def check(self, replica_set: ReplicaSet, scheme: SignatureScheme) -> None:
        """Raises NotAuthentic unless every signature verifies and they make a quorum of the set."""
        if not all(scheme.verify(self.items(replica_set))):
            raise NotAuthentic("commit certificate", "a signature does not verify")


@dataclass(frozen=True, slots=True)
class PreparedCertificate:
    """A PRE-PREPARE and matching PREPAREs of at least q-1 distinct backups (§4.2)."""

    epoch: int
    height: int
    view: int
    digest: bytes
    pre_prepare: bytes
    """The primary's signature over its PRE-PREPARE."""
    prepares: Seats

    def fields(self) -> tuple[packing.Value, ...]:
        """`[epoch, height, view, digest, pre-prepare signature, [[seat, signature], …]]`."""
        return (self.epoch, self.height, self.view, self.digest, self.pre_prepare, self.prepares)

    @classmethod
    def from_fields(cls, value: packing.Value) -> "PreparedCertificate":
        """Raises MalformedMessage."""
        match value:
            case (int(epoch), int(height), int(view), bytes(digest), bytes(first), tuple(seats)):
                _check_numbers(epoch, height, view, digest)
                return cls(epoch, height, view, digest, first, _seats(seats))
            case _:
                raise MalformedMessage("a prepared certificate has six fields")

    def items(self, replica_set: ReplicaSet) -> list[SignatureItem]:
        """The signatures to verify. Raises NotAuthentic if they cannot make the certificate."""
        _check_seats("prepared certificate", self.epoch, self.prepares, replica_set)
        primary = replica_set.primary(self.view, self.height)
        if len(self.prepares) < replica_set.quorum - 1:
            raise NotAuthentic("prepared certificate", "fewer PREPAREs than a quorum less one")
        if any(replica_set.members[seat] == primary for seat, _ in self.prepares):
            raise NotAuthentic("prepared certificate", "the primary is no backup")
        genesis, place = replica_set.genesis, (self.epoch, self.height, self.view)
        first = vote_bytes(TAG_PRE_PREPARE, genesis, place, primary, self.digest)
        items = [(primary, first, self.pre_prepare)]
        for seat, signature in self.prepares:
            key = replica_set.members[seat]
            vote = vote_bytes(TAG_PREPARE, genesis, place, key, self.digest)
            items.append((key, vote, signature))
        return items

    def check(self, replica_set: ReplicaSet, scheme: SignatureScheme) -> None:
        """Raises NotAuthentic unless every signature verifies and they make the certificate."""
        if not all(scheme.verify(self.items(replica_set))):
            raise NotAuthentic("prepared certificate", "a signature does not verify")


def _check_numbers(epoch: int, height: int, view: int, digest: bytes) -> None:
    numbers = (epoch, height, view)
    if not all(type(n) is int and 0 <= n <= NUMBER_MAX for n in numbers):
        raise MalformedMessage("epoch, height or view out of range")
    if len(digest) != DIGEST_BYTES:
        raise MalformedMessage("a digest has 32 bytes")


def _seats(items: tuple[packing.Value, ...]) -> Seats:
    if len(items) > 255:
        raise MalformedMessage("more signatures than seats")
    seats: list[tuple[int, bytes]] = []
    for item in items:
        match item:
            case (int(seat), bytes(signature)) if len(signature) <= SIGNATURE_BYTES_MAX:
                if type(seat) is not int or not 0 <= seat < 255:
                    raise MalformedMessage("a seat is out of range")
                if seats and seat <= seats[-1][0]:
                    raise MalformedMessage("seats must ascend, each at most once")
                seats.append((seat, signature))
            case _:
                raise MalformedMessage("a signature must be [seat, bytes]")
    return tuple(seats)


def _check_seats(part: str, epoch: int, seats: Seats, replica_set: ReplicaSet) -> None:
    if epoch != replica_set.epoch:
        raise NotAuthentic(part, f"is of epoch {epoch}, not {replica_set.epoch}")
    ascending = all(a[0] < b[0] for a, b in pairwise(seats))
    if not ascending or (seats and seats[-1][0] >= replica_set.n):
        raise NotAuthentic(part, "names a seat twice or one that is not in the set")
