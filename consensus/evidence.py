"""Transferable proof that a member signed what it may not. Two forms:

- two votes of one kind for one place with different digests;
- a COMMIT, and a VIEW-CHANGE to a later view that hides what the COMMIT proves its signer had: the
  height below, and, if it shows no higher height, a prepared certificate of that view or a later
  one.

Whoever reports it, anyone can check it from the validator set alone. An honest replica writes each
vote and certificate down before it speaks, repeats itself verbatim, and never votes below its own
VIEW-CHANGE, so it can never be framed.
"""

from dataclasses import dataclass

from consensus import codec, packing
from consensus.certificates import SignatureScheme
from consensus.errors import MalformedMessage, NotAuthentic
from consensus.messages import Commit, Kind, Prepare, PrePrepare, Signed, ViewChange
from consensus.types import ReplicaId, ReplicaSet

_KINDS = {int(k): (k, k) for k in (Kind.PRE_PREPARE, Kind.PREPARE, Kind.COMMIT)}
_KINDS |= {int(Kind.VIEW_CHANGE): (Kind.COMMIT, Kind.VIEW_CHANGE)}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two statements of one signer that no honest replica signs both."""

    first: Signed
    second: Signed

    @property
    def accused(self) -> ReplicaId:
        """Who signed both."""
        return self.first.statement.place.signer

    def encode(self) -> bytes:
        """Canonical `[kind of the second, statement, signature, statement, signature]`; a
        VIEW-CHANGE comes after its COMMIT, a vote after one of its own kind."""
        kind = codec.kind_of(self.second.statement)
        a, b = self.first, self.second
        return packing.pack((int(kind), a.encoded, a.signature, b.encoded, b.signature))

    @classmethod
    def decode(cls, data: bytes, genesis: bytes) -> "Evidence":
        """Raises MalformedMessage."""
        match packing.unpack(data):
            case (int(number), bytes(a), bytes(a_signature), bytes(b), bytes(b_signature)) if (
                type(number) is int and number in _KINDS
            ):
                first, second = _KINDS[number]
                return cls(
                    codec.decode_signed(first, a, a_signature, genesis),
                    codec.decode_signed(second, b, b_signature, genesis),
                )
            case _:
                raise MalformedMessage("evidence has five fields")

    def check(self, replica_set: ReplicaSet, scheme: SignatureScheme) -> None:
        """Raises NotAuthentic unless a member of the set really signed both."""
        a, b = self.first.statement.place, self.second.statement.place
        if a.signer not in replica_set.members or a.epoch != replica_set.epoch:
            raise NotAuthentic("evidence", "is against no member of this epoch")
        if (b.signer, b.epoch) != (a.signer, a.epoch):
            raise NotAuthentic("evidence", "is of two signers, or of two epochs")
        if not _contradict(self.first, self.second):
            raise NotAuthentic("evidence", "shows two statements that an honest replica may make")
        items = [
            (a.signer, codec.signed_bytes(codec.kind_of(s.statement), s.encoded), s.signature)
            for s in (self.first, self.second)
        ]
        if not all(scheme.verify(items)):
            raise NotAuthentic("evidence", "a signature does not verify")


def between(first: Signed, second: Signed) -> Evidence | None:
    """What two statements prove together, if anything: votes in any order, a COMMIT before a
    VIEW-CHANGE."""
    a, b = first.statement.place, second.statement.place
    is_same = (a.signer, a.epoch) == (b.signer, b.epoch)
    return Evidence(first, second) if is_same and _contradict(first, second) else None


def _contradict(first: Signed, second: Signed) -> bool:
    a, b = first.statement, second.statement
    if isinstance(a, Commit) and isinstance(b, ViewChange):
        return _hides(b, a)
    if not isinstance(a, PrePrepare | Prepare | Commit) or type(b) is not type(a):
        return False
    return a.place == b.place and a.digest != b.digest


def _hides(left: ViewChange, vote: Commit) -> bool:
    """Whether a VIEW-CHANGE keeps back what an earlier COMMIT of its signer proves it held."""
    if left.place.view <= vote.place.view or left.place.height >= vote.place.height:
        return False
    shown = left.prepared
    if left.place.height < vote.place.height - 1 or shown is None:
        return True
    is_other = shown.view == vote.place.view and shown.digest != vote.digest
    return shown.view < vote.place.view or is_other
