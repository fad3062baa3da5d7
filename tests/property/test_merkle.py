"""RFC 6962 trees against the RFC's own recursive definition, and proofs against every kind of
lie."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import merkle

leaves_lists = st.lists(st.binary(max_size=40), min_size=1, max_size=40)


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + defined_root(leaves[:k]) + defined_root(leaves[k:])).digest()


@given(leaves_lists)
def test_the_root_is_the_one_the_rfc_defines(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == defined_root(leaves)


def test_no_leaves_have_the_hash_of_nothing() -> None:
    assert merkle.root([]) == sha256(b"").digest()


@given(leaves_lists)
def test_every_leaf_has_a_path_that_verifies(leaves: list[bytes]) -> None:
    root = merkle.root(leaves)
    for index, leaf in enumerate(leaves):
        path = merkle.inclusion_path(leaves, index)
        assert merkle.verify_inclusion(leaf, index, len(leaves), path, root)


@given(leaves_lists, st.data())
def test_A09_any_change_to_a_proof_is_caught(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root, size = merkle.inclusion_path(leaves, index), merkle.root(leaves), len(leaves)
    assert not merkle.verify_inclusion(leaves[index] + b"x", index, size, path, root)
    assert not merkle.verify_inclusion(leaves[index], index, size, [*path, bytes(32)], root)
    assert not merkle.verify_inclusion(leaves[index], size, size, path, root)
    assert not merkle.verify_inclusion(leaves[index], -1, size, path, root)
    if path:
        assert not merkle.verify_inclusion(leaves[index], index, size, path[:-1], root)
        bad = bytearray(path[0])
        bad[0] ^= 1
        assert not merkle.verify_inclusion(
            leaves[index], index, size, [bytes(bad), *path[1:]], root
        )
    other = data.draw(st.integers(0, size - 1))
    if leaves[other] != leaves[index]:
        assert not merkle.verify_inclusion(leaves[index], other, size, path, root)


def test_A09_an_inner_node_does_not_pass_for_a_leaf() -> None:
    leaves = [b"a", b"b", b"c", b"d"]
    inner = merkle.leaf_hash(b"a") + merkle.leaf_hash(b"b")
    path = [merkle.node_hash(merkle.leaf_hash(b"c"), merkle.leaf_hash(b"d"))]
    assert not merkle.verify_inclusion(inner, 0, 2, path, merkle.root(leaves))


def test_A09_a_doubled_last_leaf_changes_the_root() -> None:
    assert merkle.root([b"a", b"b", b"c"]) != merkle.root([b"a", b"b", b"c", b"c"])


def test_an_index_outside_the_tree_has_no_path() -> None:
    with pytest.raises(IndexError):
        merkle.inclusion_path([b"a"], 1)
