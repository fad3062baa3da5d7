"""Making a validator's home directory, and finding the node that runs in one."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urbanchain.cli.exits import CommandFailed, Exit

GENESIS_NAME = "genesis.json"
RUN_NAME = "run.json"


@dataclass(frozen=True, slots=True)
class NewHome:
    """What to make."""

    directory: Path
    name: str
    agency: str
    genesis: Path | None
    password: str | None
    """For both keys; None: unencrypted, for devnets."""
    password_file: Path | None
    """Where the node will find the password."""


def create_home(wanted: NewHome) -> dict[str, Any]:
    """Make node.toml and the keys; the validator's entry for genesis.json.

    Raises CommandFailed if one is there already, ConfigurationError for a bad genesis."""
    from p2p import TlsIdentity
    from urbanchain.cli.template import render_template
    from urbanchain.config import FILE_NAME, settings_table
    from urbanchain.genesis import load_genesis
    from urbanchain.keys import PrivateKey, write_key

    _check_new(wanted.directory, FILE_NAME)
    genesis = None if wanted.genesis is None else load_genesis(wanted.genesis)
    keys = wanted.directory / "keys"
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    consensus, tls = PrivateKey.generate(), PrivateKey.generate()
    write_key(keys / "consensus.key", consensus, "consensus", wanted.password)
    write_key(keys / "tls.key", tls, "tls", wanted.password)
    if genesis is not None:
        (wanted.directory / GENESIS_NAME).write_bytes(genesis.raw)
    text = render_template(settings_table(), wanted.name)
    if wanted.password_file is not None:
        path = json.dumps(str(wanted.password_file.resolve()))
        text = text.replace('password_file = ""', f"password_file = {path}")
    (wanted.directory / FILE_NAME).write_text(text, encoding="utf-8")
    certificate = TlsIdentity.make(tls.exchange_secret(), wanted.name).certificate
    return {
        "name": wanted.name,
        "agency": wanted.agency,
        "suite": consensus.suite,
        "key": consensus.public_key.hex(),
        "tls_certificate": base64.b64encode(certificate).decode("ascii"),
    }


def _check_new(directory: Path, config_name: str) -> None:
    own = (config_name, "keys/consensus.key", "keys/tls.key", GENESIS_NAME, "data")
    found = [name for name in own if (directory / name).exists()]
    if found:
        raise CommandFailed(
            Exit.REFUSED,
            f"{directory} holds {', '.join(found)} already; nothing was changed",
            "choose another directory: --home DIR",
        )


def read_run_file(home: Path) -> tuple[str, ...]:
    """The API's URL of the node that runs in a home; none if none runs there."""
    try:
        document = json.loads((home / RUN_NAME).read_text(encoding="ascii"))
        return (str(document["api"]),)
    except (OSError, ValueError, KeyError, TypeError):
        return ()
