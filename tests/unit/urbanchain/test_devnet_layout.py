"""What a devnet consists of: the same for the same seed, and a genesis that holds."""

import tomllib

import pytest

from urbanchain.config import parse_config
from urbanchain.devnet.layout import (
    TREASURY,
    agency_of,
    make_accounts,
    make_genesis,
    make_validators,
    node_toml,
)
from urbanchain.devnet.ports import ports_from
from urbanchain.genesis import parse_genesis, render_genesis


def genesis_bytes(validators: int = 4, accounts: int = 10, seed: str = "dev") -> bytes:
    members = make_validators(validators, seed)
    return render_genesis(make_genesis("dev", members, make_accounts(accounts, validators, seed)))


def test_the_same_seed_makes_the_same_genesis() -> None:
    assert genesis_bytes() == genesis_bytes()


def test_another_seed_makes_another_chain() -> None:
    assert genesis_bytes(seed="dev") != genesis_bytes(seed="other")


@pytest.mark.parametrize("count", [4, 7, 12])
def test_a_genesis_of_any_size_is_valid(count: int) -> None:
    parsed = parse_genesis(genesis_bytes(validators=count)).genesis
    assert len({v.agency for v in parsed.validators}) == count


def test_alice_operates_the_treasury_mints_and_each_agency_has_an_admin() -> None:
    accounts = {a.name: a for a in make_accounts(3, 4, "dev")}
    assert list(accounts)[:3] == ["alice", "bob", "carol"]
    assert accounts["alice"].roles == ("operator",)
    assert "issuer" in accounts[TREASURY].roles
    admins = [a for a in accounts.values() if "admin" in a.roles]
    assert {a.agency for a in admins} == {agency_of(i) for i in range(4)}


def test_more_accounts_than_names_are_numbered() -> None:
    names = [a.name for a in make_accounts(25, 4, "dev")]
    assert len(set(names)) == len(names)
    assert "account-24" in names


def test_a_nodes_toml_is_valid_and_names_every_peer_but_itself() -> None:
    ports = {f"validator-{i}": ports_from(7000, i) for i in range(4)}
    config = parse_config(tomllib.loads(node_toml("validator-2", ports)))
    assert config.api.listen == "127.0.0.1:7280"
    assert set(config.p2p.peers) == set(ports) - {"validator-2"}
