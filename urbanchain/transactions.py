"""The transaction envelope: bytes as signed, read at fixed offsets.

    version u8 | suite u8 | flags u16 | expires_at_ms u64 | nonce 16 B | sender 20 B | body length
    u32 | body | signature [| salt 32 B | attachment]

All integers are big-endian. The body is canonical MessagePack `[contract, call, [arguments by
position]]`. With flag bit 0 a salt and an attachment follow the signature; the id commits to
H(salt, attachment), and execution never reads it, so that it alone can later be erased. A
transaction is hashed and verified over the bytes received, never over a re-encoding. Layout and
golden vectors: docs/wire-format.md.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from urbanchain import signatures
from urbanchain.encoding import Encodable, NotCanonical, Value, decode, encode
from urbanchain.errors import Malformed
from urbanchain.hashing import Tag, compute_hash

VERSION = 1
NONCE_BYTES = 16
ADDRESS_BYTES = 20
ENVELOPE_BYTES_MAX = 64 * 1024
_FIXED = struct.Struct(">BBHQ16s20sI")
_LENGTH = struct.Struct(">I")
FIXED_BYTES = _FIXED.size
_NO_ATTACHMENT = bytes(32)
EXPIRES_AT_MS_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded envelope. `envelope` is the bytes as received; everything else is read from
    them."""

    envelope: bytes
    id: bytes
    """32 bytes: names the transaction on this chain and no other."""
    suite: int
    expires_at_ms: int
    """Block time in ms since the epoch after which it can no longer be included."""
    nonce: bytes
    sender: bytes
    """The 20-byte address of the account that signs."""
    contract: str
    call: str
    arguments: tuple[Value, ...]
    signature: bytes

    @property
    def signed_message(self) -> bytes:
        """The 32 bytes that the sender's key signs."""
        return signed_message(self.id)

    def leaf(self, key: bytes) -> bytes:
        """The leaf of the transactions tree, 64 bytes: the id, then a hash of suite, key and
        signature.

        Signatures are committed to, so that no two replicas can be shown one block with different
        signatures.
        """
        witness = compute_hash(Tag.WITNESS, bytes([self.suite]), key, self.signature)
        return self.id + witness


@dataclass(frozen=True, slots=True)
class Unsigned:
    """All of a transaction but its signature: what a wallet, or an HSM, is asked to sign."""

    suite: int
    expires_at_ms: int
    nonce: bytes
    sender: bytes
    body: bytes

    def fixed(self) -> bytes:
        """The fixed fields, FIXED_BYTES long."""
        return _FIXED.pack(
            VERSION,
            self.suite,
            0,
            self.expires_at_ms,
            self.nonce,
            self.sender,
            len(self.body),
        )

    def id(self, genesis_hash: bytes) -> bytes:
        """The id this transaction will have on the chain of that genesis."""
        return compute_id(genesis_hash, self.fixed(), self.body)

    def sealed(self, signature: bytes) -> bytes:
        """The finished envelope."""
        return self.fixed() + self.body + signature


def encode_body(contract: str, call: str, arguments: Iterable[Encodable]) -> bytes:
    """The canonical body of a call."""
    return encode((contract, call, tuple(arguments)))


def signed_message(transaction_id: bytes) -> bytes:
    """The 32 bytes that are signed for a transaction of this id."""
    return compute_hash(Tag.SIGNATURE, transaction_id)


def compute_id(
    genesis_hash: bytes, fixed: bytes, body: bytes, attachment_commitment: bytes = _NO_ATTACHMENT
) -> bytes:
    """The id: genesis hash, fixed fields, H(body), and the attachment's commitment (zeros when
    there is none)."""
    return compute_hash(
        Tag.TRANSACTION, genesis_hash, fixed, compute_hash(Tag.BODY, body), attachment_commitment
    )


def decode_transaction(envelope: bytes, genesis_hash: bytes) -> Transaction:
    """Read an envelope. Raises Malformed, naming the field, for anything but a well-formed one.

    Attachments have their place in the format and are refused until a release builds them.
    """
    if len(envelope) > ENVELOPE_BYTES_MAX:
        raise Malformed("transaction", f"{len(envelope)} bytes; at most {ENVELOPE_BYTES_MAX}")
    if len(envelope) < FIXED_BYTES:
        raise Malformed(
            "transaction", f"{len(envelope)} bytes; the fixed fields alone are {FIXED_BYTES}"
        )
    version, suite_number, flags, expires_at_ms, nonce, sender, body_bytes = _FIXED.unpack_from(
        envelope
    )
    if version != VERSION:
        raise Malformed("transaction.version", f"is {version}; this chain knows {VERSION}")
    suite = signatures.SUITES.get(suite_number)
    if suite is None:
        raise Malformed(
            "transaction.suite", f"{suite_number} is not a signature suite of this chain"
        )
    if flags != 0:
        raise Malformed("transaction.flags", f"{flags:#06x}; no flag is in use yet")
    if expires_at_ms > EXPIRES_AT_MS_MAX:
        raise Malformed("transaction.expires_at_ms", "is beyond 2^63-1")
    body_end = FIXED_BYTES + body_bytes
    end = body_end + suite.signature_bytes
    if len(envelope) != end:
        what = "trailing bytes" if len(envelope) > end else "cut short"
        raise Malformed("transaction", f"{what}: {len(envelope)} bytes where its fields need {end}")
    body = envelope[FIXED_BYTES:body_end]
    contract, call, arguments = _decode_body(body)
    return Transaction(
        envelope=envelope,
        id=compute_id(genesis_hash, envelope[:FIXED_BYTES], body),
        suite=suite_number,
        expires_at_ms=expires_at_ms,
        nonce=nonce,
        sender=sender,
        contract=contract,
        call=call,
        arguments=arguments,
        signature=envelope[body_end:end],
    )


def _decode_body(body: bytes) -> tuple[str, str, tuple[Value, ...]]:
    try:
        value = decode(body)
    except NotCanonical as error:
        raise Malformed("transaction.body", error.reason) from error
    match value:
        case (str(contract), str(call), tuple(arguments)):
            return contract, call, arguments
        case _:
            raise Malformed("transaction.body", "must be [contract, call, [arguments]]")


def join_batch(envelopes: Iterable[bytes]) -> bytes:
    """Envelopes back to back, each behind its length as u32: `application/vnd.urbanchain.batch`."""
    return b"".join(_LENGTH.pack(len(envelope)) + envelope for envelope in envelopes)


def split_batch(batch: bytes, count_max: int) -> Iterator[bytes]:
    """The envelopes of a batch, in order. Raises Malformed where a length leads beyond the end."""
    offset, count, total = 0, 0, len(batch)
    while offset < total:
        count += 1
        if count > count_max:
            raise Malformed(f"batch[{count - 1}]", f"more than {count_max} transactions")
        if total - offset < _LENGTH.size:
            raise Malformed(f"batch[{count - 1}]", "cut short inside a length")
        (length,) = _LENGTH.unpack_from(batch, offset)
        offset += _LENGTH.size
        if length > total - offset:
            raise Malformed(
                f"batch[{count - 1}]", f"{length} bytes announced, {total - offset} left"
            )
        yield batch[offset : offset + length]
        offset += length
