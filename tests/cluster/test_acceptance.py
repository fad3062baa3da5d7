"""What a chain of four real validators must show under load, under SIGKILL, and to those who send
it nonsense."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from secrets import token_bytes
from typing import Any

import pytest

from tests.cluster.shell import Shell
from urbanchain.addresses import format_address
from urbanchain.client import Client
from urbanchain.devnet.layout import BALANCE, DevAccount, make_accounts
from urbanchain.transactions import Unsigned, encode_body, signed_message

pytestmark = pytest.mark.cluster
SEED = 20261124
ACCOUNTS = [a for a in make_accounts(10, 4, "dev") if a.roles == ("operator",)]


class Chain:
    """A running devnet with a client per validator."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.urls = [node["api"] for node in shell.nodes()]
        with Client([self.urls[0]]) as client:
            self.genesis_hash = client.info().genesis_hash

        self.opened: list[Client] = []

    def clients(self) -> list[Client]:
        """One a validator; closed with the fixture."""
        clients = [Client([url]) for url in self.urls]
        self.opened += clients
        return clients

    def close(self) -> None:
        for client in self.opened:
            client.close()

    def transfer(self, sender: DevAccount, to: DevAccount, amount: int) -> tuple[bytes, bytes]:
        """(id, envelope) of a signed transfer."""
        unsigned = Unsigned(
            suite=1,
            expires_at_ms=int(time.time() * 1000) + 300_000,
            nonce=token_bytes(16),
            sender=sender.key.address,
            body=encode_body("tokens", "transfer", (to.key.address, amount)),
        )
        transaction_id = unsigned.id(self.genesis_hash)
        return transaction_id, unsigned.sealed(sender.key.sign(signed_message(transaction_id)))


@pytest.fixture
def chain(devnet: Shell) -> Iterator[Chain]:
    chain = Chain(devnet)
    yield chain
    chain.close()


def wait_until(is_true: Callable[[], bool], within_s: float) -> None:
    """Ask again until it holds: what is awaited happens in other processes."""
    deadline = time.monotonic() + within_s
    while not is_true():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.1)


def heads(shell: Shell) -> set[tuple[Any, ...]]:
    return {(n.get("height"), n.get("hash"), n.get("state_root")) for n in shell.nodes()}


def submit_in_batches(client: Client, envelopes: list[bytes], size: int = 250) -> set[str]:
    """The ids that the validator took."""
    taken = set()
    for start in range(0, len(envelopes), size):
        for submission in client.submit_batch(envelopes[start : start + size]):
            assert submission.problem is None, submission
            taken.add(submission.id)
    return taken


def test_ten_thousand_transfers_to_all_four_leave_equal_states_and_right_balances(
    chain: Chain,
) -> None:
    dice = random.Random(SEED)
    balances = {account.name: BALANCE for account in ACCOUNTS}
    envelopes = []
    for _ in range(10_000):
        sender, to = dice.sample(ACCOUNTS, 2)
        amount = dice.randrange(1, 50)
        envelopes.append(chain.transfer(sender, to, amount)[1])
        balances[sender.name] -= amount
        balances[to.name] += amount
    clients = chain.clients()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(submit_in_batches, clients, [envelopes[i::4] for i in range(4)]))

    def is_settled() -> bool:
        return all(c.status().pending == 0 for c in clients) and len(heads(chain.shell)) == 1

    wait_until(is_settled, 60)
    for client in clients:
        for account in ACCOUNTS:
            address = format_address(account.key.address)
            assert client.account(address).balance == balances[account.name]


def test_S21_killing_all_four_in_mid_load_loses_nothing_that_was_final(chain: Chain) -> None:
    pairs = [chain.transfer(*random.Random(n).sample(ACCOUNTS, 2), 1) for n in range(3000)]
    clients = chain.clients()
    submit_in_batches(clients[0], [envelope for _, envelope in pairs])
    wait_until(lambda: clients[1].status().height >= 2, 30)
    seen = {}
    for transaction_id, _ in pairs[:200]:
        fate = clients[1].fate(transaction_id.hex())
        if fate.height is not None:
            seen[transaction_id.hex()] = (fate.height, fate.block_hash)
    before = max(node["height"] for node in chain.shell.nodes())
    chain.shell.succeed("devnet", "kill", 0, 1, 2, 3)
    chain.shell.succeed("devnet", "up", "--detach")
    assert seen
    chain.urls = [node["api"] for node in chain.shell.nodes()]
    again = chain.clients()
    for transaction_id, place in seen.items():
        fates = [client.fate(transaction_id) for client in again]
        assert {(fate.height, fate.block_hash) for fate in fates} == {place}
    chain.shell.succeed("tx", "transfer", "alice", "bob", 1)
    assert min(node["height"] for node in chain.shell.nodes()) > before - 1


def test_A17_a_transaction_sent_twice_and_to_two_validators_executes_once(chain: Chain) -> None:
    alice, bob = ACCOUNTS[0], ACCOUNTS[1]
    transaction_id, envelope = chain.transfer(alice, bob, 7)
    clients = chain.clients()
    for client in (clients[0], clients[1], clients[0]):
        assert client.submit_batch([envelope])[0].problem is None
    receipts = [client.final(transaction_id.hex(), timeout=10) for client in clients[:2]]
    assert receipts[0].height == receipts[1].height
    assert receipts[0].outcome == receipts[1].outcome == "applied"
    wait_until(lambda: len(heads(chain.shell)) == 1, 10)
    assert clients[2].submit_batch([envelope])[0].duplicate
    balance = clients[3].account(format_address(bob.key.address)).balance
    assert balance == BALANCE + 7


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("tx", "transfer", "alice", "bob", 99_999_999), 4),
        (("tx", "transfer", "alice", "bob", 0), 2),
        (("tx", "transfer", "alice", "bob", 2**63), 2),
        (("tx", "call", "tokens", "mint", "bob", 5, "--key", "alice"), 7),
        (("query", "block", 999), 3),
    ],
)
def test_what_is_refused_ends_with_its_documented_code(
    shared_devnet: Shell, arguments: tuple[object, ...], code: int
) -> None:
    before = heads(shared_devnet)
    done = shared_devnet.run(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    if code != 4:
        assert heads(shared_devnet) == before


def test_an_idle_chain_makes_no_blocks(shared_devnet: Shell) -> None:
    before = {height for height, _, _ in heads(shared_devnet)}
    time.sleep(3)
    assert {height for height, _, _ in heads(shared_devnet)} == before


def test_a_home_of_another_chain_and_a_readable_key_are_refused(devnet: Shell) -> None:
    devnet.succeed("devnet", "down", "--keep")
    home = devnet.directory / ".devnet" / "validator-0"
    genesis = devnet.directory / ".devnet" / "genesis.json"
    whole = genesis.read_bytes()
    genesis.write_bytes(whole + b"\n")
    done = devnet.run("node", "run", "--home", home)
    assert (done.returncode, "belongs to the chain of genesis" in done.stderr) == (78, True)
    genesis.write_bytes(whole)
    (home / "keys" / "consensus.key").chmod(0o644)
    done = devnet.run("node", "run", "--home", home)
    assert (done.returncode, "chmod 600" in done.stderr) == (78, True)
    (home / "keys" / "consensus.key").chmod(0o600)
    with (home / "node.toml").open("a") as file:
        file.write("level = 3\n[p2pp]\nx = 1\n")
    done = devnet.run("node", "run", "--home", home)
    assert done.returncode == 78
    assert "ops.level" in done.stderr
    assert "p2pp" in done.stderr
