"""Addresses as people write them: Bech32m (BIP 350) with prefix `uc`, of 20 bytes.

A checksum over 32 characters that catches up to four mistyped ones; lower case.
"""

PREFIX = "uc"
ADDRESS_BYTES = 20
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_CHECK = 0x2BC830A3
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


class AddressInvalid(ValueError):
    """Not an address; the message says what is wrong with it."""


def format_address(address: bytes) -> str:
    """`uc1…`. Raises ValueError unless there are 20 bytes."""
    if len(address) != ADDRESS_BYTES:
        raise ValueError(f"an address has {ADDRESS_BYTES} bytes, not {len(address)}")
    return encode(PREFIX, _regroup(address, 8, 5))


def parse_address(text: str) -> bytes:
    """The 20 bytes of a written address. Raises AddressInvalid."""
    prefix, data = decode(text)
    if prefix != PREFIX:
        raise AddressInvalid(f"begins with {prefix!r}; addresses of this chain begin with 'uc1'")
    address = bytes(_regroup(data, 5, 8))
    if len(address) != ADDRESS_BYTES or _regroup(address, 8, 5) != data:
        raise AddressInvalid("has the wrong length for an address")
    return address


def encode(prefix: str, data: list[int]) -> str:
    """Bech32m of five-bit groups."""
    values = _expand(prefix) + data
    check = _polymod([*values, 0, 0, 0, 0, 0, 0]) ^ _CHECK
    checksum = [check >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(_ALPHABET[group] for group in data + checksum)


def decode(text: str) -> tuple[str, list[int]]:
    """(prefix, five-bit groups). Raises AddressInvalid."""
    if not 8 <= len(text) <= 90:
        raise AddressInvalid("has the wrong length for an address")
    if text != text.lower() and text != text.upper():
        raise AddressInvalid("mixes upper and lower case")
    prefix, separator, rest = text.lower().rpartition("1")
    if not separator or not prefix or len(rest) < 6:
        raise AddressInvalid("has no '1' between its prefix and its data")
    if any(not 33 <= ord(character) <= 126 for character in prefix):
        raise AddressInvalid("has a character that no address has")
    groups = [_ALPHABET.find(character) for character in rest]
    if -1 in groups:
        raise AddressInvalid(f"has {rest[groups.index(-1)]!r}, which no address has")
    if _polymod(_expand(prefix) + groups) != _CHECK:
        raise AddressInvalid("has a mistyped character: its checksum does not match")
    return prefix, groups[:-6]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate(_GENERATOR):
            check ^= generator if top >> i & 1 else 0
    return check


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _regroup(data: bytes | list[int], width_from: int, width_to: int) -> list[int]:
    """The same bits in groups of another width; from 8 to 5 the last group is padded with zeros."""
    accumulated, bits, groups = 0, 0, []
    for value in data:
        accumulated = accumulated << width_from | value
        bits += width_from
        while bits >= width_to:
            bits -= width_to
            groups.append(accumulated >> bits & ((1 << width_to) - 1))
        accumulated &= (1 << bits) - 1
    if width_to < width_from and bits:
        groups.append(accumulated << (width_to - bits) & ((1 << width_to) - 1))
    return groups
