"""`urbanchain tx` and `query` against a real listener, through a devnet's directory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.backend import InstantNode
from tests.fakes.chains import account_key
from tests.fakes.cli import Outcome, living_node, served, urbanchain, write_devnet_state
from urbanchain.addresses import format_address
from urbanchain.api.backend import NodeState

FIELDS = ("id", "fate", "outcome", "code", "height", "block_hash", "finality_ms", "receipt")


@dataclass(frozen=True)
class Site:
    """A directory with a running devnet in it."""

    node: InstantNode
    directory: Path
    port: int

    def run(self, *arguments: object) -> Outcome:
        return urbanchain("--state", self.directory, *arguments)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)
    node = living_node()
    with served(node) as port:
        write_devnet_state(tmp_path / "net", node, port)
        yield Site(node, tmp_path / "net", port)


def balance(site: Site, name: str) -> int:
    return int(site.run("query", "account", name, "-o", "json").json["balance"])


def test_a_transfer_by_names_is_final_and_says_who_signed(site: Site) -> None:
    outcome = site.run("tx", "transfer", "alice", "bob", 5)
    assert outcome.code == 0
    assert "final in block 1" in outcome.out
    assert "4 of 4 validators signed" in outcome.out
    assert balance(site, "bob") == 1_000_005


def test_a_transfers_json_has_the_fixed_fields(site: Site) -> None:
    document = site.run("tx", "transfer", "alice", "bob", 5, "-o", "json").json
    assert tuple(document)[: len(FIELDS)] == FIELDS
    assert (document["fate"], document["outcome"], document["height"]) == ("final", "applied", 1)


def test_the_receipt_of_a_transfer_verifies_offline(site: Site) -> None:
    receipt = site.run("tx", "transfer", "alice", "bob", 5, "-o", "json").json["receipt"]
    genesis = site.directory / "genesis.json"
    verdict = urbanchain("verify", receipt, "--genesis", genesis, "-o", "json").json
    assert (verdict["valid"], verdict["call"], verdict["validators"]) == (True, "transfer", 4)


def test_accounts_are_named_by_key_file_and_by_address_too(site: Site) -> None:
    key = site.directory / "keys" / "alice.key"
    bob = format_address(account_key("bob").address)
    assert site.run("tx", "transfer", key, bob, 7).code == 0
    assert balance(site, "bob") == 1_000_007


def test_a_sender_by_address_needs_a_key(site: Site) -> None:
    address = format_address(account_key("alice").address)
    assert site.run("tx", "transfer", address, "bob", 7).code == 2
    assert site.run("tx", "transfer", address, "bob", 7, "--key", "alice").code == 0


def test_an_unknown_name_is_not_found(site: Site) -> None:
    outcome = site.run("tx", "transfer", "alice", "zelda", 5)
    assert outcome.code == 3
    assert "zelda" in outcome.err


def test_a_mistyped_address_is_a_usage_error(site: Site) -> None:
    address = format_address(account_key("bob").address)
    mistyped = address[:-1] + ("q" if address[-1] != "q" else "p")
    assert site.run("tx", "transfer", "alice", mistyped, 5).code == 2


@pytest.mark.parametrize("amount", ["0", "-5", "9223372036854775808", "1.5", "five", "1_000", "٣"])
def test_an_amount_that_is_none_is_a_usage_error_and_nothing_is_sent(
    site: Site, amount: str
) -> None:
    assert site.run("tx", "transfer", "alice", "bob", amount).code == 2
    assert site.node.height == 0


def test_a_refusal_says_why_and_leaves_the_balance(site: Site) -> None:
    outcome = site.run("tx", "transfer", "alice", "bob", 99_999_999)
    assert outcome.code == 4
    assert "insufficient-balance" in outcome.err
    assert balance(site, "alice") == 1_000_000


def test_a_refusals_json_says_refused_and_why(site: Site) -> None:
    outcome = site.run("tx", "transfer", "alice", "bob", 99_999_999, "-o", "json")
    assert outcome.code == 4
    document = outcome.json
    assert (document["outcome"], document["code"]) == ("refused", "insufficient-balance")


def test_a_refusal_names_accounts_as_people_do(site: Site) -> None:
    assert site.run("tx", "call", "agencies", "close_account", "alice", "--key", "admin").code == 0
    assert "alice" in site.run("tx", "transfer", "bob", "alice", 1).err


def test_minting_is_done_by_who_may(site: Site) -> None:
    assert site.run("tx", "call", "tokens", "mint", "alice", 5).code == 0
    assert balance(site, "alice") == 1_000_005


def test_minting_by_who_may_not_is_not_authorised(site: Site) -> None:
    outcome = site.run("tx", "call", "tokens", "mint", "alice", 5, "--key", "alice")
    assert outcome.code == 7
    assert balance(site, "alice") == 1_000_000


def test_an_unknown_call_is_not_found_and_the_known_ones_are_listed(site: Site) -> None:
    outcome = site.run("tx", "call", "tokens", "burn", 5)
    assert outcome.code == 3
    assert "tokens transfer" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [("tokens", "mint", "alice"), ("records", "anchor", "land", "p", "xyz", "")],
    ids=("too few", "no digest"),
)
def test_arguments_that_break_the_declaration_are_usage_errors(
    site: Site, arguments: tuple[str, ...]
) -> None:
    assert site.run("tx", "call", *arguments).code == 2


def test_a_recorded_file_verifies_with_its_receipt_beside_it(site: Site) -> None:
    deed = Path("deed.pdf")
    deed.write_bytes(b"one parcel of land")
    assert site.run("tx", "record", "land-registry", "parcel-17", deed).code == 0
    genesis = site.directory / "genesis.json"
    outcome = urbanchain(
        "verify", "deed.pdf.receipt.json", "--document", deed, "--genesis", genesis
    )
    assert outcome.code == 0
    assert "land-registry/parcel-17" in outcome.out


def test_a_record_is_found_by_its_name(site: Site) -> None:
    Path("deed.pdf").write_bytes(b"one parcel of land")
    site.run("tx", "record", "land", "a/b c", "deed.pdf", "--metadata", "scan")
    document = site.run("query", "record", "land", "a/b c", "-o", "json").json
    assert [v["metadata"] for v in document["versions"]] == ["scan"]


def test_a_record_of_a_missing_file_is_not_found(site: Site) -> None:
    assert site.run("tx", "record", "land", "p", "nothing.pdf").code == 3


def test_a_transaction_that_is_not_final_in_time_has_an_unknown_outcome(site: Site) -> None:
    site.node.holds = True
    outcome = site.run("tx", "transfer", "alice", "bob", 5, "--timeout", "1ms", "-o", "json")
    assert outcome.code == 5
    assert outcome.json["fate"] == "pending"
    assert f"urbanchain tx wait {outcome.json['id']}" in outcome.err


def test_waiting_goes_on_where_sending_gave_up(site: Site) -> None:
    site.node.holds = True
    sent = site.run("tx", "transfer", "alice", "bob", 5, "--no-wait", "-o", "json").json
    site.node.commit()
    outcome = site.run("tx", "wait", sent["id"], "-o", "json")
    assert (outcome.code, outcome.json["outcome"]) == (0, "applied")


def test_waiting_for_what_nobody_knows_is_not_found(site: Site) -> None:
    assert site.run("tx", "wait", "00" * 32).code == 3


def test_showing_a_transaction_writes_its_receipt_if_asked(site: Site) -> None:
    sent = site.run("tx", "transfer", "alice", "bob", 5, "-o", "json").json
    shown = site.run("tx", "show", sent["id"], "--receipt", "proof.json", "-o", "json").json
    assert shown["receipt"] == "proof.json"
    assert Path("proof.json").read_bytes() == Path(sent["receipt"]).read_bytes()


def test_showing_what_is_no_id_is_a_usage_error(site: Site) -> None:
    assert site.run("tx", "show", "abc").code == 2


def test_a_block_has_the_headers_fields_its_hash_and_its_transactions(site: Site) -> None:
    sent = site.run("tx", "transfer", "alice", "bob", 5, "-o", "json").json
    document = site.run("query", "block", 1, "-o", "json").json
    assert document["hash"] == sent["block_hash"]
    assert document["transactions"] == [sent["id"]]
    assert {"parent", "state_root", "transactions_root", "receipts_root"} <= set(document)


def test_a_block_that_is_not_there_is_not_found(site: Site) -> None:
    assert site.run("query", "block", 7).code == 3


def test_the_chain_and_its_validators_are_described(site: Site) -> None:
    assert site.run("query", "chain", "-o", "json").json["quorum"] == 3
    assert len(site.run("query", "validators", "-o", "json").json["validators"]) == 4


def test_node_status_is_done_when_ready_and_unhealthy_when_not(site: Site) -> None:
    assert site.run("node", "status").code == 0
    site.node.state = NodeState.SYNCING
    assert site.run("node", "status").code == 9


def test_a_node_of_another_chain_is_refused(site: Site, tmp_path: Path) -> None:
    text = (site.directory / "devnet.json").read_text()
    path = site.directory / "devnet.json"
    path.write_text(text.replace(site.node.genesis.hash.hex(), "ab" * 32))
    outcome = site.run("tx", "transfer", "alice", "bob", 5)
    assert outcome.code == 4
    assert "wrong-chain" in outcome.err


def test_a_url_names_the_node_and_a_dead_one_before_it_is_passed_over(site: Site) -> None:
    urls = f"http://127.0.0.1:1,http://127.0.0.1:{site.port}"
    assert site.run("query", "chain", "--url", urls).code == 0


def test_no_node_that_answers_is_unreachable(site: Site) -> None:
    assert site.run("query", "chain", "--url", "http://127.0.0.1:1").code == 6


def test_a_url_that_is_none_is_a_usage_error(site: Site) -> None:
    assert site.run("query", "chain", "--url", "ftp://x").code == 2


def test_without_devnet_and_url_there_is_no_node_to_ask(tmp_path: Path) -> None:
    outcome = urbanchain("--state", tmp_path / "none", "tx", "transfer", "alice", "bob", 5)
    assert outcome.code == 6
    assert "urbanchain devnet up" in outcome.err
