"""Messages ↔ bytes: round trips, one encoding each, and nothing else is read."""

from dataclasses import replace

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consensus import MalformedMessage, codec, packing
from consensus.certificates import SIGNATURE_BYTES_MAX, CommitCertificate, PreparedCertificate
from consensus.messages import (
    Body,
    Commit,
    Flag,
    Kind,
    NewView,
    Place,
    Prepare,
    PrePrepare,
    Signed,
    Statement,
    Status,
    ViewChange,
)
from consensus.types import NUMBER_MAX
from tests.unit.consensus.ballots import GENESIS, Ballots, members

BALLOTS = Ballots(members())
NUMBERS = st.integers(0, NUMBER_MAX)
DIGESTS = st.binary(min_size=32, max_size=32)
SIGNATURES = st.binary(max_size=64)
SEATS = st.dictionaries(st.integers(0, 254), SIGNATURES, max_size=5).map(
    lambda seats: tuple(sorted(seats.items()))
)
PLACES = st.builds(Place, NUMBERS, NUMBERS, NUMBERS, st.binary(min_size=1, max_size=255))
COMMITTED = st.builds(CommitCertificate, NUMBERS, NUMBERS, NUMBERS, DIGESTS, SEATS)
PREPARED = st.builds(PreparedCertificate, NUMBERS, NUMBERS, NUMBERS, DIGESTS, SIGNATURES, SEATS)
VIEW_CHANGES = st.builds(ViewChange, PLACES, st.none() | COMMITTED, st.none() | PREPARED)
BITMAPS = st.integers(0, (1 << 255) - 1)
STATUSES = st.builds(
    Status,
    place=PLACES,
    head=DIGESTS,
    flags=st.integers(0, 15).map(Flag),
    prepares=BITMAPS,
    commits=BITMAPS,
    view_changes=BITMAPS,
    wanted=st.just(b"") | DIGESTS,
    time_ms=NUMBERS,
)


def seal(statement: Statement, signature: bytes = b"signature", payload: bytes = b"") -> Signed:
    return codec.seal(GENESIS, statement, lambda _: signature, payload)


NEW_VIEWS = st.builds(
    NewView, PLACES, st.lists(st.builds(seal, VIEW_CHANGES, SIGNATURES), max_size=4).map(tuple)
)
VOTES = st.builds(Prepare, PLACES, DIGESTS) | st.builds(Commit, PLACES, DIGESTS)
MESSAGES = (
    st.builds(seal, VOTES | VIEW_CHANGES | NEW_VIEWS | STATUSES, SIGNATURES)
    | st.builds(seal, st.builds(PrePrepare, PLACES, DIGESTS), SIGNATURES, st.binary(max_size=99))
    | st.builds(Body, DIGESTS, st.binary(max_size=99))
)

ONE_OF_EACH: dict[Kind, Signed] = {
    Kind.PRE_PREPARE: BALLOTS.pre_prepare(b"block"),
    Kind.PREPARE: BALLOTS.prepare(1, b"block"),
    Kind.COMMIT: BALLOTS.commit(1, b"block"),
    Kind.VIEW_CHANGE: BALLOTS.view_change(
        1, 2, BALLOTS.committed(b"block"), BALLOTS.prepared(b"next", height=2)
    ),
    Kind.NEW_VIEW: BALLOTS.new_view([BALLOTS.view_change(s) for s in range(3)]),
    Kind.STATUS: BALLOTS.status(1),
}


@given(MESSAGES)
def test_a_message_survives_the_wire(message: Signed | Body) -> None:
    assert codec.decode(codec.encode(message), GENESIS) == message


@given(MESSAGES)
def test_a_decoded_message_encodes_to_the_same_bytes(message: Signed | Body) -> None:
    data = codec.encode(message)
    assert codec.encode(codec.decode(data, GENESIS)) == data


@given(MESSAGES)
def test_the_statement_inside_is_the_one_that_was_signed(message: Signed | Body) -> None:
    if isinstance(message, Signed):
        assert codec.encode_statement(GENESIS, message.statement) == message.encoded


@settings(max_examples=400)
@given(MESSAGES, st.data())
def test_no_other_bytes_decode_to_the_same_message(
    message: Signed | Body, data: st.DataObject
) -> None:
    encoded = codec.encode(message)
    at = data.draw(st.integers(0, len(encoded) - 1))
    changed = bytearray(encoded)
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        other = codec.decode(bytes(changed), GENESIS)
    except MalformedMessage:
        return
    assert other != message
    assert codec.encode(other) == bytes(changed)


@settings(max_examples=400)
@given(st.binary(max_size=200))
@example(b"\xdd\xff\xff\xff\xff")
@example(b"\xc6\xff\xff\xff\xff")
@example(b"\x91" * 5000)
@example(b"\xdf\xff\xff\xff\xff")
@example(b"\xc1")
@example(b"\xd6\xff\0\0\0\0")
@example(b"\xa1\xff")
@example(b"")
def test_N10_random_bytes_are_refused_with_a_typed_error(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        codec.decode(data, GENESIS)


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_a_message_cut_short_anywhere_is_refused(kind: Kind) -> None:
    data = codec.encode(ONE_OF_EACH[kind])
    for end in range(len(data)):
        with pytest.raises(MalformedMessage):
            codec.decode(data[:end], GENESIS)


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_trailing_bytes_are_refused(kind: Kind) -> None:
    with pytest.raises(MalformedMessage):
        codec.decode(codec.encode(ONE_OF_EACH[kind]) + b"\0", GENESIS)


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_C08_a_message_of_another_chain_is_refused(kind: Kind) -> None:
    with pytest.raises(MalformedMessage, match="another chain"):
        codec.decode(codec.encode(ONE_OF_EACH[kind]), bytes(32))


def test_C09_no_two_kinds_sign_the_same_bytes() -> None:
    statement = ONE_OF_EACH[Kind.PREPARE].encoded
    signed = {codec.signed_bytes(kind, statement) for kind in ONE_OF_EACH}
    assert len(signed) == len(ONE_OF_EACH)


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_A06_a_statement_of_one_kind_does_not_pass_for_another(kind: Kind) -> None:
    message = ONE_OF_EACH[kind]
    votes = {Kind.PRE_PREPARE, Kind.PREPARE, Kind.COMMIT}
    for other in set(ONE_OF_EACH) - {kind} - (votes if kind in votes else set()):
        with pytest.raises(MalformedMessage):
            codec.decode_statement(other, message.encoded, GENESIS)


PREPARE = ONE_OF_EACH[Kind.PREPARE]


@pytest.mark.parametrize(
    "value",
    [
        None,
        2,
        [],
        [2],
        [2, PREPARE.encoded],
        [2, PREPARE.encoded, PREPARE.signature, b""],
        [1, PREPARE.encoded, PREPARE.signature],
        [0, PREPARE.encoded, PREPARE.signature],
        [8, PREPARE.encoded, PREPARE.signature],
        [7, b"short", b"payload"],
        [True, PREPARE.encoded, PREPARE.signature],
        [2.0, PREPARE.encoded, PREPARE.signature],
        [2, "text", PREPARE.signature],
        [2, PREPARE.encoded, "text"],
        [2, PREPARE.encoded, None],
        {2: PREPARE.encoded},
        [2, {}, PREPARE.signature],
        [2, PREPARE.encoded, msgpack.ExtType(1, b"")],
        [2, PREPARE.encoded, bytes(SIGNATURE_BYTES_MAX + 1)],
    ],
    ids=lambda value: repr(value)[:40],
)
def test_A06_what_is_not_exactly_a_message_is_refused(value: object) -> None:
    with pytest.raises(MalformedMessage):
        codec.decode(msgpack.packb(value), GENESIS)


@pytest.mark.parametrize(
    "prefix",
    [b"\x93\xcc\x02", b"\x93\xcd\x00\x02", b"\x93\xd0\x02", b"\xdc\x00\x03\x02"],
    ids=["u8", "u16", "i8", "array16"],
)
def test_C05_only_the_shortest_encoding_is_read(prefix: bytes) -> None:
    data = codec.encode(PREPARE)
    assert data.startswith(b"\x93\x02")
    with pytest.raises(MalformedMessage, match="shortest"):
        codec.decode(prefix + data[2:], GENESIS)


@pytest.mark.parametrize("field", ["epoch", "height", "view"])
def test_C20_a_place_beyond_2_63_is_refused(field: str) -> None:
    statement = PREPARE.statement
    place = replace(statement.place, **{field: NUMBER_MAX + 1})  # type: ignore[arg-type]
    data = codec.encode(seal(replace(statement, place=place)))
    with pytest.raises(MalformedMessage, match="out of range"):
        codec.decode(data, GENESIS)


def test_a_statement_names_its_signer() -> None:
    nobody = PREPARE.encoded[:56] + b"\0" + PREPARE.encoded[65:]
    with pytest.raises(MalformedMessage, match="out of range"):
        codec.decode_statement(Kind.PREPARE, nobody, GENESIS)


def with_rest(kind: Kind, rest: object) -> bytes:
    """A message of a kind whose statement ends in any MessagePack."""
    start = PREPARE.encoded[:-32]
    return packing.pack((int(kind), start + msgpack.packb(rest), b"signature"))


HEAD = bytes(32)


@pytest.mark.parametrize(
    "rest",
    [
        [HEAD, 16, b"", b"", b"", b"", 0],
        [HEAD, -1, b"", b"", b"", b"", 0],
        [HEAD, 0, b"\0", b"", b"", b"", 0],
        [HEAD, 0, b"", b"\0\1", b"", b"", 0],
        [HEAD, 0, b"", b"", bytes([1]) * 33, b"", 0],
        [HEAD, 0, b"", b"", b"", b"short", 0],
        [HEAD, 0, b"", b"", b"", b"", -1],
        [HEAD, 0, b"", b"", b"", b"", 1 << 63],
        [HEAD, 0, b"", b"", b"", b"", True],
        [HEAD, 0, b"", b"", b"", b""],
        [HEAD[:31], 0, b"", b"", b"", b"", 0],
        None,
    ],
    ids=lambda rest: "" if rest is None else repr(rest[1:])[:40],
)
def test_a_status_out_of_shape_is_refused(rest: object) -> None:
    with pytest.raises(MalformedMessage):
        codec.decode(with_rest(Kind.STATUS, rest), GENESIS)


CERTIFICATE = [0, 1, 0, HEAD, [[0, b"s"], [1, b"s"]]]


@pytest.mark.parametrize(
    "committed",
    [
        [*CERTIFICATE[:4], [[1, b"s"], [0, b"s"]]],
        [*CERTIFICATE[:4], [[1, b"s"], [1, b"s"]]],
        [*CERTIFICATE[:4], [[255, b"s"]]],
        [*CERTIFICATE[:4], [[-1, b"s"]]],
        [*CERTIFICATE[:4], [[0, bytes(SIGNATURE_BYTES_MAX + 1)]]],
        [*CERTIFICATE[:4], [[0]]],
        [*CERTIFICATE[:4], [0]],
        [*CERTIFICATE[:4], b""],
        [*CERTIFICATE[:4]],
        [0, -1, 0, HEAD, []],
        [0, 1 << 63, 0, HEAD, []],
        [0, 1, 0, HEAD[:31], []],
        [0, True, 0, HEAD, []],
    ],
    ids=lambda committed: repr(committed)[-40:],
)
def test_C43_a_certificate_out_of_shape_is_refused(committed: object) -> None:
    with pytest.raises(MalformedMessage):
        codec.decode(with_rest(Kind.VIEW_CHANGE, [committed, None]), GENESIS)


@pytest.mark.parametrize("rest", [None, [], [None], [None, None, None], [0, None], [None, 0]])
def test_a_view_change_out_of_shape_is_refused(rest: object) -> None:
    with pytest.raises(MalformedMessage):
        codec.decode(with_rest(Kind.VIEW_CHANGE, rest), GENESIS)


@pytest.mark.parametrize(
    "rest",
    [None, 0, [0], [[]], [[b""]], [[b"", b"", b""]], [[b"", b""]], [[PREPARE.encoded, b""]]],
    ids=lambda rest: repr(rest)[:30],
)
def test_a_new_view_out_of_shape_is_refused(rest: object) -> None:
    with pytest.raises(MalformedMessage):
        codec.decode(with_rest(Kind.NEW_VIEW, rest), GENESIS)


def test_a_new_view_with_more_parts_than_seats_is_refused() -> None:
    part = ONE_OF_EACH[Kind.NEW_VIEW].statement
    assert isinstance(part, NewView)
    first = part.view_changes[0]
    with pytest.raises(MalformedMessage, match="list"):
        codec.decode(with_rest(Kind.NEW_VIEW, [[first.encoded, first.signature]] * 256), GENESIS)


def test_a_vote_ends_with_its_digest() -> None:
    for rest in (b"", bytes(31), bytes(33)):
        with pytest.raises(MalformedMessage):
            codec.decode_statement(Kind.COMMIT, PREPARE.encoded[:-32] + rest, GENESIS)


def test_A06_values_nested_beyond_the_limit_are_refused() -> None:
    value: packing.Value = None
    for _ in range(packing.DEPTH_MAX):
        value = (value,)
    assert packing.unpack(packing.pack(value)) == value
    with pytest.raises(MalformedMessage, match="deep"):
        packing.unpack(packing.pack((value,)))


def test_seats_are_the_bits_of_a_bitmap() -> None:
    replica_set = members(5)
    assert codec.seats_of(replica_set, {replica_set.members[0], replica_set.members[3]}) == 0b01001
    assert codec.seats_of(replica_set, {b"stranger"}) == 0
