"""Contract `tokens`: balances in minor units, moved by their owners, minted by an issuer; supply is
conserved.

| state key | value |
|---|---|
| `tokens/balance/` address | amount |
| `tokens/supply` | the sum of all balances |
"""

from urbanchain.contracts.context import Context, Refused
from urbanchain.contracts.declaration import (
    AMOUNT_MAX,
    Argument,
    ArgumentKind,
    Call,
    Contract,
    EventType,
    RefusalType,
)

SUPPLY = b"supply"
BALANCE = b"balance/"


def balance_of(context: Context, address: bytes) -> int:
    """What an account holds, in minor units."""
    value = context.get(BALANCE + address)
    return value if isinstance(value, int) else 0


def transfer(context: Context, to: bytes, amount: int) -> Refused | None:
    """Move an amount from the caller to another account."""
    recipient = context.account(to)
    if recipient is None or not recipient.is_open:
        return Refused("unknown-recipient", (to,))
    balance = balance_of(context, context.caller)
    if balance < amount:
        return Refused("insufficient-balance", (context.caller, balance, amount))
    context.put(BALANCE + context.caller, balance - amount)
    context.put(BALANCE + to, balance_of(context, to) + amount)
    context.emit("transfer", context.caller, to, amount)
    return None


def mint(context: Context, to: bytes, amount: int) -> Refused | None:
    """Create an amount on an account."""
    recipient = context.account(to)
    if recipient is None or not recipient.is_open:
        return Refused("unknown-recipient", (to,))
    value = context.get(SUPPLY)
    supply = value if isinstance(value, int) else 0
    if supply + amount > AMOUNT_MAX:
        return Refused("supply-exceeded", (supply, amount))
    context.put(SUPPLY, supply + amount)
    context.put(BALANCE + to, balance_of(context, to) + amount)
    context.emit("mint", to, amount)
    return None


_TO_AND_AMOUNT = (
    Argument("to", ArgumentKind.ADDRESS, "who receives"),
    Argument("amount", ArgumentKind.AMOUNT, "how much, in minor units"),
)
_UNKNOWN = RefusalType("unknown-recipient", "there is no open account {to}", ("to",))

CONTRACT = Contract(
    name="tokens",
    summary="The settlement token: amounts are whole minor units from 1 to 2^63-1.",
    calls=(
        Call(
            name="transfer",
            summary="Move an amount from the sender to another account.",
            role="operator",
            weight=10,
            arguments=_TO_AND_AMOUNT,
            refusals=(
                _UNKNOWN,
                RefusalType(
                    "insufficient-balance",
                    "the sender has {balance}, the transfer needs {amount}",
                    ("sender", "balance", "amount"),
                ),
            ),
            events=(EventType("transfer", ("from", "to", "amount")),),
            run=transfer,
        ),
        Call(
            name="mint",
            summary="Create an amount on an account.",
            role="issuer",
            weight=10,
            arguments=_TO_AND_AMOUNT,
            refusals=(
                _UNKNOWN,
                RefusalType(
                    "supply-exceeded",
                    "the supply is {supply}; with {amount} more it would exceed 2^63-1",
                    ("supply", "amount"),
                ),
            ),
            events=(EventType("mint", ("to", "amount")),),
            run=mint,
        ),
    ),
)
