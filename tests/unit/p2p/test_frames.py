"""Frames: whatever pieces the wire delivers, the same messages; whatever a liar sends, one typed
error."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.errors import LinkBroken
from p2p.frames import FRAGMENT_BYTES_MAX, Decoder, MessageKind, encode_fragment, encode_message

VOTE = MessageKind(1, "vote", 0, 1000)
BULK = MessageKind(2, "bulk", 1, 300_000)
OTHER = MessageKind(3, "other bulk", 1, 300_000)
KINDS = (VOTE, BULK, OTHER)
messages = st.lists(
    st.one_of(
        st.tuples(st.just(1), st.binary(max_size=1000)),
        st.tuples(st.sampled_from([2, 3]), st.integers(0, 70_000).map(bytes)),
    ),
    max_size=5,
)


@given(messages, st.lists(st.integers(1, 100_000), min_size=1, max_size=20))
def test_any_split_of_the_stream_gives_the_same_messages(
    sent: list[tuple[int, bytes]], sizes: list[int]
) -> None:
    stream = b"".join(encode_message(kind, payload) for kind, payload in sent)
    decoder, received, at, turn = Decoder(KINDS), [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        received += decoder.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert [(m.kind, m.payload) for m in received] == sent


@given(messages, st.data())
def test_a_flipped_byte_gives_messages_or_a_typed_error_and_nothing_else(
    sent: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    stream = bytearray(b"".join(encode_message(kind, payload) for kind, payload in sent))
    if not stream:
        return
    stream[data.draw(st.integers(0, min(len(stream) - 1, 200)))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(LinkBroken):
        list(Decoder(KINDS).feed(bytes(stream)))


def test_a_vote_between_the_fragments_of_a_block_comes_first() -> None:
    stream = encode_fragment(2, b"a", False) + encode_message(1, b"vote")
    stream += encode_fragment(2, b"b", True)
    assert [tuple(m) for m in Decoder(KINDS).feed(stream)] == [(1, b"vote"), (2, b"ab")]


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack(">IBB", 2**32 - 1, 1, 1),
        struct.pack(">IBB", 0, 1, 1),
        struct.pack(">IBB", 1, 1, 1),
        struct.pack(">IBB", FRAGMENT_BYTES_MAX + 3, 1, 1),
        struct.pack(">IBB", 3, 99, 1),
        struct.pack(">IBB", 3, 1, 2),
        struct.pack(">IBB", 1003, 1, 1),
    ],
    ids=["N09 4 GiB", "zero", "one", "too long", "N10 unknown kind", "flags", "N10 kind's limit"],
)
def test_a_frame_that_breaks_a_rule_ends_the_link_before_its_body_is_there(frame: bytes) -> None:
    with pytest.raises(LinkBroken):
        list(Decoder(KINDS).feed(frame))


def test_N10_a_message_of_many_fragments_is_bounded_by_its_kind() -> None:
    stream = 6 * encode_fragment(2, bytes(FRAGMENT_BYTES_MAX), False)
    with pytest.raises(LinkBroken, match="more than 300000 bytes"):
        list(Decoder(KINDS).feed(stream))


def test_two_messages_of_one_priority_cannot_be_mixed() -> None:
    stream = encode_fragment(2, b"a", False) + encode_fragment(3, b"b", True)
    with pytest.raises(LinkBroken, match="mixed"):
        list(Decoder(KINDS).feed(stream))


def test_empty_fragments_without_end_are_refused() -> None:
    with pytest.raises(LinkBroken, match="empty"):
        list(Decoder(KINDS).feed(encode_fragment(2, b"", False)))
