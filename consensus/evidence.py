"""Transferable proof that a member signed what it may not: two different votes for one place.

A votes once per (epoch, height, view, kind); a second digest there is proof against it, whoever
reports it. An honest replica writes each vote down before it speaks and repeats itself verbatim, so
it can never be framed.
"""

from dataclasses import dataclass

from consensus import codec, packing
from consensus.certificates import SignatureScheme
from consensus.errors import MalformedMessage, NotAuthentic
from consensus.messages import Commit, Kind, Prepare, PrePrepare, Signed
from consensus.types import ReplicaId, ReplicaSet

_VOTE_KINDS = {int(k) for k in (Kind.PRE_PREPARE, Kind.PREPARE, Kind.COMMIT)}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two votes of one signer for one place with different digests."""

    first: Signed
    second: Signed

    @property
    def accused(self) -> ReplicaId:
        """Who signed both."""
        return self.first.statement.place.signer

    def encode(self) -> bytes:
        """Canonical `[kind, statement, signature, statement, signature]`."""
        kind = codec.kind_of(self.first.statement)
        a, b = self.first, self.second
        return packing.pack((int(kind), a.encoded, a.signature, b.encoded, b.signature))

    @classmethod
    def decode(cls, data: bytes, genesis: bytes) -> "Evidence":
        """Raises MalformedMessage."""
        match packing.unpack(data):
            case (int(number), bytes(a), bytes(a_signature), bytes(b), bytes(b_signature)) if (
                type(number) is int and number in _VOTE_KINDS
            ):
                kind = Kind(number)
                return cls(
                    codec.decode_signed(kind, a, a_signature, genesis),
                    codec.decode_signed(kind, b, b_signature, genesis),
                )
            case _:
                raise MalformedMessage("evidence has five fields")

    def check(self, replica_set: ReplicaSet, scheme: SignatureScheme) -> None:
        """Raises NotAuthentic unless a member of the set really signed both."""
        a, b = self.first.statement, self.second.statement
        if not isinstance(a, PrePrepare | Prepare | Commit) or not isinstance(b, type(a)):
            raise NotAuthentic("evidence", "is not of two votes of one kind")
        if a.place != b.place or a.digest == b.digest:
            raise NotAuthentic("evidence", "is not of one place and two digests")
        if a.place.signer not in replica_set.members or a.place.epoch != replica_set.epoch:
            raise NotAuthentic("evidence", "is against no member of this epoch")
        items = [
            (a.place.signer, codec.signed_bytes(codec.kind_of(s.statement), s.encoded), s.signature)
            for s in (self.first, self.second)
        ]
        if not all(scheme.verify(items)):
            raise NotAuthentic("evidence", "a signature does not verify")
