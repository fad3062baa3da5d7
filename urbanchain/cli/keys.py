"""`urbanchain keys`: make key files, and show what they say of themselves."""

from pathlib import Path
from typing import Any

import click

from urbanchain.cli.exits import CommandFailed, Exit
from urbanchain.cli.output import pairs, table
from urbanchain.cli.root import Group
from urbanchain.cli.settings import Settings, pass_settings

KEYS_NAME = "keys"
_KINDS = ("account", "consensus", "tls", "admin")


@click.group("keys", cls=Group)
def keys() -> None:
    """Make and show key files.

    They live in HOME/keys (see --home), encrypted with a password, readable by their owner only.
    Private keys are never printed.
    """


@keys.command("new")
@click.argument("name")
@click.option("--kind", type=click.Choice(_KINDS), default="account", show_default=True)
@click.option(
    "--unencrypted", is_flag=True, help="Without a password: such keys are for devnets only."
)
@pass_settings
def new(settings: Settings, name: str, kind: str, unencrypted: bool) -> None:
    """Make a key: HOME/keys/NAME.key, or the file NAME if it ends in .key.

    The password is asked for, or read from --password-file.

    \b
    Examples:
      urbanchain keys new alice
      urbanchain keys new vault/issuer.key --password-file issuer.password
    """
    from urbanchain.cli.passwords import choose_password
    from urbanchain.keys import PrivateKey, write_key

    path = _path_of(settings, name)
    if path.exists():
        raise CommandFailed(
            Exit.REFUSED, f"{path} exists already; a key is never overwritten", "choose a new name"
        )
    password = None if unencrypted else choose_password(settings.password_file)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_key(path, PrivateKey.generate(), kind, password)
    _show(settings, path)


@keys.command("show")
@click.argument("name", metavar="NAME|FILE")
@pass_settings
def show(settings: Settings, name: str) -> None:
    """The public half of a key: kind, address, public key. Needs no password.

    \b
    Example:
      urbanchain keys show alice
    """
    path = _path_of(settings, name)
    if not path.exists():
        devnet_key = settings.state / KEYS_NAME / f"{name}.key"
        path = devnet_key if devnet_key.exists() else path
    if not path.exists():
        raise CommandFailed(Exit.NOT_FOUND, f"{path} does not exist", "urbanchain keys list")
    _show(settings, path)


@keys.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """The keys in HOME/keys, and those of the devnet if there is one.

    \b
    Example:
      urbanchain keys list -o json
    """
    directories = (settings.home / KEYS_NAME, settings.state / KEYS_NAME)
    found = [_describe(path) for d in directories for path in sorted(d.glob("*.key"))]
    rows = [(item["name"], item["kind"], item["address"], item["file"]) for item in found]
    header = ("name", "kind", "address", "file")
    settings.screen.data(found, lambda: table(rows, header) if rows else "no keys")


def _path_of(settings: Settings, name: str) -> Path:
    if name.endswith(".key"):
        return Path(name)
    if not name or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_."):
        raise click.BadParameter(f"{name!r}: a name is of a-z, 0-9, '-', '_' and '.'")
    return settings.home / KEYS_NAME / f"{name}.key"


def _show(settings: Settings, path: Path) -> None:
    description = _describe(path)
    settings.screen.data(description, lambda: pairs(description.items()))


def _describe(path: Path) -> dict[str, Any]:
    from urbanchain.keys import read_description

    description = read_description(path)
    return {
        "name": path.stem,
        "kind": description["kind"],
        "address": description["address"],
        "public_key": description["public_key"],
        "encrypted": description.get("devnet_unencrypted") is not True,
        "file": str(path),
    }
