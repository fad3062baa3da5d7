"""From what the chain has to what the API says: each view of the reader as its document."""

from typing import Any

from consensus.certificates import CommitCertificate
from consensus.types import ReplicaSet
from urbanchain.addresses import format_address
from urbanchain.api import schemas
from urbanchain.api.backend import ConsensusStatus, Fate, MempoolStatus, NodeStatus, PeerStatus
from urbanchain.api.schemas import format_time, format_value
from urbanchain.contracts import find_call, find_refusal
from urbanchain.contracts.declaration import ArgumentKind
from urbanchain.encoding import Value
from urbanchain.genesis import GenesisFile
from urbanchain.ledger.reader import (
    AccountView,
    AgencyView,
    BlockView,
    RecordVersion,
    TransactionView,
)
from urbanchain.transactions import Transaction
from urbanchain.types import Event, Outcome, ValidatorSet


def describe_fate(fate: Fate, receipt: dict[str, Any] | None = None) -> schemas.FateDocument:
    """A transaction's fate; `receipt` is the receipt file's content, if it was asked for."""
    is_final = fate.height is not None
    id_ = fate.id.hex()
    return schemas.FateDocument(
        id=id_,
        fate=fate.state.value,
        outcome=_word(fate.outcome) if fate.outcome is not None else None,
        code=fate.code or None,
        reason=fate.reason or None,
        height=fate.height,
        index=fate.index,
        block_hash=fate.block_hash.hex() if fate.block_hash is not None else None,
        finality_ms=fate.finality_ms,
        expires_at=None if fate.expires_at_ms is None else format_time(fate.expires_at_ms),
        receipt_url=f"/v1/transactions/{id_}/receipt" if is_final else None,
        receipt=receipt,
    )


def describe_header(block: BlockView) -> schemas.BlockHeaderDocument:
    """A block in a listing."""
    return schemas.BlockHeaderDocument(**_header_fields(block))


def describe_block(block: BlockView, ids: list[bytes]) -> schemas.BlockDocument:
    """A block with the ids it orders."""
    return schemas.BlockDocument(**_header_fields(block), transactions=[i.hex() for i in ids])


def _header_fields(block: BlockView) -> dict[str, Any]:
    header = block.header
    return {
        "hash": block.hash.hex(),
        "version": header.version,
        "genesis_hash": header.genesis_hash.hex(),
        "epoch": header.epoch,
        "height": header.height,
        "parent": header.parent.hex(),
        "time": format_time(header.time_ms),
        "proposer": format_address(header.proposer),
        "validators_hash": header.validators_hash.hex(),
        "next_validators_hash": header.next_validators_hash.hex(),
        "transactions_root": header.transactions_root.hex(),
        "receipts_root": header.receipts_root.hex(),
        "state_root": header.state_root.hex(),
        "transaction_count": header.transaction_count,
    }


def describe_transaction(view: TransactionView) -> schemas.TransactionDocument:
    """A committed transaction, its arguments by name."""
    transaction, receipt = view.transaction, view.receipt
    return schemas.TransactionDocument(
        id=transaction.id.hex(),
        height=view.height,
        index=view.index,
        sender=format_address(transaction.sender),
        contract=transaction.contract,
        call=transaction.call,
        arguments=_describe_arguments(transaction),
        expires_at=format_time(transaction.expires_at_ms),
        outcome=_word(receipt.outcome),
        code=receipt.code or None,
        reason=explain_refusal(transaction, receipt.code, receipt.facts) or None,
        events=[_describe_event(transaction, event) for event in receipt.events],
    )


def explain_refusal(transaction: Transaction, code: str, facts: tuple[Value, ...]) -> str:
    """The sentence of a refusal; empty when nothing was refused."""
    refusal = find_refusal(transaction.contract, transaction.call, code) if code else None
    return refusal.explain(facts) if refusal is not None else code


def _describe_arguments(transaction: Transaction) -> dict[str, Any]:
    call = find_call(transaction.contract, transaction.call)
    if call is None or len(call.arguments) != len(transaction.arguments):
        return {str(i): format_value(value) for i, value in enumerate(transaction.arguments)}
    return {
        argument.name: value if argument.kind is ArgumentKind.SUITE else format_value(value)
        for argument, value in zip(call.arguments, transaction.arguments, strict=True)
    }


def _describe_event(transaction: Transaction, event: Event) -> dict[str, Any]:
    call = find_call(transaction.contract, transaction.call)
    declared = () if call is None else call.events
    names = next((e.fields for e in declared if e.name == event.name), ())
    padded = [*names, *(str(i) for i in range(len(names), len(event.fields)))]
    fields = {name: format_value(value) for name, value in zip(padded, event.fields, strict=False)}
    return {"contract": event.contract, "event": event.name, "fields": fields}


def describe_certificate(block: BlockView, validators: ValidatorSet) -> schemas.CertificateDocument:
    """Who signed a block. Raises consensus' MalformedMessage for a damaged certificate."""
    certificate = CommitCertificate.decode(block.certificate)
    return schemas.CertificateDocument(
        height=certificate.height,
        epoch=certificate.epoch,
        view=certificate.view,
        block_hash=certificate.digest.hex(),
        quorum=_replica_set(block.header.genesis_hash, validators).quorum,
        signatures=[
            schemas.SignatureDocument(
                seat=seat, validator=validators.members[seat].name, signature=signature.hex()
            )
            for seat, signature in certificate.signatures
        ],
        encoded=block.certificate.hex(),
    )


def _replica_set(genesis_hash: bytes, validators: ValidatorSet) -> ReplicaSet:
    """The arithmetic of a set; epoch and heights do not matter to it."""
    return ReplicaSet(genesis_hash, 0, 1, validators.keys(), 1)


def describe_account(account: AccountView) -> schemas.AccountDocument:
    """An account."""
    record = account.record
    return schemas.AccountDocument(
        address=format_address(account.address),
        agency=record.agency,
        label=record.label,
        roles=list(record.roles),
        open=record.is_open,
        suite=record.suite,
        key=record.key.hex(),
        balance=str(account.balance),
    )


def describe_record(
    registry: str, key: str, versions: list[RecordVersion]
) -> schemas.RecordDocument:
    """A record, oldest version first."""
    return schemas.RecordDocument(
        registry=registry,
        key=key,
        versions=[
            schemas.RecordVersionDocument(
                version=v.version,
                sha256=v.sha256.hex(),
                metadata=v.metadata,
                recorded_by=format_address(v.sender),
                agency=v.agency,
                height=v.height,
                time=format_time(v.time_ms),
            )
            for v in versions
        ],
    )


def describe_agencies(agencies: list[AgencyView]) -> schemas.AgenciesDocument:
    """All agencies."""
    return schemas.AgenciesDocument(
        agencies=[
            schemas.AgencyDocument(
                name=agency.name,
                title=agency.record.title,
                rate_per_s=agency.record.rate_per_s,
                burst=agency.record.burst,
            )
            for agency in agencies
        ]
    )


def describe_validators(
    genesis: GenesisFile, validators: ValidatorSet, epoch: int
) -> schemas.ValidatorsDocument:
    """An epoch's validators."""
    replica_set = _replica_set(genesis.hash, validators)
    return schemas.ValidatorsDocument(
        epoch=epoch,
        quorum=replica_set.quorum,
        tolerates=replica_set.f,
        validators=[
            schemas.ValidatorDocument(
                seat=seat,
                name=member.name,
                agency=member.agency,
                address=format_address(member.address),
                suite=member.suite,
                key=member.key.hex(),
            )
            for seat, member in enumerate(validators.members)
        ],
    )


def describe_params(genesis: GenesisFile) -> schemas.ParamsDocument:
    """The chain and its rules."""
    content = genesis.genesis
    return schemas.ParamsDocument(
        chain=content.chain,
        genesis=genesis.hash.hex(),
        devnet=content.devnet,
        parameters=content.parameters.model_dump(),
    )


def describe_contracts() -> dict[str, Any]:
    """The contracts as they declare themselves: what the SDK of another language is made from."""
    from urbanchain.contracts import CONTRACTS

    return {
        "contracts": [
            {
                "name": contract.name,
                "summary": contract.summary,
                "calls": [
                    {
                        "name": call.name,
                        "summary": call.summary,
                        "role": call.role or None,
                        "weight": call.weight,
                        "arguments": [
                            {"name": a.name, "kind": a.kind.value, "summary": a.summary}
                            for a in call.arguments
                        ],
                        "refusals": [
                            {"code": r.code, "sentence": r.sentence, "facts": list(r.facts)}
                            for r in call.refusals
                        ],
                        "events": [{"name": e.name, "fields": list(e.fields)} for e in call.events],
                    }
                    for call in contract.calls
                ],
            }
            for contract in CONTRACTS.values()
        ]
    }


def describe_status(genesis: GenesisFile, status: NodeStatus) -> schemas.StatusDocument:
    """A node at one moment."""
    return schemas.StatusDocument(
        chain=genesis.genesis.chain,
        genesis=genesis.hash.hex(),
        node=status.node,
        agency=status.agency,
        version=status.version,
        state=status.state.value,
        height=status.height,
        hash=status.hash.hex(),
        state_root=status.state_root.hex(),
        block_time=format_time(status.block_time_ms),
        epoch=status.epoch,
        view=status.view,
        primary=status.primary,
        pending=status.pending,
        peers=[_describe_peer(peer) for peer in status.peers],
        signature_backend=status.signature_backend,
        uptime_s=round(status.uptime_s, 3),
    )


def _describe_peer(peer: PeerStatus) -> schemas.PeerDocument:
    return schemas.PeerDocument(
        name=peer.name, agency=peer.agency, connected=peer.is_connected, height=peer.height
    )


def describe_mempool(status: MempoolStatus) -> schemas.MempoolDocument:
    """What waits for a block."""
    return schemas.MempoolDocument(
        transactions=status.transaction_count,
        bytes=status.byte_count,
        transactions_max=status.transactions_max,
        bytes_max=status.bytes_max,
        oldest_age_ms=status.oldest_age_ms,
        agencies=[
            schemas.AgencyQueueDocument(
                agency=q.agency, transactions=q.transaction_count, bytes=q.byte_count
            )
            for q in status.agencies
        ],
    )


def describe_consensus(status: ConsensusStatus) -> schemas.ConsensusDocument:
    """Where the replica stands."""
    return schemas.ConsensusDocument(
        epoch=status.epoch,
        height=status.height,
        view=status.view,
        view_active=status.is_view_active,
        primary=status.primary,
        quorum=status.quorum,
        validators=[_describe_peer(peer) for peer in status.validators],
    )


def _word(outcome: Outcome) -> str:
    return outcome.name.lower()
