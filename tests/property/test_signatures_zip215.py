"""One acceptance rule: ZIP-215, whatever library helps, alone and among others, on every crafted
edge."""

from hashlib import sha512
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urbanchain import zip215
from urbanchain.keys import PrivateKey
from urbanchain.signatures import ED25519, SignatureCache, SignatureItem, is_strict, verify_batch

MESSAGE = b"Zcash"


def torsion_points() -> list[zip215.Point]:
    """All eight points of small order, from one of order eight."""
    y = 1
    while True:
        y += 1
        point = zip215.decode_point(y.to_bytes(32, "little"))
        if point is None:
            continue
        small = zip215.multiply(zip215.L, point)
        if not zip215.is_identity(zip215.multiply(4, small)):
            return [zip215.multiply(n, small) for n in range(8)]


TORSION = torsion_points()


def encodings(point: zip215.Point) -> list[bytes]:
    """The canonical bytes of a point, and every non-canonical spelling that decodes to it."""
    canonical = zip215.encode_point(point)
    found = [canonical]
    for y, sign in product(range(2**255 - 19, 2**255), (0, 1)):
        data = (y | sign << 255).to_bytes(32, "little")
        decoded = zip215.decode_point(data)
        if decoded is not None and zip215.encode_point(decoded) == canonical:
            found.append(data)
    for sign in (0, 1):
        y = int.from_bytes(canonical, "little") & (2**255 - 1)
        data = (y | sign << 255).to_bytes(32, "little")
        decoded = zip215.decode_point(data)
        if decoded is not None and zip215.encode_point(decoded) == canonical:
            found.append(data)
    return sorted(set(found))


SMALL_ENCODINGS = [data for point in TORSION for data in encodings(point)]


def item(key: bytes, message: bytes, signature: bytes) -> SignatureItem:
    return SignatureItem(ED25519, key, message, signature)


def test_there_are_fourteen_encodings_of_the_eight_small_points() -> None:
    assert len(set(SMALL_ENCODINGS)) == 14


def test_C44_every_small_order_key_and_nonce_with_s_zero_is_valid() -> None:
    items = [item(a, MESSAGE, r + bytes(32)) for a, r in product(SMALL_ENCODINGS, SMALL_ENCODINGS)]
    assert all(verify_batch(items))


def test_C45_torsion_in_key_and_nonce_changes_no_verdict_alone_or_among_others() -> None:
    secret, nonce = 0x1234567, 0x7654321
    honest = PrivateKey.generate()
    items = []
    for small_a, small_r in product(TORSION, TORSION):
        a = zip215.encode_point(zip215.add(zip215.multiply(secret, zip215.BASE), small_a))
        r = zip215.encode_point(zip215.add(zip215.multiply(nonce, zip215.BASE), small_r))
        k = int.from_bytes(sha512(r + a + MESSAGE).digest(), "little")
        s = (nonce + k * secret) % zip215.L
        items.append(item(a, MESSAGE, r + s.to_bytes(32, "little")))
    alone = [verify_batch([i])[0] for i in items]
    good = item(honest.public_key, b"m", honest.sign(b"m"))
    bad = item(honest.public_key, b"m", honest.sign(b"n"))
    mixed = verify_batch([x for i in items for x in (good, i, bad)])
    assert alone == [True] * 64
    assert mixed == [True, True, False] * 64


def test_s_beyond_the_group_order_is_refused() -> None:
    key = PrivateKey.generate()
    signature = key.sign(MESSAGE)
    s = int.from_bytes(signature[32:], "little") + zip215.L
    malleable = signature[:32] + s.to_bytes(32, "little")
    assert verify_batch([item(key.public_key, MESSAGE, malleable)]) == [False]


@given(st.binary(max_size=80), st.binary(min_size=32, max_size=32), st.data())
def test_an_honest_signature_verifies_and_a_changed_one_does_not(
    message: bytes, secret: bytes, data: st.DataObject
) -> None:
    key = PrivateKey.from_secret(secret)
    signature = bytearray(key.sign(message))
    assert verify_batch([item(key.public_key, message, bytes(signature))]) == [True]
    assert zip215.verify(key.public_key, message, bytes(signature))
    signature[data.draw(st.integers(0, 63))] ^= 1 << data.draw(st.integers(0, 7))
    assert verify_batch([item(key.public_key, message, bytes(signature))]) == [False]


@pytest.mark.parametrize(
    ("key", "signature"), [(b"", bytes(64)), (bytes(32), b""), (bytes(31), bytes(64))]
)
def test_wrong_lengths_and_unknown_suites_are_refused(key: bytes, signature: bytes) -> None:
    assert verify_batch([item(key, MESSAGE, signature)]) == [False]
    honest = PrivateKey.generate()
    assert verify_batch([SignatureItem(9, honest.public_key, b"m", honest.sign(b"m"))]) == [False]


def test_the_strict_rule_of_the_mempool_is_narrower() -> None:
    crafted = item(SMALL_ENCODINGS[0], MESSAGE, SMALL_ENCODINGS[-1] + bytes(32))
    assert verify_batch([crafted]) == [True]
    assert not all(
        is_strict(item(a, MESSAGE, SMALL_ENCODINGS[-1] + bytes(32))) for a in SMALL_ENCODINGS
    )


def test_the_cache_remembers_what_is_valid_for_that_message_alone() -> None:
    asked: list[int] = []

    def verify(items: object) -> list[bool]:
        asked.append(len(items))  # type: ignore[arg-type]
        return verify_batch(items)  # type: ignore[arg-type]

    cache, key = SignatureCache(capacity=2, verify=verify), PrivateKey.generate()
    good = item(key.public_key, b"m", key.sign(b"m"))
    other = item(key.public_key, b"n", key.sign(b"m"))
    assert cache.verify([good]) == [True]
    assert cache.verify([good, other]) == [True, False]
    assert cache.verify([other]) == [False]
    assert asked == [1, 1, 1]


def test_the_cache_is_bounded() -> None:
    cache, key = SignatureCache(capacity=2), PrivateKey.generate()
    items = [item(key.public_key, bytes([n]), key.sign(bytes([n]))) for n in range(3)]
    assert cache.verify(items) == [True] * 3
    assert [cache.is_known(i) for i in items] == [False, True, True]
