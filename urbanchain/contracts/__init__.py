"""The native contracts: what transactions can ask for. The table, and nothing else."""

from urbanchain.contracts import agencies, records, tokens
from urbanchain.contracts.declaration import Call, Contract, RefusalType

CONTRACTS: dict[str, Contract] = {
    contract.name: contract for contract in (agencies.CONTRACT, tokens.CONTRACT, records.CONTRACT)
}


def find_call(contract: str, call: str) -> Call | None:
    """A call by the names in a transaction's body."""
    found = CONTRACTS.get(contract)
    return None if found is None else found.call(call)


def find_refusal(contract: str, call: str, code: str) -> RefusalType | None:
    """The declaration of a refusal that a receipt names."""
    found = find_call(contract, call)
    return None if found is None else next((r for r in found.refusals if r.code == code), None)
