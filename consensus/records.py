"""What a replica writes down before it speaks, as bytes for the host's journal.

The journal covers the open height and is cut by every commit; what a commit must keep (the view
that was reached) travels with the Commit effect.
"""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from consensus import codec, packing
from consensus.certificates import PreparedCertificate
from consensus.errors import MalformedMessage
from consensus.messages import Kind, NewView, PrePrepare, ViewChange
from consensus.types import NUMBER_MAX


@dataclass(frozen=True, slots=True)
class Accepted:
    """Before PREPARE (or one's own PRE-PREPARE): the proposal; its body lies beside it, under its
    digest."""

    pre_prepare: PrePrepare
    signature: bytes
    """Empty for one's own, which is signed again after a restart."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Before COMMIT: the prepared certificate."""

    certificate: PreparedCertificate


@dataclass(frozen=True, slots=True)
class Entered:
    """Before acting in a view: its NEW-VIEW."""

    new_view: NewView
    signature: bytes
    """Empty for one's own."""


@dataclass(frozen=True, slots=True)
class Left:
    """Before VIEW-CHANGE: the statement, after which one never votes below its view."""

    view_change: ViewChange


@dataclass(frozen=True, slots=True)
class Reached:
    """Kept across a commit: the view one is in, or has left for."""

    epoch: int
    view: int
    is_active: bool
    opens_at: int
    """The first height one may vote for in it."""


@dataclass(frozen=True, slots=True)
class Forgot:
    """Kept across commits: votes may have been forgotten, so none is cast before `silent_until` is
    committed, nor in a view of this epoch up to `above_view`."""

    epoch: int
    silent_until: int
    """NUMBER_MAX while the others have not yet said how far they are."""
    above_view: int


def forgot_all(epoch: int) -> Forgot:
    """How far the forgotten votes reach is not known yet."""
    return Forgot(epoch, NUMBER_MAX, NUMBER_MAX - 1)


Record: TypeAlias = Accepted | Prepared | Entered | Left | Reached | Forgot


def encode(record: Record, genesis: bytes) -> bytes:
    """Canonical MessagePack, the record's number first."""
    match record:
        case Accepted(pre_prepare, signature):
            return packing.pack((1, codec.encode_statement(genesis, pre_prepare), signature))
        case Prepared(certificate):
            return packing.pack((2, certificate.fields()))
        case Entered(new_view, signature):
            return packing.pack((3, codec.encode_statement(genesis, new_view), signature))
        case Left(view_change):
            return packing.pack((4, codec.encode_statement(genesis, view_change)))
        case Reached(epoch, view, is_active, opens_at):
            return packing.pack((5, epoch, view, int(is_active), opens_at))
        case Forgot(epoch, silent_until, above_view):
            return packing.pack((6, epoch, silent_until, above_view))
        case _:
            assert_never(record)


def decode(data: bytes, genesis: bytes) -> Record:
    """Raises MalformedMessage."""
    match packing.unpack(data):
        case (1, bytes(encoded), bytes(signature)):
            statement = codec.decode_statement(Kind.PRE_PREPARE, encoded, genesis)
            if isinstance(statement, PrePrepare):
                return Accepted(statement, signature)
        case (2, fields):
            return Prepared(PreparedCertificate.from_fields(fields))
        case (3, bytes(encoded), bytes(signature)):
            statement = codec.decode_statement(Kind.NEW_VIEW, encoded, genesis)
            if isinstance(statement, NewView):
                return Entered(statement, signature)
        case (4, bytes(encoded)):
            statement = codec.decode_statement(Kind.VIEW_CHANGE, encoded, genesis)
            if isinstance(statement, ViewChange):
                return Left(statement)
        case (5, int(epoch), int(view), int(is_active), int(opens_at)) if is_active in (0, 1):
            return Reached(epoch, view, bool(is_active), opens_at)
        case (6, int(epoch), int(silent_until), int(above_view)):
            return Forgot(epoch, silent_until, above_view)
        case _:
            pass
    raise MalformedMessage("not a journal record")
