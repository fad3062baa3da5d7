"""Who voted for what at the open height. Counting only; what a count means is decided elsewhere.

The first vote of a signer for a place counts. A second one with another digest is evidence and
never a vote.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from consensus.certificates import CommitCertificate, PreparedCertificate
from consensus.evidence import Evidence
from consensus.messages import Commit, Prepare, PrePrepare, Signed
from consensus.types import ReplicaId, ReplicaSet

VIEWS_KEPT_EITHER_SIDE = 2
"""Votes are kept for views this far below and above the current one."""
BODIES_KEPT = 8
"""A height that stays open over many views keeps this many bodies, and those it is bound to."""


@dataclass(slots=True)
class Tally:
    """The votes of one view at the open height."""

    pre_prepare: Signed | None = None
    prepares: dict[ReplicaId, Signed] = field(default_factory=dict)
    commits: dict[ReplicaId, Signed] = field(default_factory=dict)
    accused: set[ReplicaId] = field(default_factory=set)
    """Whose second votes were reported; once is enough."""

    def add(self, message: Signed) -> Evidence | None:
        """Count a vote, unless its signer has voted here; evidence if that was for another
        digest."""
        held = self._held(message)
        if held is None:
            self._put(message)
            return None
        signer = message.statement.place.signer
        if held.encoded != message.encoded:
            if signer in self.accused:
                return None
            self.accused.add(signer)
            return Evidence(held, message)
        if message.payload and not held.payload:
            self.pre_prepare = message
        return None

    def _held(self, message: Signed) -> Signed | None:
        signer = message.statement.place.signer
        match message.statement:
            case PrePrepare():
                return self.pre_prepare
            case Prepare():
                return self.prepares.get(signer)
            case _:
                return self.commits.get(signer)

    def _put(self, message: Signed) -> None:
        signer = message.statement.place.signer
        match message.statement:
            case PrePrepare():
                self.pre_prepare = message
            case Prepare():
                self.prepares[signer] = message
            case _:
                self.commits[signer] = message

    def is_contradicted(self, backup: ReplicaId) -> bool:
        """Whether a backup's PREPARE is for another digest than the PRE-PREPARE we hold."""
        first, prepare = self.pre_prepare, self.prepares.get(backup)
        return first is not None and prepare is not None and _digest(first) != _digest(prepare)

    def drop_body(self, digest: bytes) -> None:
        """Keep the PRE-PREPARE of `digest`, and not what came beside it."""
        if self.pre_prepare is not None and _digest(self.pre_prepare) == digest:
            self.pre_prepare = replace(self.pre_prepare, payload=b"")

    def prepared_certificate(
        self, digest: bytes, replica_set: ReplicaSet
    ) -> PreparedCertificate | None:
        """The certificate for `digest`, once its PRE-PREPARE and q-1 PREPAREs are held."""
        first = self.pre_prepare
        if first is None or _digest(first) != digest:
            return None
        seats = _seats(self.prepares, digest, replica_set)
        if len(seats) < replica_set.quorum - 1:
            return None
        place = first.statement.place
        return PreparedCertificate(
            place.epoch, place.height, place.view, digest, first.signature, seats
        )

    def commit_certificate(
        self, digest: bytes, replica_set: ReplicaSet
    ) -> CommitCertificate | None:
        """The certificate for `digest` with every COMMIT held for it, once they are a quorum."""
        seats = _seats(self.commits, digest, replica_set)
        if len(seats) < replica_set.quorum:
            return None
        place = next(iter(self.commits.values())).statement.place
        return CommitCertificate(place.epoch, place.height, place.view, digest, seats)

    def committed_digest(self, replica_set: ReplicaSet) -> bytes | None:
        """The digest for which a quorum of COMMITs is held, if there is one."""
        counts: dict[bytes, int] = {}
        for message in self.commits.values():
            digest = _digest(message)
            counts[digest] = counts.get(digest, 0) + 1
            if counts[digest] >= replica_set.quorum:
                return digest
        return None


@dataclass(slots=True)
class Slot:
    """All that is known about the open height."""

    tallies: dict[int, Tally] = field(default_factory=dict)
    """By view, within VIEWS_KEPT_EITHER_SIDE of the current one."""
    payloads: dict[bytes, bytes] = field(default_factory=dict)
    """Bodies by digest, oldest first."""
    is_valid: dict[bytes, bool] = field(default_factory=dict)
    """What the host found, by digest."""
    judging: tuple[bytes, bool] = (b"", False)
    """The digest that the host is executing now, and whether free of its clock."""
    accepted: tuple[int, bytes] | None = None
    """The highest view in which we sent PRE-PREPARE or PREPARE, and for what."""
    prepared: PreparedCertificate | None = None
    """The certificate of the highest view in which we sent COMMIT."""
    certified: CommitCertificate | None = None
    """Proof that the height is decided, while the body is missing or being written."""
    is_writing: bool = False
    """The host was asked to commit."""
    accused: set[ReplicaId] = field(default_factory=set)
    """Who was reported for hiding something here; once is enough."""

    def tally(self, view: int) -> Tally:
        """The votes of a view."""
        return self.tallies.setdefault(view, Tally())

    def drop_body(self, digest: bytes) -> None:
        """Forget a body that does not hash to its digest, wherever it is held."""
        self.payloads.pop(digest, None)
        for tally in self.tallies.values():
            tally.drop_body(digest)

    def keep_bodies(self, required: bytes) -> None:
        """Drop all but the newest bodies and those that this height may still need of us."""
        needed = {required}
        needed |= {self.accepted[1]} if self.accepted is not None else set()
        needed |= {c.digest for c in (self.prepared, self.certified) if c is not None}
        for digest in list(self.payloads)[:-BODIES_KEPT]:
            if digest not in needed:
                del self.payloads[digest]

    def forget_views_far_from(self, view: int) -> None:
        """Drop tallies that the window no longer covers."""
        for other in [v for v in self.tallies if abs(v - view) > VIEWS_KEPT_EITHER_SIDE]:
            del self.tallies[other]


def _digest(message: Signed) -> bytes:
    statement = message.statement
    if not isinstance(statement, PrePrepare | Prepare | Commit):
        raise TypeError("only votes are tallied")
    return statement.digest


def _seats(
    votes: Mapping[ReplicaId, Signed], digest: bytes, replica_set: ReplicaSet
) -> tuple[tuple[int, bytes], ...]:
    return tuple(
        (seat, votes[key].signature)
        for seat, key in enumerate(replica_set.members)
        if key in votes and _digest(votes[key]) == digest
    )
