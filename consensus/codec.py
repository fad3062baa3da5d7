"""Messages ↔ bytes, and the bytes that get signed. Layouts are fixed; golden vectors hold them.

    statement    = genesis 32 B | epoch u64 | height u64 | view u64 | signer length u8 | signer |
    rest signed bytes = tag length u8 | tag | statement
    message      = canonical MessagePack [kind, statement, signature], PRE-PREPARE with a fourth
    element, the payload;
                   BODY is [kind, digest, payload]

`rest` is the digest for the three votes, else canonical MessagePack: VIEW-CHANGE `[commit
certificate | nil, prepared certificate | nil]`, NEW-VIEW `[[statement, signature], …]`, Status
`[head, flags, prepares, commits, view changes, wanted, time_ms]` with seats as bitmaps in
big-endian byte strings, Question `[nonce]`, Answer `[nonce, commit certificate | nil, [[kind,
statement, signature], …]]`.
"""

from collections.abc import Callable
from typing import assert_never

from consensus import packing
from consensus.certificates import (
    SIGNATURE_BYTES_MAX,
    TAG_COMMIT,
    TAG_PRE_PREPARE,
    TAG_PREPARE,
    CommitCertificate,
    PreparedCertificate,
    place_bytes,
    tagged,
)
from consensus.errors import MalformedMessage
from consensus.messages import (
    NONCE_BYTES,
    Answer,
    Body,
    Commit,
    Flag,
    Kind,
    NewView,
    Place,
    Prepare,
    PrePrepare,
    Question,
    Signed,
    Statement,
    Status,
    ViewChange,
)
from consensus.types import DIGEST_BYTES, MEMBERS_MAX, NUMBER_MAX, ReplicaSet

TAGS = {
    Kind.PRE_PREPARE: TAG_PRE_PREPARE,
    Kind.PREPARE: TAG_PREPARE,
    Kind.COMMIT: TAG_COMMIT,
    Kind.VIEW_CHANGE: b"urbanchain/view-change",
    Kind.NEW_VIEW: b"urbanchain/new-view",
    Kind.STATUS: b"urbanchain/status",
    Kind.QUESTION: b"urbanchain/question",
    Kind.ANSWER: b"urbanchain/answer",
}
_FIXED_BYTES = 32 + 8 + 8 + 8 + 1
_VOTES: dict[Kind, Callable[[Place, bytes], Statement]] = {
    Kind.PRE_PREPARE: PrePrepare,
    Kind.PREPARE: Prepare,
    Kind.COMMIT: Commit,
}


def kind_of(statement: Statement) -> Kind:
    """The wire number of a statement."""
    match statement:
        case PrePrepare():
            return Kind.PRE_PREPARE
        case Prepare():
            return Kind.PREPARE
        case Commit():
            return Kind.COMMIT
        case ViewChange():
            return Kind.VIEW_CHANGE
        case NewView():
            return Kind.NEW_VIEW
        case Status():
            return Kind.STATUS
        case Question():
            return Kind.QUESTION
        case Answer():
            return Kind.ANSWER
        case _:
            assert_never(statement)


def encode_statement(genesis: bytes, statement: Statement) -> bytes:
    """The statement's bytes, before the tag is put in front for signing."""
    place = statement.place
    start = place_bytes(genesis, (place.epoch, place.height, place.view), place.signer)
    return start + _rest(statement)


def _rest(statement: Statement) -> bytes:
    match statement:
        case PrePrepare() | Prepare() | Commit():
            return statement.digest
        case ViewChange(_, committed, prepared):
            return packing.pack(
                (
                    None if committed is None else committed.fields(),
                    None if prepared is None else prepared.fields(),
                )
            )
        case NewView(_, view_changes):
            return packing.pack(tuple((m.encoded, m.signature) for m in view_changes))
        case Question():
            return packing.pack((statement.nonce,))
        case Answer(_, nonce, committed, shown):
            return packing.pack(
                (
                    nonce,
                    None if committed is None else committed.fields(),
                    tuple((int(kind_of(m.statement)), m.encoded, m.signature) for m in shown),
                )
            )
        case Status():
            return packing.pack(
                (
                    statement.head,
                    int(statement.flags),
                    _bitmap(statement.prepares),
                    _bitmap(statement.commits),
                    _bitmap(statement.view_changes),
                    statement.wanted,
                    statement.time_ms,
                )
            )
        case _:
            assert_never(statement)


def signed_bytes(kind: Kind, statement: bytes) -> bytes:
    """What the signature of a statement is over."""
    return tagged(TAGS[kind], statement)


def seal(
    genesis: bytes, statement: Statement, sign: Callable[[bytes], bytes], payload: bytes = b""
) -> Signed:
    """Sign a statement of our own."""
    encoded = encode_statement(genesis, statement)
    return Signed(statement, encoded, sign(signed_bytes(kind_of(statement), encoded)), payload)


def encode(message: Signed | Body) -> bytes:
    """A message as it goes over a link."""
    if isinstance(message, Body):
        return packing.pack((int(Kind.BODY), message.digest, message.payload))
    kind = kind_of(message.statement)
    fields: tuple[packing.Value, ...] = (int(kind), message.encoded, message.signature)
    if kind is Kind.PRE_PREPARE:
        fields = (*fields, message.payload)
    return packing.pack(fields)


def decode(data: bytes, genesis: bytes) -> Signed | Body:
    """Read a message; nothing is verified yet. Raises MalformedMessage, also for another
    chain's."""
    match packing.unpack(data):
        case (Kind.BODY.value, bytes(digest), bytes(payload)) if len(digest) == DIGEST_BYTES:
            return Body(digest, payload)
        case (Kind.PRE_PREPARE.value, bytes(encoded), bytes(signature), bytes(payload)):
            return decode_signed(Kind.PRE_PREPARE, encoded, signature, genesis, payload)
        case (int(number), bytes(encoded), bytes(signature)) if (
            type(number) is int and number in _THREE_FIELDS
        ):
            return decode_signed(Kind(number), encoded, signature, genesis)
        case _:
            raise MalformedMessage("not a message of any kind")


_THREE_FIELDS = {int(kind) for kind in TAGS} - {int(Kind.PRE_PREPARE)}


def decode_signed(
    kind: Kind, encoded: bytes, signature: bytes, genesis: bytes, payload: bytes = b""
) -> Signed:
    """A signed statement from its bytes. Raises MalformedMessage."""
    if len(signature) > SIGNATURE_BYTES_MAX:
        raise MalformedMessage("a signature is too long")
    return Signed(decode_statement(kind, encoded, genesis), encoded, signature, payload)


def decode_statement(kind: Kind, data: bytes, genesis: bytes) -> Statement:
    """A statement from its bytes. Raises MalformedMessage."""
    if len(data) < _FIXED_BYTES:
        raise MalformedMessage("a statement is cut short")
    if data[:32] != genesis:
        raise MalformedMessage(f"of another chain: genesis {data[:4].hex()}…")
    epoch, height, view = (int.from_bytes(data[at : at + 8], "big") for at in (32, 40, 48))
    end = _FIXED_BYTES + data[56]
    signer, rest = data[_FIXED_BYTES:end], data[end:]
    if len(data) < end or not signer or max(epoch, height, view) > NUMBER_MAX:
        raise MalformedMessage("a statement's place is out of range")
    return _statement(kind, Place(epoch, height, view, signer), rest, genesis)


def _statement(kind: Kind, place: Place, rest: bytes, genesis: bytes) -> Statement:
    vote = _VOTES.get(kind)
    if vote is not None:
        if len(rest) != DIGEST_BYTES:
            raise MalformedMessage("a vote ends with a digest of 32 bytes")
        return vote(place, rest)
    value = packing.unpack(rest)
    if kind is Kind.VIEW_CHANGE:
        return _view_change(place, value)
    if kind is Kind.NEW_VIEW:
        return _new_view(place, value, genesis)
    if kind is Kind.STATUS:
        return _status(place, value)
    return _question(place, value) if kind is Kind.QUESTION else _answer(place, value, genesis)


def _view_change(place: Place, value: packing.Value) -> ViewChange:
    match value:
        case (committed, prepared):
            return ViewChange(
                place,
                None if committed is None else CommitCertificate.from_fields(committed),
                None if prepared is None else PreparedCertificate.from_fields(prepared),
            )
        case _:
            raise MalformedMessage("VIEW-CHANGE has two fields")


def _new_view(place: Place, value: packing.Value, genesis: bytes) -> NewView:
    if not isinstance(value, tuple) or len(value) > MEMBERS_MAX:
        raise MalformedMessage("NEW-VIEW is a list of VIEW-CHANGEs")
    view_changes = []
    for item in value:
        match item:
            case (bytes(encoded), bytes(signature)):
                view_changes.append(decode_signed(Kind.VIEW_CHANGE, encoded, signature, genesis))
            case _:
                raise MalformedMessage("a VIEW-CHANGE in NEW-VIEW must be [statement, signature]")
    return NewView(place, tuple(view_changes))


def _question(place: Place, value: packing.Value) -> Question:
    match value:
        case (bytes(nonce),) if len(nonce) == NONCE_BYTES:
            return Question(place, nonce)
        case _:
            raise MalformedMessage(f"Question has one nonce of {NONCE_BYTES} bytes")


def _answer(place: Place, value: packing.Value, genesis: bytes) -> Answer:
    match value:
        case (bytes(nonce), committed, tuple(items)) if (
            len(nonce) == NONCE_BYTES and len(items) <= MEMBERS_MAX
        ):
            certificate = None if committed is None else CommitCertificate.from_fields(committed)
            shown = tuple(_shown(item, genesis) for item in items)
            return Answer(place, nonce, certificate, shown)
        case _:
            raise MalformedMessage("Answer has three fields")


def _shown(item: packing.Value, genesis: bytes) -> Signed:
    match item:
        case (int(number), bytes(encoded), bytes(signature)) if (
            type(number) is int and number in _SHOWN
        ):
            return decode_signed(Kind(number), encoded, signature, genesis)
        case _:
            raise MalformedMessage("Answer shows votes and VIEW-CHANGEs only")


_SHOWN = {int(kind) for kind in (*_VOTES, Kind.VIEW_CHANGE)}


def _status(place: Place, value: packing.Value) -> Status:
    match value:
        case (
            bytes(head),
            int(flags),
            bytes(prepares),
            bytes(commits),
            bytes(view_changes),
            bytes(wanted),
            int(time_ms),
        ) if (
            len(head) == DIGEST_BYTES
            and len(wanted) in (0, DIGEST_BYTES)
            and 0 <= flags < 16
            and 0 <= time_ms <= NUMBER_MAX
        ):
            return Status(
                place=place,
                head=head,
                flags=Flag(flags),
                prepares=_seats(prepares),
                commits=_seats(commits),
                view_changes=_seats(view_changes),
                wanted=wanted,
                time_ms=time_ms,
            )
        case _:
            raise MalformedMessage("Status has seven fields")


def _bitmap(seats: int) -> bytes:
    return seats.to_bytes((seats.bit_length() + 7) // 8, "big")


def _seats(bitmap: bytes) -> int:
    if len(bitmap) > 32 or bitmap[:1] == b"\0":
        raise MalformedMessage("a bitmap is too long or padded")
    return int.from_bytes(bitmap, "big")


def seats_of(replica_set: ReplicaSet, replicas: "set[bytes] | frozenset[bytes]") -> int:
    """The bitmap of some members' seats: bit i for seat i."""
    return sum(1 << seat for seat, key in enumerate(replica_set.members) if key in replicas)
