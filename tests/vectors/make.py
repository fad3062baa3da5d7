"""Prints the golden vectors of docs/wire-format.md from fixed inputs. The stored file is the
authority: a release that prints anything else has broken the format.
"""

import json
from typing import Any

from consensus.certificates import CommitCertificate, place_bytes
from consensus.codec import Kind, signed_bytes
from storage import merkle
from storage.trie import Trie
from urbanchain.addresses import format_address
from urbanchain.keys import PrivateKey
from urbanchain.transactions import Unsigned, decode_transaction, encode_body, signed_message
from urbanchain.types import (
    Block,
    Event,
    Header,
    LineageKind,
    LineageLink,
    Outcome,
    Receipt,
    Validator,
    ValidatorSet,
    compute_genesis_hash,
)

KEYS = [PrivateKey.from_secret(bytes([number]) * 32) for number in range(1, 5)]
GENESIS_HASH = compute_genesis_hash(b"golden genesis file\n")


def make_vectors() -> dict[str, Any]:
    """Every format, as hex."""
    key, other = KEYS[0], KEYS[1]
    body = encode_body("tokens", "transfer", (other.address, 5))
    unsigned = Unsigned(1, 1_800_000_000_000, bytes(range(16)), key.address, body)
    envelope = unsigned.sealed(key.sign(signed_message(unsigned.id(GENESIS_HASH))))
    transaction = decode_transaction(envelope, GENESIS_HASH)
    event = Event("tokens", "transfer", (key.address, other.address, 5))
    receipt = Receipt(transaction.id, Outcome.APPLIED, events=(event,)).encode()
    validators = ValidatorSet(
        tuple(Validator(f"v{i}", f"agency-{i}", 1, k.public_key) for i, k in enumerate(KEYS))
    )
    leaf = transaction.leaf(key.public_key)
    header = Header(
        version=1,
        genesis_hash=GENESIS_HASH,
        epoch=0,
        height=1,
        parent=GENESIS_HASH,
        time_ms=1_799_999_999_000,
        proposer=validators.members[0].address,
        validators_hash=validators.hash(),
        next_validators_hash=validators.hash(),
        transactions_root=merkle.root([leaf]),
        receipts_root=merkle.root([receipt]),
        state_root=Trie().update([(b"a", b"1"), (b"ab", b"2"), (b"b", b"3")]).root,
        transaction_count=1,
    )
    place = (0, 1, 0)
    vote = signed_bytes(
        Kind.COMMIT, place_bytes(GENESIS_HASH, place, key.public_key) + header.hash()
    )
    certificate = CommitCertificate(0, 1, 0, header.hash(), tuple((i, b"s") for i in range(3)))
    link = LineageLink(
        LineageKind.SET_CHANGE, header.encode(), certificate.encode(), validators.encode()
    )
    values = {
        "genesis_file": b"golden genesis file\n",
        "genesis_hash": GENESIS_HASH,
        "secret_key": bytes([1]) * 32,
        "public_key": key.public_key,
        "address": key.address,
        "body": body,
        "transaction_id": transaction.id,
        "signed_message": transaction.signed_message,
        "envelope": envelope,
        "transaction_leaf": leaf,
        "receipt": receipt,
        "validators": validators.encode(),
        "validators_hash": validators.hash(),
        "header": header.encode(),
        "header_hash": header.hash(),
        "payload": Block(header, (envelope,)).encode(),
        "commit_signed_bytes": vote,
        "commit_certificate": certificate.encode(),
        "lineage_link": link.encode(),
        "state_root_of_a1_ab2_b3": header.state_root,
        "state_proof_of_ab": Trie()
        .update([(b"a", b"1"), (b"ab", b"2"), (b"b", b"3")])
        .prove(b"ab")
        .encode(),
        "list_root_of_a_b_c": merkle.root([b"a", b"b", b"c"]),
    }
    return {name: value.hex() for name, value in values.items()} | {
        "address_text": format_address(key.address)
    }


if __name__ == "__main__":
    print(json.dumps(make_vectors(), indent=2))
