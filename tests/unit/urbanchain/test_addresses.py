"""Addresses: Bech32m as BIP 350 defines it, twenty bytes, prefix uc."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urbanchain.addresses import AddressInvalid, decode, encode, format_address, parse_address

VALID = [
    "A1LQFN3A",
    "a1lqfn3a",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
]
INVALID = [
    "1xj0phk",
    "qyrz8wqd2c9m",
    "y1b0jsk6g",
    "lt1igcx5c0",
    "in1muywd",
    "mm1crxm3i",
    "M1VUXWEZ",
]


@pytest.mark.parametrize("text", VALID)
def test_valid_strings_of_bip_350_decode_and_encode_back(text: str) -> None:
    assert encode(*decode(text)) == text.lower()


@pytest.mark.parametrize("text", INVALID)
def test_invalid_strings_of_bip_350_are_refused(text: str) -> None:
    with pytest.raises(AddressInvalid):
        decode(text)


@given(st.binary(min_size=20, max_size=20))
def test_an_address_comes_back(address: bytes) -> None:
    assert parse_address(format_address(address)) == address


@given(st.binary(min_size=20, max_size=20), st.integers(3, 41), st.sampled_from("qpzry9x8"))
def test_a_mistyped_character_is_noticed(address: bytes, place: int, character: str) -> None:
    text = format_address(address)
    mistyped = text[:place] + character + text[place + 1 :]
    if mistyped != text:
        with pytest.raises(AddressInvalid):
            parse_address(mistyped)


@pytest.mark.parametrize(
    "text", ["", "uc1", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "uc1Q" * 10]
)
def test_other_things_are_refused(text: str) -> None:
    with pytest.raises(AddressInvalid):
        parse_address(text)
