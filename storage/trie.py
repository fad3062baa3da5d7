"""The authenticated state in memory: an immutable trie whose versions share what did not change.

`update` takes all of a block's changes at once, descends once and hashes each touched node once. It
returns a new trie: an overlay that loses costs nothing, a commit is one assignment, and readers
keep the version they hold. The trie knows keys and hashes of values, never values. Definition of
the root: proofs.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from storage import proofs
from storage.proofs import BITS, PrefixProof, Proof, bit_at, first_difference, path_of


class Leaf(NamedTuple):
    """One key."""

    path: int
    hash: bytes
    key: bytes
    value_hash: bytes


class Inner(NamedTuple):
    """The keys below differ first at `bit`: those with 0 there are left."""

    path: int
    """The path of any key below: what they share above `bit`."""
    hash: bytes
    bit: int
    left: "Node"
    right: "Node"


Node: TypeAlias = Leaf | Inner
Change = tuple[int, Leaf | None]
"""(path, the new leaf), None deletes."""


class Trie:
    """One version of the state's tree."""

    __slots__ = ("_root",)

    def __init__(self, root: Node | None = None) -> None:
        self._root = root

    @property
    def root(self) -> bytes:
        """32 bytes; zeros when empty."""
        return proofs.EMPTY_ROOT if self._root is None else self._root.hash

    def update(self, changes: Iterable[tuple[bytes, bytes | None]]) -> "Trie":
        """The trie after `changes`: (key, value) in any order, a value of None deletes. The last of
        a key wins."""
        latest = {key: _leaf(key, value) for key, value in changes}
        ordered = sorted((path_of(key), leaf) for key, leaf in latest.items())
        return Trie(_merge(self._root, ordered)) if ordered else self

    def prove(self, key: bytes) -> Proof:
        """That `key` has its value, or that it is absent. Raises ValueError for a key no state can
        have."""
        path, node, steps = path_of(key), self._root, []
        while isinstance(node, Inner):
            kept, other = _sides(node, path)
            steps.append((node.bit, other.hash))
            node = kept
        return Proof(tuple(steps), None if node is None else (node.key, node.value_hash))

    def prove_prefix(self, prefix: bytes) -> PrefixProof:
        """That the keys with `prefix` are all of them. Raises ValueError for a prefix no key can
        have."""
        path, edge, node = path_of(prefix), 9 * len(prefix), self._root
        steps, below = [], []
        while isinstance(node, Inner) and node.bit < edge:
            kept, other = _sides(node, path)
            steps.append((node.bit, other.hash))
            node = kept
        if node is None:
            return PrefixProof((), (), ())
        if first_difference(node.path, path) < edge:
            while isinstance(node, Inner):
                below.append((node.bit, node.right.hash))
                node = node.left
        leaves = tuple((leaf.key, leaf.value_hash) for leaf in _leaves(node))
        return PrefixProof(tuple(steps), leaves, tuple(below))

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """(key, value hash) pairs in key order."""
        if self._root is not None:
            for leaf in _leaves(self._root):
                yield leaf.key, leaf.value_hash


def _leaf(key: bytes, value: bytes | None) -> Leaf | None:
    if value is None:
        return None
    hash_of_value = proofs.value_hash(value)
    return Leaf(path_of(key), proofs.leaf_hash(key, hash_of_value), key, hash_of_value)


def _inner(bit: int, left: Node, right: Node) -> Inner:
    return Inner(left.path, proofs.inner_hash(bit, left.hash, right.hash), bit, left, right)


def _sides(node: Inner, path: int) -> tuple[Node, Node]:
    """(the child that the path leads to, the other one)"""
    return (node.right, node.left) if bit_at(path, node.bit) else (node.left, node.right)


def _leaves(start: Node) -> Iterator[Leaf]:
    pending = [start]
    while pending:
        node = pending.pop()
        if isinstance(node, Inner):
            pending += (node.right, node.left)
        else:
            yield node


class _Visit(NamedTuple):
    """Merge changes[low:high] into a subtree; None is an empty one."""

    node: Node | None
    changes: Sequence[Change]
    low: int
    high: int


def _merge(root: Node | None, changes: Sequence[Change]) -> Node | None:
    """Post-order with an explicit stack, because keys chosen to differ bit by bit make deep trees.

    An integer on the stack joins the two newest results at that bit."""
    pending: list[_Visit | int] = [_Visit(root, changes, 0, len(changes))]
    results: list[Node | None] = []
    while pending:
        task = pending.pop()
        if isinstance(task, int):
            right, left = results.pop(), results.pop()
            results.append(_inner(task, left, right) if left and right else left or right)
        elif task.low == task.high:
            results.append(task.node)
        elif isinstance(task.node, Leaf):
            absorbed = _absorb(task.node, task.changes[task.low : task.high])
            pending.append(_Visit(None, absorbed, 0, len(absorbed)))
        elif task.node is None and task.high - task.low == 1:
            results.append(task.changes[task.low][1])
        else:
            pending += _split(task, task.node)
    return results[0]


def _split(task: _Visit, node: Inner | None) -> tuple[int, _Visit, _Visit]:
    """The bit to join at, the right part and the left part (which is popped first)."""
    _, changes, low, high = task
    first, last = changes[low][0], changes[high - 1][0]
    if node is None:
        bit = first_difference(first, last)
        middle = _first_with_bit(changes, low, high, bit)
        return bit, _Visit(None, changes, middle, high), _Visit(None, changes, low, middle)
    bit = min(first_difference(first, node.path), first_difference(last, node.path))
    if bit >= node.bit:
        middle = _first_with_bit(changes, low, high, node.bit)
        right = _Visit(node.right, changes, middle, high)
        return node.bit, right, _Visit(node.left, changes, low, middle)
    middle = _first_with_bit(changes, low, high, bit)
    is_right = bit_at(node.path, bit)
    right = _Visit(node if is_right else None, changes, middle, high)
    return bit, right, _Visit(None if is_right else node, changes, low, middle)


def _absorb(leaf: Leaf, changes: Sequence[Change]) -> list[Change]:
    """The changes with an existing leaf among them, unless one of them replaces it."""
    absorbed = list(changes)
    if all(path != leaf.path for path, _ in absorbed):
        absorbed.append((leaf.path, leaf))
        absorbed.sort(key=lambda change: change[0])
    return absorbed


def _first_with_bit(changes: Sequence[Change], low: int, high: int, bit: int) -> int:
    """Where the changes whose paths have a 1 at `bit` begin, in a range that agrees above it."""
    mask = 1 << (BITS - 1 - bit)
    while low < high:
        middle = (low + high) // 2
        if changes[middle][0] & mask:
            high = middle
        else:
            low = middle + 1
    return low
