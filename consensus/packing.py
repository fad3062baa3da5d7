"""The canonical subset of MessagePack this package speaks: integers, byte strings, null and arrays.

Each value has one encoding and only that one is read: what is decoded is encoded again and
compared.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgpack

from consensus.errors import MalformedMessage

Value: TypeAlias = "int | bytes | Sequence[Value] | None"
DEPTH_MAX = 8


def pack(value: Value) -> bytes:
    """The one encoding of `value`."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def unpack(data: bytes) -> Value:
    """The value; arrays become tuples. Raises MalformedMessage."""
    try:
        value: Value = msgpack.unpackb(data, use_list=False, max_map_len=0, max_ext_len=0)
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise MalformedMessage(f"not MessagePack: {error or type(error).__name__}") from error
    _check(value, DEPTH_MAX)
    if pack(value) != data:
        raise MalformedMessage("not the shortest encoding of its value")
    return value


def _check(value: object, depth_left: int) -> None:
    if isinstance(value, tuple):
        if depth_left == 0:
            raise MalformedMessage("nested too deeply")
        for item in value:
            _check(item, depth_left - 1)
    elif type(value) not in (int, bytes, type(None)):
        raise MalformedMessage(f"a value of type {type(value).__name__}")
