"""The state root's definition, and proofs against it: a key is there, is not there, or these are
all with a prefix.

The state is a binary path-compressed Merkle trie over the bits of its keys (1 to 128 bytes). A key
is read as nine bits a byte, a 1 and then the byte, most significant bit first, and as 0 for ever
after: that keeps the keys' order and makes no key a prefix of another. A node splits at the first
bit in which the keys below it differ, so indices strictly increase downwards.

    leaf  = SHA-256(0x00 | key length u8 | key | SHA-256(value))
    inner = SHA-256(0x01 | bit index u16 | left | right)        empty = 32 zero bytes

This module needs nothing but a hash function: light clients carry it alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgpack

from storage.errors import ProofInvalid

KEY_BYTES_MAX = 128
BITS = 9 * KEY_BYTES_MAX
EMPTY_ROOT = bytes(32)
LEAVES_MAX = 1_000_000

Step = tuple[int, bytes]
"""(bit index, the other side's hash)"""


def path_of(key: bytes) -> int:
    """The key's bits as one integer of BITS bits. Raises ValueError for an empty or too long
    key."""
    if not 0 < len(key) <= KEY_BYTES_MAX:
        raise ValueError(f"a state key has 1 to {KEY_BYTES_MAX} bytes, not {len(key)}")
    bits = 0
    for byte in key:
        bits = bits << 9 | 0x100 | byte
    return bits << 9 * (KEY_BYTES_MAX - len(key))


def first_difference(a: int, b: int) -> int:
    """The index of the first bit in which two paths differ; BITS if they are equal."""
    return BITS - (a ^ b).bit_length()


def bit_at(path: int, index: int) -> int:
    """Bit `index` of a path, counted from the front."""
    return path >> (BITS - 1 - index) & 1


def value_hash(value: bytes) -> bytes:
    """What a leaf says of its value."""
    return sha256(value).digest()


def leaf_hash(key: bytes, hash_of_value: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\0" + bytes([len(key)]) + key + hash_of_value).digest()


def inner_hash(bit: int, left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\1" + bit.to_bytes(2, "big") + left + right).digest()


@dataclass(frozen=True, slots=True)
class Proof:
    """That a key has a value, or that it is absent."""

    steps: tuple[Step, ...]
    """From the root downwards."""
    leaf: tuple[bytes, bytes] | None
    """(key, SHA-256 of the value) where the path ends; None in an empty state."""

    def encode(self) -> bytes:
        """Canonical MessagePack `[[[bit, hash], …], [key, value hash] | nil]`."""
        return _pack((self.steps, self.leaf))

    @classmethod
    def decode(cls, data: bytes) -> "Proof":
        """Raises ProofInvalid."""
        match _unpack(data):
            case (tuple(steps), leaf):
                return cls(_steps(steps), None if leaf is None else _leaf(leaf))
            case _:
                raise ProofInvalid("a proof has two fields")


@dataclass(frozen=True, slots=True)
class PrefixProof:
    """That these are all keys with a prefix."""

    steps: tuple[Step, ...]
    """From the root down to the subtree that holds every key with the prefix."""
    leaves: tuple[tuple[bytes, bytes], ...]
    """(key, SHA-256 of the value), ascending: all of the subtree; or one stranger that shows there
    is none."""
    below: tuple[Step, ...]
    """With a stranger: from the subtree's root down to it."""

    def encode(self) -> bytes:
        """Canonical MessagePack `[steps, leaves, below]`."""
        return _pack((self.steps, self.leaves, self.below))

    @classmethod
    def decode(cls, data: bytes) -> "PrefixProof":
        """Raises ProofInvalid."""
        match _unpack(data):
            case (tuple(steps), tuple(leaves), tuple(below)) if len(leaves) <= LEAVES_MAX:
                return cls(_steps(steps), tuple(_leaf(leaf) for leaf in leaves), _steps(below))
            case _:
                raise ProofInvalid("a prefix proof has three fields")


def verify(proof: Proof, root: bytes, key: bytes) -> bytes | None:
    """SHA-256 of the key's value under `root`, or None if the key is proven absent. Raises
    ProofInvalid."""
    path = _checked_path(key)
    if proof.leaf is None:
        if proof.steps or root != EMPTY_ROOT:
            raise ProofInvalid("only an empty state has no leaf")
        return None
    found, hash_of_value = proof.leaf
    _check_steps(proof.steps, path, _checked_path(found), -1)
    if _fold(leaf_hash(found, hash_of_value), proof.steps, path) != root:
        raise ProofInvalid("does not lead to the root")
    return hash_of_value if found == key else None


def verify_prefix(proof: PrefixProof, root: bytes, prefix: bytes) -> list[tuple[bytes, bytes]]:
    """All (key, SHA-256 of the value) whose key begins with `prefix`, ascending. Raises
    ProofInvalid."""
    path, edge = _checked_path(prefix), 9 * len(prefix)
    if not proof.leaves:
        if proof.steps or proof.below or root != EMPTY_ROOT:
            raise ProofInvalid("only an empty state has no leaf")
        return []
    first = proof.leaves[0][0]
    _check_steps(proof.steps, path, _checked_path(first), -1)
    if proof.steps and proof.steps[-1][0] >= edge:
        raise ProofInvalid("leaves the prefix's subtree")
    if first.startswith(prefix):
        if proof.below or not all(key.startswith(prefix) for key, _ in proof.leaves):
            raise ProofInvalid("lists a key without the prefix")
        subtree = root_of(proof.leaves)
    else:
        if len(proof.leaves) != 1:
            raise ProofInvalid("one stranger is enough")
        stranger = _checked_path(first)
        _check_steps(proof.below, stranger, stranger, edge - 1)
        subtree = _fold(leaf_hash(*proof.leaves[0]), proof.below, stranger)
    if _fold(subtree, proof.steps, path) != root:
        raise ProofInvalid("does not lead to the root")
    return list(proof.leaves) if first.startswith(prefix) else []


def root_of(leaves: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The root over ascending (key, value hash) pairs, from the definition. Raises ProofInvalid if
    not ascending.

    One pass with a stack: the bits where neighbours differ order the nodes as in a Cartesian tree.
    """
    stack: list[tuple[int, bytes]] = []
    previous = -1
    for key, hash_of_value in leaves:
        path = _checked_path(key)
        if path <= previous:
            raise ProofInvalid("keys are not ascending")
        carried = leaf_hash(key, hash_of_value)
        if stack:
            bit = first_difference(previous, path)
            top = stack.pop()[1]
            while stack and stack[-1][0] > bit:
                parent, left = stack.pop()
                top = inner_hash(parent, left, top)
            stack.append((bit, top))
        stack.append((-1, carried))
        previous = path
    if not stack:
        return EMPTY_ROOT
    computed = stack.pop()[1]
    while stack:
        bit, left = stack.pop()
        computed = inner_hash(bit, left, computed)
    return computed


def _fold(computed: bytes, steps: Sequence[Step], path: int) -> bytes:
    for bit, other in reversed(steps):
        left, right = (other, computed) if bit_at(path, bit) else (computed, other)
        computed = inner_hash(bit, left, right)
    return computed


def _check_steps(steps: Sequence[Step], path: int, leaf: int, above: int) -> None:
    for bit, _ in steps:
        if not above < bit < BITS:
            raise ProofInvalid("bit indices do not increase downwards")
        if bit_at(path, bit) != bit_at(leaf, bit):
            raise ProofInvalid("a step does not follow the key")
        above = bit


def _checked_path(key: bytes) -> int:
    try:
        return path_of(key)
    except ValueError as error:
        raise ProofInvalid(str(error)) from error


def _pack(value: object) -> bytes:
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def _unpack(data: bytes) -> Any:
    try:
        value = msgpack.unpackb(data, use_list=False, max_map_len=0, max_ext_len=0)
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise ProofInvalid(f"not MessagePack: {error or type(error).__name__}") from error
    if _pack(value) != data:
        raise ProofInvalid("not the shortest encoding")
    return value


def _steps(items: tuple[Any, ...]) -> tuple[Step, ...]:
    if len(items) > BITS:
        raise ProofInvalid("more steps than bits")
    for item in items:
        match item:
            case (int(bit), bytes(other)) if type(bit) is int and 0 <= bit < BITS:
                if len(other) != 32:
                    raise ProofInvalid("a hash has 32 bytes")
            case _:
                raise ProofInvalid("a step must be [bit, hash]")
    return items


def _leaf(item: Any) -> tuple[bytes, bytes]:
    match item:
        case (bytes(key), bytes(hash_of_value)) if len(hash_of_value) == 32:
            return key, hash_of_value
        case _:
            raise ProofInvalid("a leaf must be [key, hash]")
