"""Domain-tagged SHA-256: nothing hashed for one purpose means anything for another.

`H(tag, *parts)` is SHA-256 over a length byte, the ASCII tag, then the parts back to back. Every
part but the last has a fixed length at each place of use, so the concatenation is unambiguous. The
table of tags is docs/wire-format.md; a test holds it against this module.
"""

from enum import Enum
from hashlib import sha256

HASH_BYTES = 32


class Tag(Enum):
    """Every purpose a hash is made for; the value is the text after `urbanchain/`."""

    GENESIS = "genesis"
    TRANSACTION = "transaction"
    BODY = "body"
    ATTACHMENT = "attachment"
    SIGNATURE = "signature"
    WITNESS = "witness"
    ADDRESS = "address"
    HEADER = "header"
    VALIDATORS = "validators"

    @property
    def prefix(self) -> bytes:
        """The bytes that open the hash: the tag's length, then the tag."""
        return _PREFIX[self]


_PREFIX = {
    tag: bytes([len(text)]) + text
    for tag in Tag
    for text in [b"urbanchain/" + tag.value.encode("ascii")]
}


def compute_hash(tag: Tag, *parts: bytes) -> bytes:
    """H(tag, *parts): 32 bytes."""
    return sha256(_PREFIX[tag] + b"".join(parts)).digest()
