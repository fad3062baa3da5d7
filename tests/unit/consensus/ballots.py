"""Signed messages and certificates as the members of a set would make them, honest or not.

Digests are real SHA-256 of payloads and signatures a keyed hash, so that everything made here
passes `authentication.check` exactly when a real one would.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from consensus import CommitCertificate, PreparedCertificate, ReplicaSet, Signed, Statement, codec
from consensus.messages import (
    Answer,
    Commit,
    Flag,
    NewView,
    Place,
    Prepare,
    PrePrepare,
    Question,
    Status,
    ViewChange,
)
from tests.simulation.cluster import KeyedHash

GENESIS = sha256(b"unit").digest()
ANYONE = KeyedHash(b"")
"""Verifies; signs for nobody."""


def key(seat: int) -> bytes:
    """The key of a seat; keys do not sort like seats."""
    return sha256(b"member %d" % seat).digest()[:8]


def digest(payload: bytes) -> bytes:
    """What a payload hashes to."""
    return sha256(payload).digest()


def members(
    n: int = 4, *, epoch: int = 0, first_height: int = 1, rotation_blocks: int = 256
) -> ReplicaSet:
    """A set of n seats."""
    return ReplicaSet(GENESIS, epoch, first_height, tuple(map(key, range(n))), rotation_blocks)


@dataclass(frozen=True)
class Ballots:
    """What the members of one set can sign."""

    replica_set: ReplicaSet

    def place(self, seat: int, height: int = 1, view: int = 0) -> Place:
        return Place(self.replica_set.epoch, height, view, self.replica_set.members[seat])

    def seal(self, statement: Statement, payload: bytes = b"") -> Signed:
        """The statement, signed by whom it names."""
        signer = KeyedHash(statement.place.signer)
        return codec.seal(self.replica_set.genesis, statement, signer.sign, payload)

    def primary(self, view: int = 0, height: int = 1) -> int:
        """The seat of the primary."""
        return self.replica_set.index_of(self.replica_set.primary(view, height))

    def backups(self, view: int = 0, height: int = 1) -> list[int]:
        """The other seats."""
        return [s for s in range(self.replica_set.n) if s != self.primary(view, height)]

    def pre_prepare(self, payload: bytes, height: int = 1, view: int = 0) -> Signed:
        place = self.place(self.primary(view, height), height, view)
        return self.seal(PrePrepare(place, digest(payload)), payload)

    def prepare(self, seat: int, payload: bytes, height: int = 1, view: int = 0) -> Signed:
        return self.seal(Prepare(self.place(seat, height, view), digest(payload)))

    def commit(self, seat: int, payload: bytes, height: int = 1, view: int = 0) -> Signed:
        return self.seal(Commit(self.place(seat, height, view), digest(payload)))

    def prepared(
        self, payload: bytes, height: int = 1, view: int = 0, by: Iterable[int] | None = None
    ) -> PreparedCertificate:
        """A prepared certificate by the given backups, by default just enough of them."""
        enough = self.backups(view, height)[: self.replica_set.quorum - 1]
        seats = tuple(
            (seat, self.prepare(seat, payload, height, view).signature)
            for seat in sorted(enough if by is None else by)
        )
        return PreparedCertificate(
            epoch=self.replica_set.epoch,
            height=height,
            view=view,
            digest=digest(payload),
            pre_prepare=self.pre_prepare(payload, height, view).signature,
            prepares=seats,
        )

    def committed(
        self, payload: bytes, height: int = 1, view: int = 0, by: Iterable[int] | None = None
    ) -> CommitCertificate:
        """A commit certificate by the given seats, by default the first quorum."""
        seats = tuple(
            (seat, self.commit(seat, payload, height, view).signature)
            for seat in sorted(range(self.replica_set.quorum) if by is None else by)
        )
        return CommitCertificate(self.replica_set.epoch, height, view, digest(payload), seats)

    def view_change(
        self,
        seat: int,
        view: int = 1,
        committed: CommitCertificate | None = None,
        prepared: PreparedCertificate | None = None,
    ) -> Signed:
        height = self.replica_set.first_height - 1 if committed is None else committed.height
        return self.seal(ViewChange(self.place(seat, height, view), committed, prepared))

    def new_view(
        self, view_changes: Iterable[Signed], view: int = 1, by: int | None = None
    ) -> Signed:
        """NEW-VIEW with these VIEW-CHANGEs, by the primary they prove unless said."""
        shown = sorted(view_changes, key=lambda message: message.statement.place.signer)
        height = max(message.statement.place.height for message in shown)
        seat = self.primary(view, height + 1) if by is None else by
        return self.seal(NewView(self.place(seat, height, view), tuple(shown)))

    def answer(
        self,
        seat: int,
        nonce: bytes,
        committed: CommitCertificate | None = None,
        shown: Iterable[Signed] = (),
    ) -> Signed:
        height = self.replica_set.first_height - 1 if committed is None else committed.height
        return self.seal(Answer(self.place(seat, height), nonce, committed, tuple(shown)))

    def question(self, seat: int, nonce: bytes, height: int = 0) -> Signed:
        return self.seal(Question(self.place(seat, height), nonce))

    def status(
        self, seat: int, height: int = 0, view: int = 0, flags: int = 0, wanted: bytes = b""
    ) -> Signed:
        """A Status of someone who holds no votes."""
        return self.seal(
            Status(
                place=self.place(seat, height, view),
                head=self.replica_set.genesis,
                flags=Flag(flags),
                prepares=0,
                commits=0,
                view_changes=0,
                wanted=wanted,
                time_ms=0,
            )
        )
