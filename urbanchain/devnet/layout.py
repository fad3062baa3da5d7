"""What a devnet of a seed consists of: names, agencies, keys, accounts, genesis.

Pure: the same seed, the same devnet, wherever its nodes listen.
"""

import base64
from dataclasses import dataclass

from p2p import TlsIdentity
from urbanchain.devnet.ports import HOST, Ports
from urbanchain.genesis import (
    Account,
    Agency,
    Bucket,
    Genesis,
    Parameters,
    Role,
    ValidatorEntry,
)
from urbanchain.keys import PrivateKey, derive_devnet_key

AGENCIES = (
    ("transport", "Transport Authority"),
    ("water", "Water Works"),
    ("police", "Police Department"),
    ("tax", "Tax Office"),
    ("courts", "Courts"),
    ("customs", "Customs"),
    ("markets", "Markets Administration"),
    ("university", "University"),
    ("housing", "Housing Office"),
    ("registry", "Land Registry"),
)
ACCOUNTS = (
    "alice",
    "bob",
    "carol",
    "dave",
    "erin",
    "frank",
    "grace",
    "heidi",
    "ivan",
    "judy",
    "mallory",
    "niaj",
    "olivia",
    "peggy",
    "rupert",
    "sybil",
    "trent",
    "uma",
    "victor",
    "wendy",
)
BALANCE = 1_000_000
TREASURY = "treasury"
GENESIS_TIME = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class DevAccount:
    """An account whose key anyone can derive."""

    name: str
    agency: str
    roles: tuple[Role, ...]
    balance: int
    key: PrivateKey


@dataclass(frozen=True, slots=True)
class DevValidator:
    """A validator whose keys anyone can derive."""

    name: str
    agency: str
    consensus_key: PrivateKey
    tls_key: PrivateKey

    @property
    def tls_certificate(self) -> bytes:
        """DER."""
        return TlsIdentity.make(self.tls_key.exchange_secret(), self.name).certificate


def agency_of(index: int) -> str:
    """The agency of a seat or an account: in turn."""
    name = AGENCIES[index % len(AGENCIES)][0]
    return name if index < len(AGENCIES) else f"{name}-{index // len(AGENCIES) + 1}"


def make_validators(count: int, seed: str) -> tuple[DevValidator, ...]:
    """validator-0, validator-1, …, each of an agency of its own."""
    return tuple(
        DevValidator(
            name=f"validator-{index}",
            agency=agency_of(index),
            consensus_key=derive_devnet_key(seed, f"validator-{index}/consensus"),
            tls_key=derive_devnet_key(seed, f"validator-{index}/tls"),
        )
        for index in range(count)
    )


def make_accounts(count: int, validators: int, seed: str) -> tuple[DevAccount, ...]:
    """alice, bob, …; the treasury, which may mint; and each agency's admin."""
    named = [
        DevAccount(
            name=name,
            agency=agency_of(index % validators),
            roles=("operator",),
            balance=BALANCE,
            key=derive_devnet_key(seed, f"account/{name}"),
        )
        for index in range(count)
        for name in [ACCOUNTS[index] if index < len(ACCOUNTS) else f"account-{index}"]
    ]
    key = derive_devnet_key(seed, f"account/{TREASURY}")
    treasury = DevAccount(TREASURY, agency_of(0), ("issuer", "operator"), BALANCE, key)
    admins = [
        DevAccount(
            name=f"{agency_of(index)}-admin",
            agency=agency_of(index),
            roles=("admin",),
            balance=0,
            key=derive_devnet_key(seed, f"account/{agency_of(index)}-admin"),
        )
        for index in range(validators)
    ]
    return (*named, treasury, *admins)


def make_genesis(
    chain: str, validators: tuple[DevValidator, ...], accounts: tuple[DevAccount, ...]
) -> Genesis:
    """The genesis of a devnet: generous token buckets, everything else as by default."""
    titles = dict(AGENCIES)
    bucket = Bucket(rate_per_s=1_000_000, burst=10_000_000)
    return Genesis(
        format="urbanchain-genesis/1",
        chain=chain,
        devnet=True,
        time=GENESIS_TIME,
        parameters=Parameters(),
        agencies=tuple(
            Agency(name=v.agency, title=titles.get(v.agency, v.agency.title()), bucket=bucket)
            for v in validators
        ),
        accounts=tuple(
            Account(
                name=account.name,
                agency=account.agency,
                key=account.key.public_key.hex(),
                roles=account.roles,
                balance=str(account.balance),
            )
            for account in accounts
        ),
        validators=tuple(
            ValidatorEntry(
                name=v.name,
                agency=v.agency,
                key=v.consensus_key.public_key.hex(),
                tls_certificate=base64.b64encode(v.tls_certificate).decode("ascii"),
            )
            for v in validators
        ),
    )


def node_toml(name: str, ports: dict[str, Ports]) -> str:
    """A validator's node.toml."""
    own = ports[name]
    peers = "".join(
        f'{peer} = "{HOST}:{other.p2p}"\n' for peer, other in ports.items() if peer != name
    )
    return (
        f'name = "{name}"\ngenesis = "../genesis.json"\n\n'
        f'[p2p]\nlisten = "{HOST}:{own.p2p}"\n\n[p2p.peers]\n{peers}\n'
        f'[api]\nlisten = "{HOST}:{own.api}"\n\n[ops]\nlisten = "{HOST}:{own.ops}"\n'
    )
