"""Verifying what the demonstration recorded, with nothing but files: genesis.json, receipts and
documents. And showing that one changed byte is noticed wherever it is.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from urbanchain.devnet.documents import Document
from urbanchain.devnet.errors import DemoFailed
from urbanchain.verify import Link, VerificationFailed, verify_receipt

RECEIPT_PARTS = ("envelope", "header", "certificate", "receipt")


@dataclass(frozen=True, slots=True)
class Notarised:
    """A document and the file of its receipt."""

    document: Document
    receipt: Path


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of verifying."""

    verified: int
    changed: tuple[str, ...]
    """Keys of documents that are no longer, on disk, what was recorded; their receipts hold."""


@dataclass(frozen=True, slots=True)
class Tampering:
    """One byte changed, and what the verifier said."""

    what: str
    link: str
    """The broken link it named."""


def verify_all(
    items: Sequence[Notarised], genesis: bytes, on_verified: Callable[[], None] = lambda: None
) -> Audit:
    """Verify every receipt with its document. Raises VerificationFailed."""
    changed = []
    for item in items:
        receipt = item.receipt.read_bytes()
        try:
            content = item.document.path.read_bytes()
        except OSError:
            content = None
        if content is None or sha256(content).digest() != item.document.sha256:
            # Someone works in this directory: the file is another one by now.
            changed.append(item.document.key)
            content = None
        verify_receipt(receipt, genesis, content)
        on_verified()
    return Audit(len(items), tuple(changed))


def tamper(item: Notarised, genesis: bytes) -> list[Tampering]:
    """Flip one bit in a document, in each part of its receipt, and in genesis; each must be caught.

    Raises DemoFailed if one is not."""
    receipt = item.receipt.read_bytes()
    document = item.document.path.read_bytes()
    found = [_expect_caught("document", receipt, genesis, _flip(document))]
    if found[0].link != Link.DOCUMENT.value:
        raise DemoFailed(f"a changed document was called a broken {found[0].link}")
    for part in RECEIPT_PARTS:
        changed = _flip_part(receipt, part)
        found.append(_expect_caught(f"receipt: {part}", changed, genesis, document))
    found.append(_expect_caught("genesis.json", receipt, _flip(genesis), document))
    return found


def _expect_caught(what: str, receipt: bytes, genesis: bytes, document: bytes) -> Tampering:
    try:
        verify_receipt(receipt, genesis, document)
    except VerificationFailed as error:
        return Tampering(what, error.link.value)
    raise DemoFailed(f"one changed bit in the {what} was not noticed")


def _flip(data: bytes) -> bytes:
    """One bit in the middle changed; an empty file gets a byte."""
    if not data:
        return b"\0"
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def _flip_part(receipt: bytes, part: str) -> bytes:
    """A receipt that is well-formed, and differs in one bit of one part."""
    fields = json.loads(receipt)
    fields[part] = _flip(bytes.fromhex(fields[part])).hex()
    return (json.dumps(fields, indent=2) + "\n").encode("ascii")
