"""A chain without a node: genesis with real keys, blocks sealed and certified by four in-process
keys. Everything verifies; only consensus and execution are left out.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from consensus.certificates import TAG_COMMIT, CommitCertificate, vote_bytes
from storage.merkle import inclusion_path, root
from urbanchain.encoding import Encodable
from urbanchain.genesis import GenesisFile, parse_genesis
from urbanchain.keys import PrivateKey, derive_devnet_key
from urbanchain.receipts import ReceiptFile
from urbanchain.transactions import Unsigned, decode_transaction, encode_body, signed_message
from urbanchain.types import Header, Outcome, Receipt, ValidatorSet, compute_header_hash

AGENCIES = ("transport", "water", "police", "tax")
PEOPLE = {
    "alice": ("transport", ["operator"]),
    "bob": ("water", ["operator"]),
    "treasury": ("transport", ["issuer"]),
    "admin": ("transport", ["admin"]),
}
START_MS = 1_790_000_000_000


@cache
def account_key(name: str) -> PrivateKey:
    """The key of one of PEOPLE, or of a stranger."""
    return derive_devnet_key("tests", f"account/{name}")


@cache
def validator_key(number: int) -> PrivateKey:
    """The consensus key of validator `number`."""
    return derive_devnet_key("tests", f"validator/{number}")


@cache
def make_genesis(
    chain: str = "tests", burst: int = 100_000_000, rate_per_s: int = 10_000
) -> GenesisFile:
    """Four validators of four agencies, and PEOPLE with a million each."""
    content = {
        "format": "urbanchain-genesis/1",
        "chain": chain,
        "devnet": True,
        "time": "2020-01-01T00:00:00.000Z",
        "agencies": [
            {"name": a, "title": a.title(), "bucket": {"rate_per_s": rate_per_s, "burst": burst}}
            for a in AGENCIES
        ],
        "accounts": [
            {
                "name": name,
                "agency": agency,
                "key": account_key(name).public_key.hex(),
                "roles": roles,
                "balance": "1000000",
            }
            for name, (agency, roles) in PEOPLE.items()
        ],
        "validators": [
            {
                "name": f"validator-{i}",
                "agency": agency,
                "key": validator_key(i).public_key.hex(),
                "tls_certificate": base64.b64encode(_certificate(i)).decode(),
            }
            for i, agency in enumerate(AGENCIES)
        ],
    }
    return parse_genesis(json.dumps(content, indent=2).encode())


def _certificate(number: int) -> bytes:
    secret = derive_devnet_key("tests", f"tls/{number}").exchange_secret()
    key = Ed25519PrivateKey.from_private_bytes(secret)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"validator-{number}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(number + 1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(9999, 12, 31, tzinfo=UTC))
        .sign(key, None)
    )
    return certificate.public_bytes(Encoding.DER)


def make_envelope(
    genesis_hash: bytes,
    call: tuple[str, str, tuple[Encodable, ...]],
    sender: str = "alice",
    expires_at_ms: int = START_MS + 60_000,
    nonce: int = 0,
) -> bytes:
    """A signed envelope of (contract, call, arguments)."""
    key = account_key(sender)
    unsigned = Unsigned(
        key.suite, expires_at_ms, nonce.to_bytes(16, "big"), key.address, encode_body(*call)
    )
    return unsigned.sealed(key.sign(signed_message(unsigned.id(genesis_hash))))


def certify(genesis_hash: bytes, header: bytes, seats: tuple[int, ...] = (0, 1, 2, 3)) -> bytes:
    """The commit certificate of a header by the validators in these seats, in view 0."""
    decoded, digest = Header.decode(header), compute_header_hash(header)
    place = (decoded.epoch, decoded.height, 0)
    signatures = []
    for seat in seats:
        key = validator_key(seat)
        message = vote_bytes(TAG_COMMIT, genesis_hash, place, key.public_key, digest)
        signatures.append((seat, key.sign(message)))
    certificate = CommitCertificate(decoded.epoch, decoded.height, 0, digest, tuple(signatures))
    return certificate.encode()


@dataclass(frozen=True)
class CertifiedBlock:
    """A header, its certificate and what the block orders."""

    header: bytes
    certificate: bytes
    envelopes: tuple[bytes, ...]
    senders: tuple[str, ...]
    receipts: tuple[bytes, ...]
    lineage: tuple[bytes, ...] = ()

    def receipt_file(self, index: int) -> ReceiptFile:
        """The proof of one of its transactions."""
        genesis_hash = Header.decode(self.header).genesis_hash
        leaves = [
            decode_transaction(e, genesis_hash).leaf(account_key(s).public_key)
            for e, s in zip(self.envelopes, self.senders, strict=True)
        ]
        return ReceiptFile(
            envelope=self.envelopes[index],
            suite=1,
            key=account_key(self.senders[index]).public_key,
            receipt=self.receipts[index],
            index=index,
            transaction_path=tuple(inclusion_path(leaves, index)),
            receipt_path=tuple(inclusion_path(self.receipts, index)),
            header=self.header,
            certificate=self.certificate,
            lineage=self.lineage,
        )


def make_block(
    genesis: GenesisFile,
    calls: list[tuple[str, tuple[str, str, tuple[Encodable, ...]]]],
    refused: frozenset[int] = frozenset(),
    place: tuple[int, int] = (0, 1),
    validators: tuple[ValidatorSet, ValidatorSet] | None = None,
) -> CertifiedBlock:
    """A block of (sender, call) pairs at `place` = (epoch, height); `refused` are indices."""
    envelopes = [
        make_envelope(genesis.hash, call, sender, nonce=i) for i, (sender, call) in enumerate(calls)
    ]
    transactions = [decode_transaction(e, genesis.hash) for e in envelopes]
    receipts = [
        Receipt(t.id, Outcome.REFUSED, "insufficient-balance", (1, 2))
        if i in refused
        else Receipt(t.id, Outcome.APPLIED)
        for i, t in enumerate(transactions)
    ]
    leaves = [
        t.leaf(account_key(s).public_key) for t, (s, _) in zip(transactions, calls, strict=True)
    ]
    first = genesis.genesis.validator_set()
    own, following = validators or (first, first)
    header = Header(
        version=1,
        genesis_hash=genesis.hash,
        epoch=place[0],
        height=place[1],
        parent=genesis.hash,
        time_ms=START_MS,
        proposer=own.members[0].address,
        validators_hash=own.hash(),
        next_validators_hash=following.hash(),
        transactions_root=root(leaves),
        receipts_root=root([r.encode() for r in receipts]),
        state_root=bytes(32),
        transaction_count=len(calls),
    ).encode()
    return CertifiedBlock(
        header,
        certify(genesis.hash, header),
        tuple(envelopes),
        tuple(sender for sender, _ in calls),
        tuple(r.encode() for r in receipts),
    )
