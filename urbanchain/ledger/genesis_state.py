"""The state that genesis.json describes: what lies under the first block."""

from storage.kv import WriteBatch
from storage.state import add_changes
from urbanchain.contracts import tokens
from urbanchain.contracts.accounts import (
    ACCOUNT,
    AGENCY,
    AccountRecord,
    AgencyRecord,
    member_key,
)
from urbanchain.encoding import encode
from urbanchain.genesis import Genesis
from urbanchain.types import compute_address


def genesis_changes(genesis: Genesis) -> list[tuple[bytes, bytes | None]]:
    """The rows of the state at height 0, in key order."""
    rows: dict[bytes, bytes | None] = {}
    for agency in genesis.agencies:
        terms = AgencyRecord(agency.title, agency.bucket.rate_per_s, agency.bucket.burst)
        rows[AGENCY + agency.name.encode("ascii")] = terms.encode()
    supply = 0
    for account in genesis.accounts:
        key = bytes.fromhex(account.key)
        address = compute_address(account.suite, key)
        roles = tuple(sorted(set(account.roles)))
        record = AccountRecord(
            account.agency, account.suite, key, roles, account.name or "", is_open=True
        )
        rows[ACCOUNT + address] = record.encode()
        rows[member_key(account.agency, address)] = encode(None)
        if int(account.balance):
            supply += int(account.balance)
            rows[b"tokens/" + tokens.BALANCE + address] = encode(int(account.balance))
    rows[b"tokens/" + tokens.SUPPLY] = encode(supply)
    return sorted(rows.items())


def genesis_batch(genesis: Genesis) -> WriteBatch:
    """The state at height 0 as rows of the store."""
    batch = WriteBatch()
    add_changes(batch, 0, genesis_changes(genesis))
    return batch
