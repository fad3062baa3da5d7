"""Handlers that read the committed chain, from one consistent view each."""

import re
from hashlib import sha256

from urbanchain.addresses import AddressInvalid, parse_address
from urbanchain.api import schemas
from urbanchain.api.calls import (
    NO_CACHE,
    NO_STORE,
    Answer,
    Call,
    answer,
    answer_json,
    immutable,
    not_found,
    parse_hash,
)
from urbanchain.api.documents import (
    describe_account,
    describe_agencies,
    describe_block,
    describe_certificate,
    describe_contracts,
    describe_fate,
    describe_header,
    describe_params,
    describe_record,
    describe_transaction,
    describe_validators,
)
from urbanchain.api.problems import invalid
from urbanchain.ledger.reader import BlockView, Reader
from urbanchain.transactions import decode_transaction
from urbanchain.types import INT63_MAX


async def get_fate(call: Call) -> Answer:
    """GET /v1/transactions/{id}"""
    transaction_id = parse_hash(call.path["id"], "id")
    wait_s: float = call.query["wait"]
    if wait_s > 0:
        fate = await call.backend.wait(transaction_id, min(wait_s, call.limits.wait_max_s))
    else:
        fate = call.backend.fate(transaction_id)
    return answer(describe_fate(fate), NO_STORE)


async def get_receipt(call: Call) -> Answer:
    """GET /v1/transactions/{id}/receipt"""
    transaction_id = parse_hash(call.path["id"], "id")
    with call.backend.reader() as reader:
        file = reader.receipt_file(transaction_id)
    if file is None:
        raise not_found(f"final transaction {transaction_id.hex()}")
    body = file.encode()
    name = f"{transaction_id.hex()}.receipt.json"
    # Not immutable: a certificate may still gain the signature of a late validator.
    headers = {
        "ETag": f'"{sha256(body).hexdigest()[:32]}"',
        **NO_CACHE,
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Answer(body, headers=headers)


async def list_blocks(call: Call) -> Answer:
    """GET /v1/blocks"""
    with call.backend.reader() as reader:
        before = call.query["before"]
        top = reader.height if before is None else min(before - 1, reader.height)
        bottom = max(1, top - call.query["limit"] + 1)
        blocks = [_block_at(reader, height) for height in range(top, bottom - 1, -1)]
    document = schemas.BlocksDocument(
        blocks=[describe_header(block) for block in blocks],
        next_before=bottom if blocks and bottom > 1 else None,
    )
    return answer(document, NO_STORE)


async def get_block(call: Call) -> Answer:
    """GET /v1/blocks/{which}"""
    with call.backend.reader() as reader:
        block = _find_block(call, reader)
        ids = _ids(call, reader, block)
    return _of_block(call, describe_block(block, ids), block)


async def get_block_transactions(call: Call) -> Answer:
    """GET /v1/blocks/{which}/transactions"""
    with call.backend.reader() as reader:
        block = _find_block(call, reader)
        views = reader.transactions(block.header.height) or []
    document = schemas.BlockTransactionsDocument(
        height=block.header.height, transactions=[describe_transaction(view) for view in views]
    )
    return _of_block(call, document, block)


async def get_block_certificate(call: Call) -> Answer:
    """GET /v1/blocks/{which}/certificate"""
    with call.backend.reader() as reader:
        block = _find_block(call, reader)
        validators = reader.validators(block.header.height)
    return answer(describe_certificate(block, validators), NO_CACHE)


def _of_block(
    call: Call,
    document: schemas.BlockDocument | schemas.BlockTransactionsDocument,
    block: BlockView,
) -> Answer:
    if call.path["which"] == "latest":
        return answer(document, NO_STORE)
    return immutable(document, block.hash.hex())


def _find_block(call: Call, reader: Reader) -> BlockView:
    which = call.path["which"]
    if which == "latest":
        height: int | None = reader.height
        if height == 0:
            raise not_found("block yet")
    elif re.fullmatch(r"[0-9]{1,19}", which) and int(which) <= INT63_MAX:
        height = int(which)
    elif re.fullmatch(r"[0-9a-f]{64}", which):
        height = reader.height_of(bytes.fromhex(which))
    else:
        raise invalid("block", "must be a height, a hash of 64 lower-case hex digits, or latest")
    block = None if height is None else reader.block(height)
    if block is None:
        raise not_found(f"block {which}")
    return block


def _block_at(reader: Reader, height: int) -> BlockView:
    block = reader.block(height)
    if block is None:
        raise not_found(f"block {height}")
    return block


def _ids(call: Call, reader: Reader, block: BlockView) -> list[bytes]:
    genesis_hash = call.backend.genesis.hash
    envelopes = reader.envelopes(block.header.height) or ()
    return [decode_transaction(envelope, genesis_hash).id for envelope in envelopes]


async def get_account(call: Call) -> Answer:
    """GET /v1/accounts/{address}"""
    address = _parse_address(call.path["address"])
    with call.backend.reader() as reader:
        account = reader.account(address)
    if account is None:
        raise not_found(f"account {call.path['address']}")
    return answer(describe_account(account), NO_STORE)


async def get_account_transactions(call: Call) -> Answer:
    """GET /v1/accounts/{address}/transactions"""
    address = _parse_address(call.path["address"])
    limit = call.query["limit"]
    with call.backend.reader() as reader:
        if reader.account(address) is None:
            raise not_found(f"account {call.path['address']}")
        views = reader.account_transactions(address, call.query["before"], limit)
    last = views[-1] if len(views) == limit else None
    document = schemas.AccountTransactionsDocument(
        address=call.path["address"],
        transactions=[describe_transaction(view) for view in views],
        next_before=None if last is None else f"{last.height}:{last.index}",
    )
    return answer(document, NO_STORE)


def _parse_address(text: str) -> bytes:
    try:
        return parse_address(text)
    except AddressInvalid as error:
        raise invalid("address", str(error)) from error


async def get_record(call: Call) -> Answer:
    """GET /v1/records/{registry}/{key}"""
    registry, key = call.path["registry"], call.path["key"]
    if not registry.isascii():
        raise invalid("registry", "a registry's name is ASCII")
    with call.backend.reader() as reader:
        versions = reader.record_versions(registry, key)
    if not versions:
        raise not_found(f"record {registry}/{key}")
    return answer(describe_record(registry, key, versions), NO_STORE)


async def get_agencies(call: Call) -> Answer:
    """GET /v1/agencies"""
    with call.backend.reader() as reader:
        agencies = reader.agencies()
    return answer(describe_agencies(agencies), NO_STORE)


async def get_validators(call: Call) -> Answer:
    """GET /v1/validators"""
    with call.backend.reader() as reader:
        validators = reader.validators()
    epoch = call.backend.status().epoch
    document = describe_validators(call.backend.genesis, validators, epoch)
    return answer(document, NO_STORE)


async def get_genesis(call: Call) -> Answer:
    """GET /v1/genesis"""
    genesis = call.backend.genesis
    headers = {"ETag": f'"{genesis.hash.hex()}"', **NO_CACHE}
    return Answer(genesis.raw, headers=headers)


async def get_params(call: Call) -> Answer:
    """GET /v1/params"""
    return answer(describe_params(call.backend.genesis), NO_CACHE)


async def get_contracts(call: Call) -> Answer:
    """GET /v1/contracts"""
    return answer_json(describe_contracts())
