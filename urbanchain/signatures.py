"""Signature suites, their one acceptance rule each, and verification in batches with a verdict per
item.

Suite 1 is Ed25519 under ZIP-215 (urbanchain/zip215.py), whatever library helps to get there:
OpenSSL is asked first, since what it accepts the rule accepts too; only what it rejects goes to the
exact check. Nothing outside this module knows the length of a key or signature.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from urbanchain import zip215

BACKEND = "portable"
"""Which implementation verifies; named by `node status`."""
CACHE_CAPACITY = 100_000
_KEYS_DECODED_MAX = 4096


@dataclass(frozen=True, slots=True)
class Suite:
    """A signature scheme as the chain's formats know it."""

    number: int
    name: str
    key_bytes: int
    signature_bytes: int


ED25519 = 1
SUITES = {ED25519: Suite(ED25519, "ed25519", 32, 64)}
"""By number. 2 is reserved for SM2 with SM3, 3 for ML-DSA-65."""


class SignatureItem(NamedTuple):
    """One signature to verify."""

    suite: int
    key: bytes
    message: bytes
    signature: bytes


def verify_batch(items: Sequence[SignatureItem]) -> list[bool]:
    """One verdict an item, each the same as if it were alone. Unknown suites and wrong lengths are
    False.

    A rejected item costs a few milliseconds (the exact check), an accepted one some 60
    microseconds."""
    return [is_strict(item) or _is_valid_exactly(item) for item in items]


class _DecodedKeys:
    """Public keys of recent signers, decoded once."""

    def __init__(self) -> None:
        self._keys: OrderedDict[bytes, Ed25519PublicKey] = OrderedDict()

    def get(self, key: bytes) -> Ed25519PublicKey:
        decoded = self._keys.get(key)
        if decoded is None:
            decoded = Ed25519PublicKey.from_public_bytes(key)
            self._keys[key] = decoded
            if len(self._keys) > _KEYS_DECODED_MAX:
                self._keys.popitem(last=False)
        return decoded


_decoded_keys = _DecodedKeys()


def is_strict(item: SignatureItem) -> bool:
    """Whether OpenSSL accepts it too: what honest nodes admit and relay, narrower than validity."""
    if not _has_lengths(item):
        return False
    try:
        _decoded_keys.get(item.key).verify(item.signature, item.message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_valid_exactly(item: SignatureItem) -> bool:
    return _has_lengths(item) and zip215.verify(item.key, item.message, item.signature)


def _has_lengths(item: SignatureItem) -> bool:
    suite = SUITES.get(item.suite)
    return (
        suite is not None
        and len(item.key) == suite.key_bytes
        and len(item.signature) == suite.signature_bytes
    )


class SignatureCache:
    """Remembers signatures found valid, so that each is verified once on this node. Bounded; any
    thread may call.

    The whole item is the key: a cache that left out the message would accept it for another."""

    def __init__(
        self,
        capacity: int = CACHE_CAPACITY,
        verify: Callable[[Sequence[SignatureItem]], list[bool]] = verify_batch,
    ) -> None:
        self._capacity = capacity
        self._verify = verify
        self._valid: dict[SignatureItem, None] = {}

    def is_known(self, item: SignatureItem) -> bool:
        """Whether it was found valid before."""
        return item in self._valid

    def verify(self, items: Sequence[SignatureItem]) -> list[bool]:
        """One verdict an item; only what is not remembered is verified."""
        unknown = [item for item in items if item not in self._valid]
        if not unknown:
            return [True] * len(items)
        verdicts = dict(zip(unknown, self._verify(unknown), strict=True))
        for item, is_valid in verdicts.items():
            if is_valid:
                self._valid[item] = None
        self._evict()
        return [verdicts.get(item, True) for item in items]

    def verify_strictly(self, items: Sequence[SignatureItem]) -> list[bool]:
        """One verdict an item by the narrower rule of what is admitted and relayed; never the exact
        check."""
        verdicts = [item in self._valid or is_strict(item) for item in items]
        self._valid.update((item, None) for item, ok in zip(items, verdicts, strict=True) if ok)
        self._evict()
        return verdicts

    def _evict(self) -> None:
        for item in list(self._valid)[: max(0, len(self._valid) - self._capacity)]:
            self._valid.pop(item, None)


class ValidatorSignatures:
    """What consensus asks of signatures (its SignatureScheme), for suite 1."""

    def __init__(self, sign: Callable[[bytes], bytes], cache: SignatureCache | None = None) -> None:
        self._sign = sign
        self._cache = cache or SignatureCache(capacity=10_000)

    def sign(self, message: bytes) -> bytes:
        """This validator's signature."""
        return self._sign(message)

    def verify(self, items: Sequence[tuple[bytes, bytes, bytes]]) -> list[bool]:
        """One verdict per (key, message, signature)."""
        return self._cache.verify([SignatureItem(ED25519, *item) for item in items])
