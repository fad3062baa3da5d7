"""The ledger: what is proposed is judged valid elsewhere, what is doctored is not, and nothing
happens twice."""

from dataclasses import replace

import pytest

from storage.memory import MemoryStore
from tests.fakes import city
from tests.fakes.city import ALICE, BOB, ISSUER, NOW_MS, City
from urbanchain.errors import ConfigurationError
from urbanchain.genesis import GenesisFile, parse_genesis
from urbanchain.ledger.admission import Candidate, Rejection
from urbanchain.ledger.chain import DivergentState, Judgement, Ledger, Verdict
from urbanchain.signatures import SignatureCache
from urbanchain.types import Block, Header, Outcome, Receipt


@pytest.fixture
def town() -> City:
    return City()


def judge(ledger: Ledger, block: Block, now_ms: int = NOW_MS) -> Judgement:
    return ledger.judge(block.header.hash(), block.encode(), now_ms, is_clock_exempt=False)


def test_what_one_validator_proposes_another_judges_valid_and_both_reach_one_state(
    town: City,
) -> None:
    other = City()
    proposal = town.propose(town.transfer(ALICE, BOB, 5))
    assert judge(other.ledger, Block.decode(proposal.payload)).verdict is Verdict.VALID
    town.commit(proposal)
    other.commit(proposal)
    assert town.ledger.head == other.ledger.head
    assert town.balance(ALICE) == city.BALANCE - 5
    assert town.balance(BOB) == city.BALANCE + 5


def test_a_reopened_ledger_stands_where_it_stood(town: City) -> None:
    town.commit(town.propose(town.transfer(ALICE, BOB, 5)))
    again = Ledger.open(town.genesis, town.store, SignatureCache())
    assert again.head == town.ledger.head


@pytest.mark.parametrize(
    "change",
    [
        {"version": 1, "genesis_hash": bytes(32)},
        {"epoch": 1},
        {"height": 2},
        {"parent": bytes(32)},
        {"time_ms": 1},
        {"proposer": bytes(20)},
        {"validators_hash": bytes(32)},
        {"next_validators_hash": bytes(32)},
        {"transactions_root": bytes(32)},
        {"receipts_root": bytes(32)},
        {"state_root": bytes(32)},
    ],
    ids=lambda change: list(change)[-1],
)
def test_C11_a_header_with_one_wrong_field_gets_no_vote(
    town: City, change: dict[str, object]
) -> None:
    block = Block.decode(town.propose(town.transfer(ALICE, BOB, 5)).payload)
    doctored = Block(replace(block.header, **change), block.envelopes)  # type: ignore[arg-type]
    judgement = judge(City().ledger, doctored)
    assert judgement.verdict is Verdict.INVALID
    assert judgement.reason


def test_C10_a_payload_that_is_not_the_digests_is_a_mismatch(town: City) -> None:
    proposal = town.propose(town.transfer(ALICE, BOB, 5))
    judgement = City().ledger.judge(bytes(32), proposal.payload, NOW_MS, is_clock_exempt=False)
    assert judgement.verdict is Verdict.MISMATCH


def test_C12_one_bad_signature_makes_the_block_invalid(town: City) -> None:
    good, bad = town.transfer(ALICE, BOB, 1), town.transfer(ALICE, BOB, 2)
    forged = bad[:-1] + bytes([bad[-1] ^ 1])
    block = Block.decode(town.propose(good, bad).payload)
    doctored = Block(block.header, (block.envelopes[0], forged))
    assert "signature" in judge(City().ledger, doctored).reason


def test_a_block_with_a_transaction_twice_is_invalid(town: City) -> None:
    envelope = town.transfer(ALICE, BOB, 1)
    block = Block.decode(town.propose(envelope).payload)
    header = replace(block.header, transaction_count=2)
    assert "twice" in judge(City().ledger, Block(header, (envelope, envelope))).reason


def test_C37_a_block_ahead_of_the_clock_is_held_unless_it_must_be_proposed_again(
    town: City,
) -> None:
    proposal = town.propose(town.transfer(ALICE, BOB, 5))
    early = NOW_MS - 10_000
    held = judge(City().ledger, Block.decode(proposal.payload), early)
    assert held.verdict is Verdict.EARLY
    assert early < held.until_ms <= NOW_MS
    other = City().ledger
    again = other.judge(proposal.digest, proposal.payload, early, is_clock_exempt=True)
    assert again.verdict is Verdict.VALID


def test_A08_a_transaction_is_included_once(town: City) -> None:
    envelope = town.transfer(ALICE, BOB, 5)
    town.commit(town.propose(envelope))
    found = town.examine(envelope)
    assert isinstance(found, Rejection)
    assert found.problem == "conflict"


def test_a_refusal_is_in_the_block_with_its_facts_and_changes_nothing(town: City) -> None:
    proposal = town.propose(town.transfer(ALICE, BOB, city.BALANCE + 1))
    committed = town.commit(proposal)
    receipt = Receipt.decode(committed.prepared.executed.receipts[0])
    assert receipt.outcome is Outcome.REFUSED
    assert receipt.code == "insufficient-balance"
    assert receipt.facts == (ALICE.address, city.BALANCE, city.BALANCE + 1)
    assert town.balance(ALICE) == town.balance(BOB) == city.BALANCE


def test_minting_grows_the_supply_and_stops_at_its_end(town: City) -> None:
    town.commit(town.propose(town.call(ISSUER, "tokens", "mint", BOB.address, 7)))
    assert town.supply() == 3 * city.BALANCE + 7
    most = 2**63 - 1
    committed = town.commit(town.propose(town.call(ISSUER, "tokens", "mint", BOB.address, most)))
    assert Receipt.decode(committed.prepared.executed.receipts[0]).code == "supply-exceeded"
    assert town.supply() == 3 * city.BALANCE + 7


def test_versions_of_a_record_are_kept(town: City) -> None:
    for digest in (b"a" * 32, b"b" * 32):
        call = town.call(ALICE, "records", "anchor", "deeds", "parcel 17", digest, "")
        town.commit(town.propose(call))
    versions = town.reader().record_versions("deeds", "parcel 17")
    assert [(v.version, v.sha256) for v in versions] == [(1, b"a" * 32), (2, b"b" * 32)]


def test_an_admin_opens_and_closes_accounts_of_its_own_agency_only(town: City) -> None:
    opening = town.call(
        city.ADMIN, "agencies", "open_account", 1, city.NEW.public_key, ("operator",), "new"
    )
    town.commit(town.propose(opening))
    assert isinstance(town.examine(town.transfer(city.NEW, BOB, 1)), Candidate)
    town.commit(town.propose(town.call(city.ADMIN, "agencies", "close_account", city.NEW.address)))
    closed = town.examine(town.transfer(city.NEW, BOB, 1))
    assert isinstance(closed, Rejection)
    assert closed.problem == "unknown-account"
    theirs = town.call(city.ADMIN, "agencies", "close_account", BOB.address)
    committed = town.commit(town.propose(theirs))
    assert Receipt.decode(committed.prepared.executed.receipts[0]).code == "not-our-account"


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda t: t.transfer(ALICE, BOB, 0), "invalid-request"),
        (lambda t: t.transfer(ALICE, BOB, -1), "invalid-request"),
        (lambda t: t.transfer(ALICE, BOB, 2**63), "invalid-request"),
        (lambda t: t.call(ALICE, "tokens", "transfer", BOB.address, True), "invalid-request"),
        (lambda t: t.call(ALICE, "tokens", "transfer", BOB.address), "invalid-request"),
        (lambda t: t.call(ALICE, "tokens", "burn", 5), "invalid-request"),
        (lambda t: t.call(ALICE, "tokens", "mint", BOB.address, 5), "forbidden"),
        (lambda t: t.transfer(city.NEW, BOB, 1), "unknown-account"),
        (lambda t: t.transfer(ALICE, BOB, 1, expires_at_ms=NOW_MS - 1), "expired"),
        (lambda t: t.transfer(ALICE, BOB, 1, expires_at_ms=NOW_MS + 10**9), "invalid-request"),
        (lambda t: t.transfer(ALICE, BOB, 1) + b"x", "invalid-request"),
        (lambda t: b"\x02" + t.transfer(ALICE, BOB, 1)[1:], "invalid-request"),
    ],
)
def test_what_is_not_admissible_is_told_as_its_problem(
    town: City, make: object, problem: str
) -> None:
    found = town.examine(make(town))  # type: ignore[operator]
    assert isinstance(found, Rejection)
    assert found.problem == problem


def test_an_agency_spends_its_bucket_and_waits_for_block_time_to_refill_it() -> None:
    town = City(rate_per_s=10, burst=100)
    envelopes = [town.transfer(ALICE, BOB, n + 1) for n in range(12)]
    first = town.propose(*envelopes)
    assert Block.decode(first.payload).header.transaction_count == 10
    town.commit(first)
    assert not town.ledger.has_room("transport", 10, NOW_MS)
    assert town.ledger.has_room("transport", 10, NOW_MS + 1_000)


def test_a_block_that_overspends_a_bucket_is_invalid() -> None:
    rich, poor = City(burst=1_000), City(burst=100)
    proposal = rich.propose(*[rich.transfer(ALICE, BOB, n + 1) for n in range(12)])
    block = Block.decode(proposal.payload)
    header = replace(block.header, genesis_hash=poor.genesis.hash, parent=poor.genesis.hash)
    envelopes = tuple(poor.transfer(ALICE, BOB, n + 1) for n in range(12))
    assert "bucket" in judge(poor.ledger, Block(header, envelopes)).reason


def test_a_certified_block_that_executes_otherwise_halts(town: City) -> None:
    block = Block.decode(town.propose(town.transfer(ALICE, BOB, 5)).payload)
    wrong = Block(replace(block.header, state_root=bytes(32)), block.envelopes)
    with pytest.raises(DivergentState, match="state root"):
        City().ledger.commit(wrong.header.hash(), wrong.encode(), b"")


def test_the_store_of_another_chain_is_refused(town: City) -> None:
    other: GenesisFile = parse_genesis(town.genesis.raw + b"\n")
    with pytest.raises(ConfigurationError, match="belongs to the chain"):
        Ledger.open(other, town.store, SignatureCache())


def test_a_store_whose_state_is_not_its_headers_is_not_opened(town: City) -> None:
    town.commit(town.propose(town.transfer(ALICE, BOB, 5)))
    damaged = MemoryStore()
    for key, value in town.store.scan(b"", None):
        batch = city.put(key, b"\x05" if key.startswith(b"Stokens/balance/") else value)
        damaged.write(batch, sync=True)
    with pytest.raises(DivergentState):
        Ledger.open(town.genesis, damaged, SignatureCache())


def test_an_empty_block_only_moves_time(town: City) -> None:
    before = town.ledger.head
    town.commit(town.ledger.propose_empty(town.proposer, NOW_MS))
    assert town.ledger.head.state_root == before.state_root
    assert town.ledger.head.time_ms == NOW_MS


def test_header_and_payload_survive_encoding(town: City) -> None:
    block = Block.decode(town.propose(town.transfer(ALICE, BOB, 5)).payload)
    assert Header.decode(block.header.encode()) == block.header
    assert Block.decode(block.encode()) == block
