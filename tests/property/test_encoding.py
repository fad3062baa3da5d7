"""Canonical MessagePack and the transaction envelope: one spelling each, and nothing else is
read."""

import contextlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.city import ALICE, BOB, City
from urbanchain.encoding import NotCanonical, decode, encode
from urbanchain.errors import Malformed
from urbanchain.transactions import decode_transaction, join_batch, split_batch

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.text(max_size=40),
    st.binary(max_size=300),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=5).map(tuple), max_leaves=20)
CITY = City()


@given(values)
def test_a_value_comes_back_from_its_encoding(value: object) -> None:
    with contextlib.suppress(NotCanonical):
        data = encode(value)  # type: ignore[arg-type]
        assert decode(data) == value
        assert encode(decode(data)) == data


@given(st.binary(max_size=200))
def test_A06_what_decodes_encodes_to_the_same_bytes(data: bytes) -> None:
    with contextlib.suppress(NotCanonical):
        assert encode(decode(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        b"\xcc\x05",  # an integer longer than needed
        b"\xd9\x01a",  # a string longer than needed
        b"\xc5\x00\x01a",  # bytes longer than needed
        b"\xdc\x00\x01\x01",  # an array longer than needed
        b"\x01\x01",  # trailing bytes
        b"",
        b"\x80",  # a map
        b"\x81\xa1a\x01",
        b"\xca\x3f\x80\x00\x00",  # a float
        b"\xd4\x01\x00",  # an extension
        b"\xd6\xff\x00\x00\x00\x00",  # a timestamp
        b"\xdd\xff\xff\xff\xff",  # four billion items
        b"\xdb\xff\xff\xff\xff",
        b"\x91" * 1000 + b"\x01",  # too deep
        b"\x91" * 9 + b"\x01",
        b"\xa1\xff",  # not UTF-8
    ],
)
def test_A06_other_spellings_and_kinds_are_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        decode(data)


def test_floats_maps_and_sets_have_no_encoding() -> None:
    for value in (1.0, {"a": 1}, {1}, 2**64, -(2**63) - 1):
        with pytest.raises(NotCanonical):
            encode(value)  # type: ignore[arg-type]


def test_a_decoded_value_is_what_messagepack_says() -> None:
    value = (None, True, -5, "ä", b"\0", (1, (2,)))
    assert msgpack.unpackb(encode(value), use_list=False) == value


@given(st.data())
def test_A07_a_changed_byte_of_an_envelope_is_another_transaction_or_none(
    data: st.DataObject,
) -> None:
    envelope = CITY.transfer(ALICE, BOB, 5)
    place = data.draw(st.integers(0, len(envelope) - 1))
    changed = bytearray(envelope)
    changed[place] ^= data.draw(st.integers(1, 255))
    original = decode_transaction(envelope, CITY.genesis.hash)
    with contextlib.suppress(Malformed):
        found = decode_transaction(bytes(changed), CITY.genesis.hash)
        key = ALICE.public_key
        assert found.id != original.id or found.leaf(key) != original.leaf(key)


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_a_batch_comes_apart_as_it_was_put_together(envelopes: list[bytes]) -> None:
    assert list(split_batch(join_batch(envelopes), 20)) == envelopes


@pytest.mark.parametrize("batch", [b"\0", b"\0\0\0\2a", b"\xff\xff\xff\xff", b"\0\0\0\0" * 3])
def test_a_batch_that_breaks_its_lengths_is_refused(batch: bytes) -> None:
    with pytest.raises(Malformed):
        list(split_batch(batch, 2))


def test_the_same_call_on_another_chain_is_another_transaction() -> None:
    envelope = CITY.transfer(ALICE, BOB, 5)
    here = decode_transaction(envelope, CITY.genesis.hash)
    there = decode_transaction(envelope, bytes(32))
    assert here.id != there.id
