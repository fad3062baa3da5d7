"""Building and signing transactions, apart from sending them: pure but for dice and clock.

A draft can be signed anywhere: by a key in memory, on another machine, by an HSM. It carries the
chain's genesis hash, so what is signed is valid on that chain only.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from urbanchain.addresses import format_address, parse_address
from urbanchain.encoding import Encodable
from urbanchain.keys import Key
from urbanchain.transactions import NONCE_BYTES, Unsigned, encode_body, signed_message
from urbanchain.types import compute_address

EXPIRY_MS = 5 * 60 * 1000
"""How far ahead transactions expire by default, or less where the chain's window is shorter."""
EXPIRY_MARGIN = (9, 10)
"""The part of the chain's window that is used, so that a clock a little ahead does no harm."""


@dataclass(frozen=True, slots=True)
class ChainInfo:
    """What building a transaction needs to know of its chain."""

    chain: str
    genesis_hash: bytes
    expiry_window_ms: int

    def default_expiry_ms(self, now_ms: int) -> int:
        """The expiry for a transaction built now."""
        share, whole = EXPIRY_MARGIN
        return now_ms + min(EXPIRY_MS, self.expiry_window_ms * share // whole)


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction ready to be submitted, to any node, any number of times."""

    id: str
    envelope: bytes
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A transaction that lacks its signature."""

    unsigned: Unsigned
    genesis_hash: bytes

    @property
    def id(self) -> bytes:
        """32 bytes; the signature does not change it."""
        return self.unsigned.id(self.genesis_hash)

    @property
    def message(self) -> bytes:
        """The 32 bytes to sign."""
        return signed_message(self.id)

    def sealed(self, signature: bytes) -> Signed:
        """With its signature, made elsewhere over `message`."""
        return Signed(self.id.hex(), self.unsigned.sealed(signature), self.unsigned.expires_at_ms)

    def sign(self, key: Key) -> Signed:
        """Signed by a key at hand."""
        return self.sealed(key.sign(self.message))


@dataclass(frozen=True, slots=True)
class OfflineSigner:
    """Signs drafts without a connection: where the key is, the network need not be."""

    key: Key

    def sign(self, draft: Draft) -> Signed:
        """The draft, signed."""
        return draft.sign(self.key)


@dataclass(frozen=True, slots=True)
class Call:
    """What a transaction does: a contract's call with its arguments by position."""

    contract: str
    call: str
    arguments: tuple[Encodable, ...]


def transfer(to: str, amount: int) -> Call:
    """Move `amount` minor units to an address."""
    return Call("tokens", "transfer", (parse_address(to), amount))


def mint(to: str, amount: int) -> Call:
    """Create `amount` minor units; needs the role issuer."""
    return Call("tokens", "mint", (parse_address(to), amount))


def record(registry: str, key: str, sha256: bytes | str, metadata: str = "") -> Call:
    """Anchor a document's SHA-256, given as 32 bytes or as hex."""
    digest = bytes.fromhex(sha256) if isinstance(sha256, str) else sha256
    return Call("records", "anchor", (registry, key, digest, metadata))


def draft(info: ChainInfo, call: Call, sender: "Sender", now_ms: int) -> Draft:
    """A draft of a call, with a random nonce and the default expiry.

    Raises urbanchain.encoding.NotCanonical for arguments that have no encoding."""
    body = encode_body(call.contract, call.call, call.arguments)
    unsigned = Unsigned(
        suite=sender.suite,
        expires_at_ms=info.default_expiry_ms(now_ms),
        nonce=secrets.token_bytes(NONCE_BYTES),
        sender=sender.address,
        body=body,
    )
    return Draft(unsigned, info.genesis_hash)


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose transaction it is: an account's address and the suite of its key."""

    address: bytes
    suite: int

    @classmethod
    def of(cls, key: Key, address: str | None = None) -> "Sender":
        """The account of a key; `address` where the key is not the account's first."""
        own = compute_address(key.suite, key.public_key)
        return cls(own if address is None else parse_address(address), key.suite)

    @property
    def text(self) -> str:
        """The address as people write it."""
        return format_address(self.address)


def split_into_batches(
    envelopes: Sequence[bytes], count_max: int, bytes_max: int
) -> list[Sequence[bytes]]:
    """Consecutive slices, each within both limits once every envelope has its 4-byte length."""
    batches: list[Sequence[bytes]] = []
    start, size = 0, 0
    for position, envelope in enumerate(envelopes):
        cost = len(envelope) + 4
        if position > start and (size + cost > bytes_max or position - start == count_max):
            batches.append(envelopes[start:position])
            start, size = position, 0
        size += cost
    if start < len(envelopes):
        batches.append(envelopes[start:])
    return batches
