"""Which chain a command is about: the nodes named by --url, or a devnet's; its accounts by name.

An account is named by a devnet's name for it, by its address, or by its key file.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from urbanchain.addresses import AddressInvalid, format_address, parse_address
from urbanchain.cli.exits import CommandFailed, Exit
from urbanchain.cli.settings import Settings
from urbanchain.devnet.errors import DevnetMissing
from urbanchain.devnet.state import DevnetState, load_state

if TYPE_CHECKING:
    from urbanchain.client import Client
    from urbanchain.keys import PrivateKey

_HEX_ADDRESS = re.compile(r"\b[0-9a-f]{40}\b")
ANSWER_TIMEOUT_S = 5.0
"""How long one node may take to answer before the next is asked."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose transaction it is."""

    name: str
    key: "PrivateKey"
    address: str
    """Not the key's own where the account has got another key since."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The nodes and the names that a command works with."""

    settings: Settings
    devnet: DevnetState | None

    @property
    def urls(self) -> tuple[str, ...]:
        """Where to ask; nowhere if nobody said and there is no devnet."""
        if self.settings.urls or self.devnet is None:
            return self.settings.urls
        return self.devnet.urls

    def check_nodes(self) -> None:
        """Raises CommandFailed if there is no node to ask."""
        if not self.urls:
            raise CommandFailed(
                Exit.UNREACHABLE,
                f"no node to ask: there is no devnet in {self.settings.state}, and no --url",
                "start one: urbanchain devnet up --detach; or name a node: --url URL",
            )

    def open(self, signer: Signer | None = None) -> "Client":
        """A client of all the nodes, which passes over those that do not answer.

        Raises CommandFailed if there is no node to ask, or its URL is none."""
        from urbanchain.client import Client, ClientOptions

        self.check_nodes()
        is_devnets_own = self.devnet is not None and not self.settings.urls
        expected = self.devnet.genesis_hash if self.devnet and is_devnets_own else None
        options = ClientOptions(
            timeout_s=ANSWER_TIMEOUT_S,
            sender=None if signer is None else signer.address,
            genesis_hash=None if expected is None else bytes.fromhex(expected),
        )
        key = None if signer is None else signer.key
        try:
            return Client(self.urls, key=key, options=options)
        except ValueError as error:
            raise CommandFailed(Exit.USAGE, str(error)) from error

    def find_address(self, named: str) -> str:
        """The address of an account. Raises CommandFailed."""
        if self.devnet is not None:
            account = self.devnet.find_account(named)
            if account is not None:
                return account.address
        if named.lower().startswith("uc1"):
            try:
                return format_address(parse_address(named))
            except AddressInvalid as error:
                raise CommandFailed(Exit.USAGE, f"the address {named} {error}") from error
        path = self._key_file(named)
        if path is not None:
            from urbanchain.keys import read_description

            return str(read_description(path)["address"])
        raise self._unknown(named)

    def find_signer(self, named: str) -> Signer:
        """The account of a name or key file; of an address, if --key says whose key signs for it.

        Raises CommandFailed, KeyFileInvalid, WrongPassword."""
        from urbanchain.keys import PrivateKey

        path = self._key_file(named)
        if path is None:
            address = self.find_address(named)
            if self.settings.key is None:
                raise CommandFailed(
                    Exit.USAGE,
                    f"{named} is an address; to send for it, its key is needed",
                    "name the key file: --key FILE",
                )
            holder = self.find_signer(self.settings.key)
            return Signer(named, holder.key, address)
        key = PrivateKey.load(path, self._read_password(path))
        return Signer(named, key, format_address(key.address))

    def name_of(self, address: str) -> str:
        """The devnet's name of an address, or the address."""
        known = () if self.devnet is None else self.devnet.accounts
        return next((a.name for a in known if a.address == address), address)

    def with_names(self, sentence: str) -> str:
        """A sentence of the chain, accounts named as people do."""
        return _HEX_ADDRESS.sub(
            lambda match: self.name_of(format_address(bytes.fromhex(match[0]))), sentence
        )

    def _key_file(self, named: str) -> Path | None:
        """A devnet's account, HOME/keys/NAME.key, or a path: in this order."""
        if self.devnet is not None:
            account = self.devnet.find_account(named)
            if account is not None:
                return self.devnet.directory / account.key_file
        in_home = self.settings.home / "keys" / f"{named}.key"
        if "/" not in named and in_home.is_file():
            return in_home
        return Path(named) if named.endswith(".key") or Path(named).is_file() else None

    def _read_password(self, path: Path) -> str | None:
        from urbanchain.cli.passwords import read_password

        return read_password(path, self.settings.password_file)

    def _unknown(self, named: str) -> CommandFailed:
        if self.devnet is None:
            hint = "give an address (uc1…) or a key file; names are a devnet's or of HOME/keys"
        else:
            hint = "accounts of this devnet: urbanchain devnet accounts"
        return CommandFailed(Exit.NOT_FOUND, f"there is no account {named!r}", hint)


def find_chain(settings: Settings) -> Chain:
    """The devnet in the state directory, if there is one, and the nodes to ask."""
    try:
        return Chain(settings, load_state(settings.state))
    except DevnetMissing:
        return Chain(settings, None)


def find_nodes(settings: Settings) -> Chain:
    """The same, where a node is needed whatever else is right. Raises CommandFailed."""
    chain = find_chain(settings)
    chain.check_nodes()
    return chain
