"""Contract `agencies`: an agency's admin opens and closes its accounts. Agencies themselves come
from genesis."""

from urbanchain.contracts.accounts import AccountRecord
from urbanchain.contracts.context import Context, Refused
from urbanchain.contracts.declaration import (
    Argument,
    ArgumentKind,
    Call,
    Contract,
    EventType,
    RefusalType,
)
from urbanchain.types import compute_address

LABEL_BYTES_MAX = 64


def open_account(
    context: Context, suite: int, key: bytes, roles: tuple[str, ...], label: str
) -> Refused | None:
    """Open an account for a key, in the caller's agency."""
    address = compute_address(suite, key)
    if context.account(address) is not None:
        return Refused("account-exists", (address,))
    record = AccountRecord(context.agency, suite, key, roles, label, is_open=True)
    _write(context, address, record)
    member = b"member/" + context.agency.encode("ascii") + b"\0" + address
    context.put(member, None)
    context.emit("account-opened", address, context.agency, roles, label)
    return None


def close_account(context: Context, address: bytes) -> Refused | None:
    """Close an account of the caller's agency; what it holds stays."""
    record = context.account(address)
    if record is None or record.agency != context.agency:
        return Refused("not-our-account", (address, context.agency))
    if not record.is_open:
        return Refused("account-closed", (address,))
    if address == context.caller:
        return Refused("own-account", (address,))
    closed = AccountRecord(
        record.agency, record.suite, record.key, record.roles, record.label, is_open=False
    )
    _write(context, address, closed)
    context.emit("account-closed", address, context.agency)
    return None


def _write(context: Context, address: bytes, record: AccountRecord) -> None:
    fields = (record.agency, record.suite, record.key, record.roles, record.label, record.is_open)
    context.put(b"account/" + address, fields)


CONTRACT = Contract(
    name="agencies",
    summary="Agencies and their accounts: who may sign, for whom, with which roles.",
    calls=(
        Call(
            name="open_account",
            summary="Open an account in one's own agency; its address is that of its first key.",
            role="admin",
            weight=20,
            arguments=(
                Argument("suite", ArgumentKind.SUITE, "the signature suite of the key"),
                Argument("key", ArgumentKind.KEY, "the public key that signs for the account"),
                Argument("roles", ArgumentKind.ROLES, "what the account may do"),
                Argument(
                    "label",
                    ArgumentKind.TEXT,
                    "a name for people",
                    LABEL_BYTES_MAX,
                    may_be_empty=True,
                ),
            ),
            refusals=(
                RefusalType(
                    "account-exists", "there is an account {address} already", ("address",)
                ),
            ),
            events=(EventType("account-opened", ("address", "agency", "roles", "label")),),
            run=open_account,
        ),
        Call(
            name="close_account",
            summary="Close an account of one's own agency: it can sign and receive nothing more.",
            role="admin",
            weight=10,
            arguments=(Argument("address", ArgumentKind.ADDRESS, "the account to close"),),
            refusals=(
                RefusalType(
                    "not-our-account", "{address} is no account of {agency}", ("address", "agency")
                ),
                RefusalType("account-closed", "account {address} is closed", ("address",)),
                RefusalType("own-account", "{address} cannot close itself", ("address",)),
            ),
            events=(EventType("account-closed", ("address", "agency")),),
            run=close_account,
        ),
    ),
)
