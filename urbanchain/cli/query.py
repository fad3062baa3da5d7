"""`urbanchain query`: read what the chain holds. JSON is the API's own documents."""

from typing import Any
from urllib.parse import quote

import click

from urbanchain.cli.context import Chain, find_chain
from urbanchain.cli.exits import CommandFailed, Exit
from urbanchain.cli.output import grouped, pairs, short, table
from urbanchain.cli.root import Group
from urbanchain.cli.settings import Settings, pass_settings


@click.group("query", cls=Group)
def query() -> None:
    """Read the chain: blocks, accounts, records, validators."""


@query.command("chain")
@pass_settings
def chain_(settings: Settings) -> None:
    """Which chain this is and how far it got.

    \b
    Example:
      urbanchain query chain -o json
    """
    found = find_chain(settings)
    with found.open() as client:
        status = _object(client.get_json("/v1/status"))
        members = _object(client.get_json("/v1/validators"))
    document = {
        name: status[name]
        for name in ("chain", "genesis", "height", "hash", "state_root", "block_time", "epoch")
    }
    document |= {
        "validators": len(members["validators"]),
        "quorum": members["quorum"],
        "tolerates": members["tolerates"],
    }
    settings.screen.data(document, lambda: pairs(document.items()))


@query.command("block")
@click.argument("which", metavar="[HEIGHT|HASH|latest]", default="latest")
@pass_settings
def block(settings: Settings, which: str) -> None:
    """A block: its header, its hash, and the transactions it orders.

    \b
    Examples:
      urbanchain query block
      urbanchain query block 3 -o json
    """
    found = find_chain(settings)
    with found.open() as client:
        document = _object(client.get_json(f"/v1/blocks/{quote(which, safe='')}"))
        names = {v.address: v.name for v in client.validators()}

    def text() -> str:
        fields = {k: v for k, v in document.items() if k != "transactions"}
        fields["proposer"] = names.get(document["proposer"], document["proposer"])
        listed = "".join(f"\n  {id_}" for id_ in document["transactions"])
        return pairs(fields.items()) + listed

    settings.screen.data(document, text)


@query.command("account")
@click.argument("account", metavar="NAME|ADDRESS")
@pass_settings
def account_(settings: Settings, account: str) -> None:
    """An account: its agency, roles and balance.

    \b
    Examples:
      urbanchain query account alice
      urbanchain query account uc1q… -o json
    """
    found = find_chain(settings)
    address = found.find_address(account)
    with found.open() as client:
        document = _object(client.get_json(f"/v1/accounts/{address}"))

    def text() -> str:
        shown = document | {
            "roles": ", ".join(document["roles"]) or "none",
            "balance": grouped(int(document["balance"])),
            "open": "yes" if document["open"] else "no, closed",
        }
        return pairs(shown.items())

    settings.screen.data(document, text)


@query.command("record")
@click.argument("registry")
@click.argument("record_key", metavar="KEY")
@pass_settings
def record(settings: Settings, registry: str, record_key: str) -> None:
    """All versions of a document's hash that were anchored under REGISTRY/KEY.

    \b
    Example:
      urbanchain query record land-registry parcel-17
    """
    found = find_chain(settings)
    target = f"/v1/records/{quote(registry, safe='')}/{quote(record_key, safe='')}"
    with found.open() as client:
        document = _object(client.get_json(target))
    settings.screen.data(document, lambda: _record_text(found, document))


def _record_text(chain: Chain, document: dict[str, Any]) -> str:
    rows = [
        (
            v["version"],
            v["time"],
            v["height"],
            chain.name_of(v["recorded_by"]),
            v["agency"],
            v["sha256"],
            v["metadata"],
        )
        for v in document["versions"]
    ]
    header = ("version", "time", "block", "by", "agency", "sha256", "metadata")
    return f"{document['registry']}/{document['key']}\n" + table(rows, header)


@query.command("validators")
@pass_settings
def validators(settings: Settings) -> None:
    """Who validates, in seat order.

    \b
    Example:
      urbanchain query validators
    """
    found = find_chain(settings)
    with found.open() as client:
        document = _object(client.get_json("/v1/validators"))

    def text() -> str:
        rows = [
            (v["seat"], v["name"], v["agency"], short(v["address"]), short(v["key"]))
            for v in document["validators"]
        ]
        headline = (
            f"epoch {document['epoch']}: {len(rows)} validators, a quorum is"
            f" {document['quorum']}, tolerates {document['tolerates']}"
        )
        return headline + "\n" + table(rows, ("seat", "name", "agency", "address", "key"))

    settings.screen.data(document, text)


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CommandFailed(Exit.UNREACHABLE, "the node answered with JSON of another shape")
    return value
