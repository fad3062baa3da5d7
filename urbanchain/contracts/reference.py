"""docs/contracts.md, made from the contracts' declarations; a test holds the page to them."""

from collections.abc import Iterable

from urbanchain.contracts.declaration import Call, Contract

_HEAD = """# Contracts

Made from the declarations in `urbanchain/contracts/` by `python -m urbanchain.contracts.reference`;
do not edit.

A transaction's body is `[contract, call, [arguments by position]]`. A call whose arguments break
their declaration, or whose sender lacks the role, is not admissible: it never enters a block. What
depends on state is a refusal: it is in the block with its code and facts, changes nothing else, and
so its fate is provable. Each included transaction, applied or refused, spends its weight from its
agency's token bucket.

Arguments: `address` 20 bytes; `amount` an integer from 1 to 2^63-1; `name` 1 to 32 of a-z, 0-9 and
`-`, not beginning with `-`; `sha256` 32 bytes; `text` UTF-8 without control characters; `suite` a
signature suite's number; `key` a public key; `roles` a list of admin, issuer, operator, ascending,
each once.
"""


def render_reference(contracts: Iterable[Contract]) -> str:
    """The page."""
    parts = [_HEAD]
    for contract in contracts:
        parts.append(f"## {contract.name}\n\n{contract.summary}\n")
        parts += [_render_call(contract, call) for call in contract.calls]
    return "\n".join(parts)


def _render_call(contract: Contract, call: Call) -> str:
    role = f"role `{call.role}`" if call.role else "any account"
    lines = [
        f"### {contract.name}.{call.name}",
        "",
        f"{call.summary} Needs {role}; weight {call.weight}.",
    ]
    lines += ["", "| argument | kind | meaning |", "|---|---|---|"]
    for argument in call.arguments:
        bound = f", at most {argument.bytes_max} bytes" if argument.bytes_max else ""
        empty = ", may be empty" if argument.may_be_empty else ""
        lines.append(
            f"| `{argument.name}` | {argument.kind.value}{bound}{empty} | {argument.summary} |"
        )
    if call.refusals:
        lines += ["", "| refused as | when |", "|---|---|"]
        lines += [f"| `{refusal.code}` | {refusal.sentence} |" for refusal in call.refusals]
    for event in call.events:
        fields = ", ".join(event.fields)
        lines += ["", f"Event `{event.name}`: {fields}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from urbanchain.contracts import CONTRACTS

    print(render_reference(CONTRACTS.values()), end="")
