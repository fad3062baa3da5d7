"""`urbanchain tx`: send transactions, and learn what became of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanchain.cli.arguments import compute_digest, parse_amount, read_arguments
from urbanchain.cli.context import Chain, Signer, find_chain, find_nodes
from urbanchain.cli.exits import CommandFailed, Exit
from urbanchain.cli.root import Group
from urbanchain.cli.settings import Settings, pass_settings

if TYPE_CHECKING:
    from urbanchain.client.building import Call

DEFAULT_SIGNER = "alice"
SIGNER_OF_ROLE = {"issuer": "treasury", "admin": "transport-admin"}
"""Who sends on a devnet if nobody is named: an account that has the call's role."""
_WAIT = click.option(
    "--no-wait", is_flag=True, help="Do not wait until it is final; see `tx wait`."
)
_RECEIPT = click.option(
    "--receipt",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write the receipt.",
)


@click.group("tx", cls=Group)
def tx() -> None:
    """Send transactions and learn their fate.

    By default they wait until the transaction is final, at most --timeout; then the outcome is
    unknown (exit code 5), and `tx wait` goes on waiting. Sending is never repeated by accident: a
    transaction executes at most once.
    """


@tx.command("transfer", context_settings={"ignore_unknown_options": True})
@click.argument("sender", metavar="FROM")
@click.argument("recipient", metavar="TO")
@click.argument("amount", type=parse_amount)
@_WAIT
@_RECEIPT
@pass_settings
def transfer(
    settings: Settings,
    sender: str,
    recipient: str,
    amount: int,
    no_wait: bool,
    receipt: Path | None,
) -> int:
    """Move AMOUNT minor units from one account to another.

    \b
    FROM  an account's name on the devnet, or a key file
    TO    a name, an address, or a key file

    \b
    Examples:
      urbanchain tx transfer alice bob 5
      urbanchain tx transfer wallet.key uc1q… 250 --url http://10.0.0.7:7080
    """
    from urbanchain.client import building

    chain = find_nodes(settings)
    call = building.transfer(chain.find_address(recipient), amount)
    return _send(chain, chain.find_signer(sender), call, _Wanted(no_wait, receipt))


@tx.command("record")
@click.argument("registry")
@click.argument("record_key", metavar="KEY")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--metadata", default="", help="A note to keep beside the hash.")
@_WAIT
@_RECEIPT
@pass_settings
def record(
    settings: Settings,
    registry: str,
    record_key: str,
    file: Path,
    metadata: str,
    no_wait: bool,
    receipt: Path | None,
) -> int:
    """Notarise FILE: anchor its SHA-256 under REGISTRY/KEY.

    The file stays here; only its hash is sent. Its receipt is written to FILE.receipt.json, or to
    --receipt. On a devnet alice signs, unless --key names another.

    \b
    Example:
      urbanchain tx record land-registry parcel-17 deed.pdf
    """
    from urbanchain.client import building

    chain = find_nodes(settings)
    call = building.record(registry, record_key, compute_digest(file), metadata)
    beside = receipt or file.with_name(file.name + ".receipt.json")
    return _send(chain, _default_signer(chain, ""), call, _Wanted(no_wait, beside, file))


@tx.command("call", context_settings={"ignore_unknown_options": True})
@click.argument("contract")
@click.argument("name", metavar="CALL")
@click.argument("texts", metavar="[ARGUMENTS]...", nargs=-1)
@_WAIT
@_RECEIPT
@pass_settings
def call(
    settings: Settings,
    contract: str,
    name: str,
    texts: tuple[str, ...],
    no_wait: bool,
    receipt: Path | None,
) -> int:
    """Any call of any contract, arguments by position.

    Addresses may be names; a sha256 may be @FILE; roles are joined by commas. On a devnet an
    account that has the call's role signs, unless --key names another.

    \b
    Examples:
      urbanchain tx call tokens mint alice 5
      urbanchain tx call records anchor land-registry parcel-17 @deed.pdf ''
    """
    from urbanchain.client.building import Call
    from urbanchain.contracts import CONTRACTS, find_call

    declared = find_call(contract, name)
    if declared is None:
        known = ", ".join(f"{c.name} {call.name}" for c in CONTRACTS.values() for call in c.calls)
        raise CommandFailed(
            Exit.NOT_FOUND, f"there is no call {contract} {name}", f"calls: {known}"
        )
    chain = find_nodes(settings)
    arguments = tuple(read_arguments(chain, declared, texts))
    signer = _default_signer(chain, declared.role)
    return _send(chain, signer, Call(contract, name, arguments), _Wanted(no_wait, receipt))


@tx.command("wait")
@click.argument("id_", metavar="ID")
@_RECEIPT
@pass_settings
def wait(settings: Settings, id_: str, receipt: Path | None) -> int:
    """Wait until a transaction is final, at most --timeout.

    \b
    Example:
      urbanchain tx wait 9c41…e07b --timeout 1m
    """
    from urbanchain.cli.fates import Delivery, await_final

    chain = find_chain(settings)
    with chain.open() as client:
        return await_final(Delivery(chain, client, receipt), _check_id(id_))


@tx.command("show")
@click.argument("id_", metavar="ID")
@_RECEIPT
@pass_settings
def show(settings: Settings, id_: str, receipt: Path | None) -> int:
    """What became of a transaction; with --receipt FILE, the proof of it.

    \b
    Example:
      urbanchain tx show 9c41…e07b --receipt proof.json
    """
    from urbanchain.cli.fates import Delivery, show_fate

    chain = find_chain(settings)
    with chain.open() as client:
        return show_fate(Delivery(chain, client, receipt), _check_id(id_))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How a transaction is to be followed."""

    no_wait: bool
    receipt: Path | None
    document: Path | None = None


def _send(chain: Chain, signer: Signer, call: "Call", wanted: _Wanted) -> int:
    from urbanchain.cli.fates import Delivery, await_final, show_fate
    from urbanchain.encoding import NotCanonical

    with chain.open(signer) as client:
        delivery = Delivery(chain, client, wanted.receipt, wanted.document)
        try:
            pending = client.call(call.contract, call.call, *call.arguments)
        except NotCanonical as error:
            raise CommandFailed(Exit.USAGE, f"an argument has no encoding: {error}") from error
        if wanted.no_wait:
            return show_fate(delivery, pending.id)
        return await_final(delivery, pending.id, pending)


def _default_signer(chain: Chain, role: str) -> Signer:
    """The account of --key; on a devnet, one that may."""
    named = chain.settings.key
    if named is None:
        if chain.devnet is None:
            raise CommandFailed(Exit.USAGE, "who signs?", "name an account's key file: --key FILE")
        named = SIGNER_OF_ROLE.get(role, DEFAULT_SIGNER)
    return chain.find_signer(named)


def _check_id(text: str) -> str:
    is_hex = len(text) == 64 and set(text) <= set("0123456789abcdef")
    if not is_hex:
        raise click.BadParameter(f"{text!r} is not 64 lower-case hex digits", param_hint="ID")
    return text
