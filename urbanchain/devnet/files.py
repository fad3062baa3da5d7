"""Writing a devnet's directory, and removing exactly what was written.

DIR/devnet.json  genesis.json  lock  keys/NAME.key  receipts/
DIR/validator-I/node.toml  keys/consensus.key  keys/tls.key  data/  log.jsonl  run.json
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from urbanchain.addresses import format_address
from urbanchain.devnet import lock, state
from urbanchain.devnet.errors import NotADevnet
from urbanchain.devnet.layout import (
    DevAccount,
    DevValidator,
    make_accounts,
    make_genesis,
    make_validators,
    node_toml,
)
from urbanchain.devnet.ports import Ports
from urbanchain.devnet.state import AccountEntry, DevnetState, NodeEntry, save_state
from urbanchain.genesis import render_genesis
from urbanchain.keys import write_key
from urbanchain.types import compute_genesis_hash

RECEIPTS_NAME = "receipts"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a new devnet is to be."""

    validators: int = 4
    accounts: int = 10
    seed: str = "dev"
    chain: str = "dev"


def write_devnet(directory: Path, blueprint: Blueprint, ports: Sequence[Ports]) -> DevnetState:
    """Write a new devnet into a directory that holds none. Nothing is started.

    devnet.json comes last: without it there is no devnet. Raises NotADevnet, OSError."""
    foreign = [path for path in directory.iterdir() if path.name != lock.FILE_NAME]
    if foreign and not _is_unfinished(foreign):
        raise NotADevnet(directory)
    _remove_content(directory)
    validators = make_validators(blueprint.validators, blueprint.seed)
    accounts = make_accounts(blueprint.accounts, blueprint.validators, blueprint.seed)
    genesis = render_genesis(make_genesis(blueprint.chain, validators, accounts))
    (directory / state.GENESIS_NAME).write_bytes(genesis)
    _write_accounts(directory / "keys", accounts)
    by_name = {v.name: own for v, own in zip(validators, ports, strict=True)}
    for validator in validators:
        _write_home(directory / validator.name, validator, by_name)
    written = DevnetState(
        directory=directory,
        chain=blueprint.chain,
        seed=blueprint.seed,
        genesis_hash=compute_genesis_hash(genesis).hex(),
        nodes=tuple(NodeEntry(v.name, v.agency, by_name[v.name], None) for v in validators),
        accounts=tuple(_entry(account) for account in accounts),
    )
    save_state(written)
    return written


def remove_devnet(directory: Path) -> None:
    """Remove what write_devnet and the nodes wrote; the directory too, if nothing else is in it."""
    _remove_content(directory)
    (directory / lock.FILE_NAME).unlink(missing_ok=True)
    if not any(directory.iterdir()):
        directory.rmdir()


def _remove_content(directory: Path) -> None:
    for name in (state.FILE_NAME, state.GENESIS_NAME, "devnet.tmp"):
        (directory / name).unlink(missing_ok=True)
    for path in [directory / "keys", directory / RECEIPTS_NAME, *directory.glob("validator-*")]:
        shutil.rmtree(path, ignore_errors=True)


def _is_unfinished(paths: Sequence[Path]) -> bool:
    """Whether these are what an interrupted write_devnet left, and nothing else."""
    names = {path.name for path in paths}
    own = {state.GENESIS_NAME, "devnet.tmp", "keys"}
    return state.GENESIS_NAME in names and all(
        name in own or name.startswith("validator-") for name in names
    )


def _write_accounts(directory: Path, accounts: Sequence[DevAccount]) -> None:
    directory.mkdir(mode=0o700)
    for account in accounts:
        kind = "admin" if "admin" in account.roles else "account"
        write_key(directory / f"{account.name}.key", account.key, kind, None)


def _write_home(home: Path, validator: DevValidator, ports: dict[str, Ports]) -> None:
    keys = home / "keys"
    keys.mkdir(mode=0o700, parents=True)
    write_key(keys / "consensus.key", validator.consensus_key, "consensus", None)
    write_key(keys / "tls.key", validator.tls_key, "tls", None)
    (home / "node.toml").write_text(node_toml(validator.name, ports), encoding="ascii")


def _entry(account: DevAccount) -> AccountEntry:
    return AccountEntry(
        name=account.name,
        agency=account.agency,
        address=format_address(account.key.address),
        roles=tuple(account.roles),
        balance=account.balance,
    )
