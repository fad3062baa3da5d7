"""Merkle trees over lists, as RFC 6962 §2.1 defines them: roots, inclusion paths, and their
verification.

Leaves are hashed behind 0x00 and nodes behind 0x01, so a node can never pass for a leaf; a tree of
n leaves splits at the largest power of two below n, so no leaf is ever duplicated. Hash: SHA-256.
"""

from collections.abc import Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 | leaf)."""
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 | left | right)."""
    return sha256(b"\1" + left + right).digest()


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All hashes by level, the leaves' first; an odd last one is carried up as it is.

    Pairing from the left and carrying the odd one gives the RFC's tree: its left subtrees are full
    powers of two."""
    level = [leaf_hash(leaf) for leaf in leaves]
    levels = [level]
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        levels.append(paired)
        level = paired
    return levels


class Tree:
    """A tree kept whole: many paths of one list for the price of hashing it once."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = _levels(leaves)

    def inclusion_path(self, index: int) -> list[bytes]:
        """As the function of this name. Raises IndexError."""
        if not 0 <= index < len(self._levels[0]):
            raise IndexError(f"leaf {index} of {len(self._levels[0])}")
        path = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                path.append(level[sibling])
            index //= 2
        return path


def root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash: 32 bytes; SHA-256 of nothing for no leaves."""
    return _levels(leaves)[-1][0] if leaves else EMPTY_ROOT


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root, nearest first (§2.1.1). Raises
    IndexError."""
    return Tree(leaves).inclusion_path(index)


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes
) -> bool:
    """Whether `leaf` is number `index` of the `size` leaves under the root (RFC 9162 §2.1.3.2, same
    tree)."""
    if not 0 <= index < size or any(len(step) != 32 for step in path):
        return False
    node, last, computed = index, size - 1, leaf_hash(leaf)
    for step in path:
        if last == 0:
            return False
        if node % 2 or node == last:
            computed = node_hash(step, computed)
            while node % 2 == 0 and node != 0:
                node, last = node // 2, last // 2
        else:
            computed = node_hash(computed, step)
        node, last = node // 2, last // 2
    return last == 0 and computed == expected_root
