"""The receipt file: one transaction with all that proves its fate offline, as one JSON text.

The rule it lives by: a file has exactly one rendering, and only that one is read. So any changed
byte is found: a change of form here, a change of content by `urbanchain.verify`. Byte strings are
lower-case hex. The few fields meant for people (`genesis`, `id`, `height`, `outcome`, `code`)
repeat what the proof says, and are compared with it.
"""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from urbanchain.errors import Malformed
from urbanchain.transactions import decode_transaction
from urbanchain.types import Header, Outcome, Receipt

FORMAT = "urbanchain-receipt/1"
FILE_BYTES_MAX = 8 * 1024 * 1024
"""Beyond this nothing is parsed; a receipt is a few kilobytes and a long lineage some hundred."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a receipt file says to people; every field is repeated in the proof."""

    genesis_hash: bytes
    id: bytes
    height: int
    outcome: Outcome
    code: str
    """The refusal's code; empty when applied."""


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """The proof: everything between a transaction and the genesis file, as bytes of the chain."""

    envelope: bytes
    suite: int
    key: bytes
    """The key that signed the envelope, as it was registered when the block was made."""
    receipt: bytes
    """The encoded receipt: a leaf of the receipts tree."""
    index: int
    """The transaction's place in the block, from 0; the same in both trees."""
    transaction_path: tuple[bytes, ...]
    """From the transaction's leaf to the transactions root, nearest first (RFC 6962 §2.1.1)."""
    receipt_path: tuple[bytes, ...]
    header: bytes
    certificate: bytes
    lineage: tuple[bytes, ...]
    """One encoded link for each epoch since genesis; none while the validators never changed."""

    def summary(self) -> Summary:
        """What the proof says, for people. Raises Malformed if its parts do not decode."""
        header = Header.decode(self.header)
        receipt = Receipt.decode(self.receipt)
        transaction = decode_transaction(self.envelope, header.genesis_hash)
        return Summary(
            genesis_hash=header.genesis_hash,
            id=transaction.id,
            height=header.height,
            outcome=receipt.outcome,
            code=receipt.code,
        )

    def encode(self) -> bytes:
        """The file's one rendering. Raises Malformed if the parts do not decode."""
        return render(self.summary(), self)

    @staticmethod
    def decode(data: bytes) -> "ReceiptFile":
        """Read a file whose form is canonical and whose summary agrees with its parts.

        Raises Malformed. Proves nothing: that is `urbanchain.verify`.
        """
        stated, file = parse(data)
        if stated != file.summary():
            raise Malformed("receipt file", "its summary does not say what its proof says")
        return file


def render(summary: Summary, file: ReceiptFile) -> bytes:
    """The one rendering: ASCII JSON, two spaces of indent, fields in this order, a line end."""
    fields = {
        "format": FORMAT,
        "genesis": summary.genesis_hash.hex(),
        "id": summary.id.hex(),
        "height": summary.height,
        "outcome": summary.outcome.name.lower(),
        "code": summary.code,
        "index": file.index,
        "envelope": file.envelope.hex(),
        "suite": file.suite,
        "key": file.key.hex(),
        "receipt": file.receipt.hex(),
        "transaction_path": [step.hex() for step in file.transaction_path],
        "receipt_path": [step.hex() for step in file.receipt_path],
        "header": file.header.hex(),
        "certificate": file.certificate.hex(),
        "lineage": [link.hex() for link in file.lineage],
    }
    return (json.dumps(fields, indent=2) + "\n").encode("ascii")


def parse(data: bytes) -> tuple[Summary, ReceiptFile]:
    """What the file states, and its proof, neither compared with the other.

    Raises Malformed for anything but the one rendering of some summary and proof.
    """
    fields = _Fields(_load(data))
    if fields.text("format") != FORMAT:
        raise Malformed("receipt file", f"its format is not {FORMAT}")
    outcome = fields.text("outcome")
    if outcome not in _OUTCOMES:
        raise Malformed("receipt file.outcome", "is neither applied nor refused")
    summary = Summary(
        genesis_hash=fields.octets("genesis"),
        id=fields.octets("id"),
        height=fields.number("height"),
        outcome=_OUTCOMES[outcome],
        code=fields.text("code"),
    )
    file = ReceiptFile(
        envelope=fields.octets("envelope"),
        suite=fields.number("suite"),
        key=fields.octets("key"),
        receipt=fields.octets("receipt"),
        index=fields.number("index"),
        transaction_path=fields.octet_strings("transaction_path"),
        receipt_path=fields.octet_strings("receipt_path"),
        header=fields.octets("header"),
        certificate=fields.octets("certificate"),
        lineage=fields.octet_strings("lineage"),
    )
    if render(summary, file) != data:
        raise Malformed("receipt file", "is not the canonical rendering of its content")
    return summary, file


_OUTCOMES = {outcome.name.lower(): outcome for outcome in Outcome}


def _load(data: bytes) -> dict[str, Any]:
    if len(data) > FILE_BYTES_MAX:
        raise Malformed("receipt file", f"{len(data)} bytes; at most {FILE_BYTES_MAX}")
    try:
        value = json.loads(data.decode("ascii"), parse_constant=_refuse, parse_float=_refuse)
    except (ValueError, RecursionError) as error:
        raise Malformed("receipt file", "is not JSON in ASCII") from error
    if not isinstance(value, dict):
        raise Malformed("receipt file", "is not a JSON object")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} has no place in a receipt")


@dataclass(frozen=True, slots=True)
class _Fields:
    """Typed reading of a JSON object; extra fields are found by the rendering, which lacks them."""

    values: dict[str, Any]

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str):
            raise Malformed(f"receipt file.{name}", "must be a string")
        return value

    def number(self, name: str) -> int:
        value = self.values.get(name)
        if type(value) is not int or not 0 <= value < 1 << 63:
            raise Malformed(f"receipt file.{name}", "must be an integer from 0 to 2^63-1")
        return value

    def octets(self, name: str) -> bytes:
        return _from_hex(name, self.values.get(name))

    def octet_strings(self, name: str) -> tuple[bytes, ...]:
        value = self.values.get(name)
        if not isinstance(value, list):
            raise Malformed(f"receipt file.{name}", "must be a list")
        return tuple(_from_hex(name, item) for item in value)


def _from_hex(name: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise Malformed(f"receipt file.{name}", "must be lower-case hex")
    try:
        return bytes.fromhex(value)
    except ValueError as error:
        raise Malformed(f"receipt file.{name}", "must be lower-case hex") from error
