"""Canonical MessagePack: each value has exactly one encoding, and only that one is accepted.

The values are null, booleans, integers from -2^63 to 2^64-1, UTF-8 strings, byte strings and arrays
of these. There are no maps (their order would have to be ruled), no floats and no extension types.
A decoder that accepts a second spelling of a value lets two replicas disagree about what was
signed, so `decode` re-encodes and compares. Source: the MessagePack specification,
https://github.com/msgpack/msgpack/blob/master/spec.md.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgpack

Value: TypeAlias = "bool | int | str | bytes | tuple[Value, ...] | None"
Encodable: TypeAlias = "bool | int | str | bytes | Sequence[Encodable] | None"

DEPTH_MAX = 8


class NotCanonical(ValueError):
    """The bytes are not the one encoding of a value we accept; `reason` says which rule they
    break."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def encode(value: Encodable) -> bytes:
    """The canonical bytes of `value`. Raises NotCanonical for a value outside the data model."""
    _check(value, DEPTH_MAX)
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def decode(data: bytes) -> Value:
    """The value that `data` encodes; arrays become tuples.

    Raises NotCanonical for trailing bytes, a longer spelling, a map, a float, an extension type,
    text that is not UTF-8, more than DEPTH_MAX nested arrays, or a declared length beyond the bytes
    at hand.
    """
    try:
        value: Value = msgpack.unpackb(
            data,
            use_list=False,
            raw=False,
            max_map_len=0,
            max_ext_len=0,
            max_array_len=len(data),
            max_str_len=len(data),
            max_bin_len=len(data),
        )
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise NotCanonical(f"not MessagePack: {str(error) or type(error).__name__}") from error
    _check(value, DEPTH_MAX)
    if msgpack.packb(value, use_bin_type=True) != data:
        raise NotCanonical("not the shortest encoding of its value")
    return value


def _check(value: object, depth_left: int) -> None:
    kind = type(value)
    if kind is tuple or kind is list:
        if depth_left == 0:
            raise NotCanonical(f"arrays nested deeper than {DEPTH_MAX}")
        for item in value:  # type: ignore[attr-defined]
            _check(item, depth_left - 1)
    elif kind is int:
        if not -(1 << 63) <= value < 1 << 64:  # type: ignore[operator]
            raise NotCanonical("an integer outside -2^63 .. 2^64-1")
    elif kind not in _SCALARS:
        raise NotCanonical(f"a value of type {kind.__name__}")


_SCALARS = frozenset({bytes, str, bool, type(None)})
