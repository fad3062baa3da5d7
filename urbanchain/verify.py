"""The offline verifier: genesis.json, a receipt file and a document in, a verdict out.

No node, no network, no trust in whoever issued the receipt. Trust starts at the bytes of
genesis.json and moves along links, each of which is checked on its own and has a name:

    genesis -> (lineage ->) validators -> certificate -> header -> receipt path -> receipt
                                                             └-> transaction path -> envelope
    envelope -> signature of the sender, and -> the document's SHA-256

The order of the checks is chosen so that the link named is the one that broke: signatures come
before what they sign is compared, for instance, so that a changed header is not called a bad
certificate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from consensus.certificates import CommitCertificate
from consensus.errors import ConsensusError
from storage.merkle import verify_inclusion
from urbanchain.encoding import Value
from urbanchain.errors import ConfigurationError, Malformed, UrbanchainError
from urbanchain.genesis import GenesisFile, parse_genesis
from urbanchain.membership import make_replica_set
from urbanchain.receipts import ReceiptFile, Summary, parse
from urbanchain.signatures import SignatureItem, verify_batch
from urbanchain.transactions import Transaction, decode_transaction
from urbanchain.types import (
    Header,
    LineageKind,
    LineageLink,
    Outcome,
    Receipt,
    ValidatorSet,
    compute_genesis_hash,
    compute_header_hash,
)

RECORDS_CONTRACT, RECORDS_CALL, RECORDS_DIGEST_AT = "records", "anchor", 2
"""Where a recorded digest is: argument 2 of records.anchor(registry, key, sha256, metadata)."""


class Link(Enum):
    """The links of the chain of trust; the value is how messages name them."""

    GENESIS = "genesis"
    RECEIPT_FILE = "receipt file"
    ENVELOPE = "envelope"
    SIGNATURE = "signature"
    TRANSACTION_PATH = "transaction path"
    RECEIPT_PATH = "receipt path"
    HEADER = "header"
    CERTIFICATE = "certificate"
    LINEAGE = "lineage"
    DOCUMENT = "document"


@dataclass
class VerificationFailed(UrbanchainError):
    """A link of the chain of trust does not hold: nothing the receipt says is proven."""

    link: Link
    reason: str

    def __str__(self) -> str:
        return f"{self.link.value}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a receipt proves."""

    chain: str
    """The chain's name in genesis.json."""
    genesis_hash: bytes
    id: bytes
    height: int
    index: int
    block_hash: bytes
    time_ms: int
    """Block time, ms since the epoch."""
    outcome: Outcome
    code: str
    """The refusal's code; empty when applied."""
    facts: tuple[Value, ...]
    sender: bytes
    """The 20-byte address of the account that signed."""
    contract: str
    call: str
    arguments: tuple[Value, ...]
    signers: tuple[str, ...]
    """The names of the validators whose COMMITs the certificate shows, in seat order."""
    seat_count: int
    document_sha256: bytes | None
    """The document's SHA-256 if one was given, and then it is the recorded one; else None."""

    @property
    def signed_by(self) -> str:
        """`4 of 4`."""
        return f"{len(self.signers)} of {self.seat_count}"


def verify_receipt(
    receipt_file: bytes, genesis_file: bytes, document: bytes | None = None
) -> Verdict:
    """Check every link from genesis.json to the document, if one is given.

    Raises VerificationFailed, which names the first link that does not hold.
    """
    summary, file = _parse(receipt_file)
    header = _read_header(summary, file, compute_genesis_hash(genesis_file))
    genesis = _read_genesis(genesis_file)
    validators, first_height = _walk_lineage(file.lineage, genesis)
    certificate = _check_certificate(file, header, genesis, (validators, first_height))
    if certificate.digest != compute_header_hash(file.header):
        raise VerificationFailed(Link.HEADER, "is not the one the validators signed")
    if header.validators_hash != validators.hash() or header.height != certificate.height:
        raise VerificationFailed(Link.HEADER, "names other validators or another height")
    receipt = _check_receipt(file, header)
    transaction = _check_transaction(file, header, receipt)
    _check_summary(summary, header, receipt)
    digest = None if document is None else _check_document(document, transaction, receipt)
    return Verdict(
        chain=genesis.genesis.chain,
        genesis_hash=genesis.hash,
        id=transaction.id,
        height=header.height,
        index=file.index,
        block_hash=certificate.digest,
        time_ms=header.time_ms,
        outcome=receipt.outcome,
        code=receipt.code,
        facts=receipt.facts,
        sender=transaction.sender,
        contract=transaction.contract,
        call=transaction.call,
        arguments=transaction.arguments,
        signers=tuple(validators.members[seat].name for seat, _ in certificate.signatures),
        seat_count=len(validators.members),
        document_sha256=digest,
    )


def _parse(receipt_file: bytes) -> tuple[Summary, ReceiptFile]:
    try:
        return parse(receipt_file)
    except Malformed as error:
        raise VerificationFailed(Link.RECEIPT_FILE, str(error)) from error


def _read_header(summary: Summary, file: ReceiptFile, genesis_hash: bytes) -> Header:
    """The header, of this chain. Its other content is believed once the certificate is checked."""
    try:
        header = Header.decode(file.header)
    except Malformed as error:
        raise VerificationFailed(Link.HEADER, str(error)) from error
    if header.genesis_hash == genesis_hash:
        return header
    if summary.genesis_hash == genesis_hash:
        raise VerificationFailed(Link.HEADER, "names another genesis than its receipt file")
    raise VerificationFailed(
        Link.GENESIS,
        f"the receipt is of the chain {summary.genesis_hash.hex()}; the hash of this genesis file "
        f"is {genesis_hash.hex()}: it is another chain's, or was changed",
    )


def _read_genesis(genesis_file: bytes) -> GenesisFile:
    try:
        return parse_genesis(genesis_file, "genesis.json")
    except ConfigurationError as error:
        raise VerificationFailed(Link.GENESIS, f"is not a genesis file: {error}") from error


def _walk_lineage(links: Sequence[bytes], genesis: GenesisFile) -> tuple[ValidatorSet, int]:
    """The validators of epoch len(links) and the first height they decide."""
    validators, first_height = genesis.genesis.validator_set(), 1
    for number, encoded in enumerate(links):
        try:
            link = LineageLink.decode(encoded)
            header = Header.decode(link.header)
            successors = ValidatorSet.decode(link.validators)
        except Malformed as error:
            raise VerificationFailed(Link.LINEAGE, f"link {number}: {error}") from error
        _check_lineage_link(number, link, header)
        place = (validators, number, first_height)
        certificate = _check_signatures(Link.LINEAGE, link.certificate, genesis, place)
        if (certificate.digest, certificate.height) != (header.hash(), header.height):
            raise VerificationFailed(Link.LINEAGE, f"link {number}: its header is not certified")
        if (header.genesis_hash, header.epoch) != (genesis.hash, number):
            raise VerificationFailed(Link.LINEAGE, f"link {number} is of another chain or epoch")
        if header.next_validators_hash != successors.hash():
            raise VerificationFailed(Link.LINEAGE, f"link {number} shows other validators")
        validators, first_height = successors, header.height + 1
    return validators, first_height


def _check_lineage_link(number: int, link: LineageLink, header: Header) -> None:
    if link.kind is LineageKind.RECOVERY:
        raise VerificationFailed(
            Link.LINEAGE, f"link {number} is a recovery, which this release cannot verify"
        )
    if header.validators_hash == header.next_validators_hash:
        raise VerificationFailed(Link.LINEAGE, f"link {number} changes no validators")


def _check_certificate(
    file: ReceiptFile, header: Header, genesis: GenesisFile, members: tuple[ValidatorSet, int]
) -> CommitCertificate:
    """The block's certificate, by the validators that the lineage leads to."""
    validators, first_height = members
    try:
        certificate = CommitCertificate.decode(file.certificate)
    except ConsensusError as error:
        raise VerificationFailed(Link.CERTIFICATE, str(error)) from error
    epoch = len(file.lineage)
    if certificate.epoch == header.epoch != epoch:
        raise VerificationFailed(
            Link.LINEAGE, f"has {epoch} links; epoch {header.epoch} is that many from genesis"
        )
    place = (validators, epoch, first_height)
    return _check_signatures(Link.CERTIFICATE, file.certificate, genesis, place)


def _check_signatures(
    name: Link, encoded: bytes, genesis: GenesisFile, place: tuple[ValidatorSet, int, int]
) -> CommitCertificate:
    """The certificate, signed by a quorum of (validators, epoch, first height)."""
    validators, epoch, first_height = place
    suite_of = {member.key: member.suite for member in validators.members}
    try:
        replica_set = make_replica_set(genesis, validators, epoch, first_height)
        certificate = CommitCertificate.decode(encoded)
        items = certificate.items(replica_set)
    except (ConsensusError, ValueError) as error:
        raise VerificationFailed(name, str(error)) from error
    verdicts = verify_batch([SignatureItem(suite_of[k], k, m, s) for k, m, s in items])
    for (seat, _), is_valid in zip(certificate.signatures, verdicts, strict=True):
        if not is_valid:
            signer = validators.members[seat].name
            raise VerificationFailed(name, f"the signature of {signer} does not verify")
    return certificate


def _check_receipt(file: ReceiptFile, header: Header) -> Receipt:
    size, root = header.transaction_count, header.receipts_root
    if not verify_inclusion(file.receipt, file.index, size, file.receipt_path, root):
        raise VerificationFailed(
            Link.RECEIPT_PATH, "does not lead from the receipt to the header's receipts root"
        )
    try:
        return Receipt.decode(file.receipt)
    except Malformed as error:
        raise VerificationFailed(Link.RECEIPT_PATH, str(error)) from error


def _check_transaction(file: ReceiptFile, header: Header, receipt: Receipt) -> Transaction:
    try:
        transaction = decode_transaction(file.envelope, header.genesis_hash)
    except Malformed as error:
        raise VerificationFailed(Link.ENVELOPE, str(error)) from error
    if transaction.id != receipt.id:
        raise VerificationFailed(Link.ENVELOPE, "is not the transaction that the receipt is for")
    message = transaction.signed_message
    item = SignatureItem(file.suite, file.key, message, transaction.signature)
    if file.suite != transaction.suite or not verify_batch([item])[0]:
        raise VerificationFailed(Link.SIGNATURE, "the sender's signature does not verify")
    size, root = header.transaction_count, header.transactions_root
    leaf = transaction.leaf(file.key)
    if not verify_inclusion(leaf, file.index, size, file.transaction_path, root):
        raise VerificationFailed(
            Link.TRANSACTION_PATH,
            "does not lead from the transaction to the header's transactions root",
        )
    return transaction


def _check_summary(summary: Summary, header: Header, receipt: Receipt) -> None:
    proven = Summary(header.genesis_hash, receipt.id, header.height, receipt.outcome, receipt.code)
    for name in Summary.__slots__:
        if getattr(summary, name) != getattr(proven, name):
            raise VerificationFailed(
                Link.RECEIPT_FILE, f"its field {name} does not say what the proof says"
            )


def _check_document(document: bytes, transaction: Transaction, receipt: Receipt) -> bytes:
    if (transaction.contract, transaction.call) != (RECORDS_CONTRACT, RECORDS_CALL):
        raise VerificationFailed(
            Link.DOCUMENT,
            f"the transaction records none; it calls {transaction.contract}.{transaction.call}",
        )
    if receipt.outcome is not Outcome.APPLIED:
        raise VerificationFailed(Link.DOCUMENT, f"the chain refused to record it: {receipt.code}")
    digest = sha256(document).digest()
    recorded = transaction.arguments[RECORDS_DIGEST_AT : RECORDS_DIGEST_AT + 1]
    if recorded != (digest,):
        raise VerificationFailed(
            Link.DOCUMENT, f"its SHA-256 is {digest.hex()}, which is not the one recorded"
        )
    return digest
