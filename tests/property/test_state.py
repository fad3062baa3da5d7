"""The state tree against its definition over random histories; proofs of presence, absence and
completeness."""

import contextlib
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import proofs, schema
from storage.errors import ProofInvalid
from storage.kv import WriteBatch
from storage.memory import MemoryStore
from storage.proofs import PrefixProof, Proof
from storage.state import Overlay, StateStore, add_changes
from storage.trie import Trie

keys = st.one_of(
    st.binary(min_size=1, max_size=4),
    st.sampled_from(
        [b"a", b"a\0", b"a\0\0", b"ab", b"\0", b"\0\0", b"\xff", b"\xff\xff", b"x" * 128]
    ),
)
changes = st.lists(st.tuples(keys, st.one_of(st.none(), st.binary(max_size=4))), max_size=12)
histories = st.lists(changes, max_size=6)


def bits_of(key: bytes) -> str:
    return "".join("1" + format(byte, "08b") for byte in key).ljust(9 * 128, "0")


def defined_root(pairs: list[tuple[bytes, bytes]], bit: int = 0) -> bytes:
    """The definition, from scratch: split at the first bit in which the keys differ."""
    if not pairs:
        return bytes(32)
    if len(pairs) == 1:
        key, value = pairs[0]
        return sha256(b"\0" + bytes([len(key)]) + key + sha256(value).digest()).digest()
    while len({bits_of(key)[bit] for key, _ in pairs}) == 1:
        bit += 1
    left = [pair for pair in pairs if bits_of(pair[0])[bit] == "0"]
    right = [pair for pair in pairs if bits_of(pair[0])[bit] == "1"]
    halves = defined_root(left, bit + 1) + defined_root(right, bit + 1)
    return sha256(b"\1" + bit.to_bytes(2, "big") + halves).digest()


def replay(history: list[list[tuple[bytes, bytes | None]]]) -> tuple[Trie, dict[bytes, bytes]]:
    trie, model = Trie(), {}
    for block in history:
        trie = trie.update(block)
        for key, value in block:
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
    return trie, model


@given(histories)
@settings(max_examples=300)
def test_the_root_follows_the_definition_whatever_the_history(
    history: list[list[tuple[bytes, bytes | None]]],
) -> None:
    trie, model = replay(history)
    pairs = sorted(model.items())
    assert trie.root == defined_root(pairs)
    hashed = [(key, sha256(value).digest()) for key, value in pairs]
    assert list(trie) == hashed
    assert proofs.root_of(hashed) == trie.root


@given(histories, keys)
@settings(max_examples=300)
def test_a_key_is_proven_present_or_absent(
    history: list[list[tuple[bytes, bytes | None]]], key: bytes
) -> None:
    trie, model = replay(history)
    for asked in [key, *model]:
        proof = Proof.decode(trie.prove(asked).encode())
        expected = sha256(model[asked]).digest() if asked in model else None
        assert proofs.verify(proof, trie.root, asked) == expected


@given(histories, st.binary(min_size=1, max_size=2))
@settings(max_examples=300)
def test_all_keys_with_a_prefix_are_proven_to_be_all(
    history: list[list[tuple[bytes, bytes | None]]], prefix: bytes
) -> None:
    trie, model = replay(history)
    proof = PrefixProof.decode(trie.prove_prefix(prefix).encode())
    expected = [(k, sha256(v).digest()) for k, v in sorted(model.items()) if k.startswith(prefix)]
    assert proofs.verify_prefix(proof, trie.root, prefix) == expected


@given(histories, keys, st.data())
@settings(max_examples=200)
def test_a_flipped_byte_of_a_proof_never_proves_anything_else(
    history: list[list[tuple[bytes, bytes | None]]], key: bytes, data: st.DataObject
) -> None:
    trie, _ = replay(history)
    honest = proofs.verify(trie.prove(key), trie.root, key)
    encoded = bytearray(trie.prove(key).encode())
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ProofInvalid):
        assert proofs.verify(Proof.decode(bytes(encoded)), trie.root, key) == honest


@given(histories, st.binary(min_size=1, max_size=1), st.data())
@settings(max_examples=200)
def test_a_key_left_out_of_a_prefix_proof_is_noticed(
    history: list[list[tuple[bytes, bytes | None]]], prefix: bytes, data: st.DataObject
) -> None:
    trie, model = replay(history)
    if sum(key.startswith(prefix) for key in model) < 2:
        return
    proof = trie.prove_prefix(prefix)
    dropped = data.draw(st.integers(0, len(proof.leaves) - 1))
    shorter = proof.leaves[:dropped] + proof.leaves[dropped + 1 :]
    with pytest.raises(ProofInvalid):
        proofs.verify_prefix(PrefixProof(proof.steps, shorter, ()), trie.root, prefix)


def test_keys_that_differ_bit_by_bit_make_a_deep_tree_and_no_recursion_error() -> None:
    model = {bytes(n) + b"\1": b"v" for n in range(127)} | {
        b"\xff" * n: b"v" for n in range(1, 129)
    }
    trie = Trie().update(model.items())
    assert trie.root == proofs.root_of([(k, sha256(v).digest()) for k, v in sorted(model.items())])
    assert proofs.verify(trie.prove(b"\xff" * 64), trie.root, b"\xff" * 64) is not None


def test_the_golden_root_stays() -> None:
    trie = Trie().update([(b"a", b"1"), (b"ab", b"2"), (b"b", b"3")])
    assert trie.root == defined_root([(b"a", b"1"), (b"ab", b"2"), (b"b", b"3")])
    assert trie.root.hex() == GOLDEN_ROOT


GOLDEN_ROOT = "a06a9536abbf0ed46ba0d8aa172090dceb3a185964d2f7b5ebdae5bac1d4853c"


@given(histories)
def test_values_are_read_at_every_height(history: list[list[tuple[bytes, bytes | None]]]) -> None:
    store, models, model = MemoryStore(), [], {}
    for height, block in enumerate(history):
        overlay = Overlay(StateStore(store))
        for key, value in block:
            if value is None:
                overlay.delete(key)
                model.pop(key, None)
            else:
                overlay.put(key, value)
                model[key] = value
        batch = WriteBatch()
        add_changes(batch, height, overlay.changes())
        store.write(batch, sync=True)
        models.append(dict(model))
    state = StateStore(store)
    assert dict(state.scan(b"")) == model
    assert state.load_trie().root == defined_root(sorted(model.items()))
    for height, past in enumerate(models):
        for key in {key for block in history for key, _ in block}:
            assert state.get_at(key, height) == past.get(key)


@given(changes, changes, changes)
def test_an_overlay_reads_like_a_dict_and_a_dropped_one_leaves_no_trace(
    base: list[tuple[bytes, bytes | None]],
    kept: list[tuple[bytes, bytes | None]],
    dropped: list[tuple[bytes, bytes | None]],
) -> None:
    store, model = MemoryStore(), {}
    batch = WriteBatch()
    add_changes(batch, 1, base)
    store.write(batch, sync=True)
    model = {k[1:]: v for k, v in store.scan(schema.STATE, b"T")}
    before = dict(model)
    lower = Overlay(StateStore(store))
    upper, lost = Overlay(lower), Overlay(lower)
    for target, edits in ((upper, kept), (lost, dropped)):
        for key, value in edits:
            target.delete(key) if value is None else target.put(key, value)
    upper.merge_into(lower)
    for key, value in kept:
        if value is None:
            model.pop(key, None)
        else:
            model[key] = value
    assert dict(lower.scan(b"")) == model
    assert all(lower.get(key) == model.get(key) for key, _ in base + kept + dropped)
    differing = {k for k in before.keys() | model.keys() if before.get(k) != model.get(k)}
    assert [key for key, _ in lower.changes()] == sorted(differing)
