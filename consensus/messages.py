"""What replicas say to each other: eight signed statements, and bodies on request.

Every statement names epoch, height, view and signer; codec.py adds the genesis and a tag for its
kind before it is signed, so nothing signed for one place is valid in another. In VIEW-CHANGE,
NEW-VIEW and Status `height` is a committed height, in the three votes it is the height voted for.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import TypeAlias

from consensus.certificates import CommitCertificate, PreparedCertificate
from consensus.types import ReplicaId

NONCE_BYTES = 16


class Kind(IntEnum):
    """The number of a message on the wire."""

    PRE_PREPARE = 1
    PREPARE = 2
    COMMIT = 3
    VIEW_CHANGE = 4
    NEW_VIEW = 5
    STATUS = 6
    BODY = 7
    QUESTION = 8
    ANSWER = 9


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the protocol a statement belongs, and who makes it."""

    epoch: int
    height: int
    view: int
    signer: ReplicaId


@dataclass(frozen=True, slots=True)
class PrePrepare:
    """The primary proposes a digest (§4.2). The payload travels beside it, unsigned: the digest
    binds it."""

    place: Place
    digest: bytes


@dataclass(frozen=True, slots=True)
class Prepare:
    """A backup has executed the proposal and found it valid (§4.2)."""

    place: Place
    digest: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """The signer holds a prepared certificate for the digest, durably (§4.2)."""

    place: Place
    digest: bytes


@dataclass(frozen=True, slots=True)
class ViewChange:
    """The signer moves to `view` and will never again vote below it (§4.4)."""

    place: Place
    committed: CommitCertificate | None
    """Proof of `height`; None when that is the height before the epoch's first."""
    prepared: PreparedCertificate | None
    """The highest-view certificate for the height above, if the signer holds one."""


@dataclass(frozen=True, slots=True)
class NewView:
    """The primary of `view` shows a quorum of VIEW-CHANGEs for it; `height` is the highest one they
    prove (§4.4)."""

    place: Place
    view_changes: tuple["Signed", ...]
    """Exactly a quorum, in ascending order of signers."""


class Flag(IntFlag):
    """What a Status says beside its place."""

    SUSPECT = 1
    """This view's primary is not doing its work."""
    CHANGING = 2
    """VIEW-CHANGE for `view` is sent, its NEW-VIEW not yet seen."""
    WORK = 4
    """There are transactions to order."""
    PROPOSED = 8
    """The PRE-PREPARE of the open height in this view is held."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where the signer is and what it holds; the answer is whatever it lacks. Never a vote."""

    place: Place
    head: bytes
    """The digest of the committed block at `height`."""
    flags: Flag
    prepares: int
    """Bitmap over seats: whose PREPARE is held for the open height in `view`."""
    commits: int
    view_changes: int
    """Bitmap over seats: whose VIEW-CHANGE for `view` is held."""
    wanted: bytes
    """The digest of a body the signer asks for; empty when none."""
    time_ms: int
    """The signer's clock."""


@dataclass(frozen=True, slots=True)
class Question:
    """Asked on every start: what have you heard of me?"""

    place: Place
    nonce: bytes
    """NONCE_BYTES that no earlier start of the signer used."""


@dataclass(frozen=True, slots=True)
class Answer:
    """To one who asked: where the signer is, and what the other may have forgotten."""

    place: Place
    nonce: bytes
    committed: CommitCertificate | None
    """Proof of `height`, as in a VIEW-CHANGE."""
    shown: tuple["Signed", ...]
    """The highest vote of who asked, if one is held, and up to f+1 VIEW-CHANGEs, the highest."""


Vote: TypeAlias = PrePrepare | Prepare | Commit
Statement: TypeAlias = (
    PrePrepare | Prepare | Commit | ViewChange | NewView | Status | Question | Answer
)


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement, the very bytes of it that were received, and the signature over them."""

    statement: Statement
    encoded: bytes
    signature: bytes
    payload: bytes = b""
    """Of a PRE-PREPARE: the proposal's payload, or nothing when only the digest was sent."""


@dataclass(frozen=True, slots=True)
class Body:
    """A payload handed to who asked for its digest. Unsigned: the host checks that the digest
    matches."""

    digest: bytes
    payload: bytes
