"""The SDK against a real listener: the same story told by the blocking and the asyncio client."""

import asyncio
import inspect
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.fakes.backend import InstantNode
from tests.fakes.chains import account_key, make_genesis
from tests.fakes.serving import Site, serve
from urbanchain.addresses import format_address
from urbanchain.client import (
    AsyncClient,
    BadAnswer,
    Client,
    ClientOptions,
    Expired,
    Forbidden,
    InvalidRequest,
    MempoolFull,
    NotFound,
    OfflineSigner,
    Refused,
    StillPending,
    UnknownAccount,
    Unreachable,
    WrongChain,
)
from urbanchain.client.building import EXPIRY_MS, ChainInfo, split_into_batches
from urbanchain.keys import PrivateKey
from urbanchain.verify import VerificationFailed, verify_receipt

T = TypeVar("T")
GENESIS = make_genesis()
ALICE, BOB = account_key("alice"), account_key("bob")
BOB_ADDRESS = format_address(BOB.address)


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def make_node(**options: Any) -> InstantNode:
    return InstantNode(now_ms=wall_ms, **options)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serve(make_node()) as opened:
        yield opened


async def blocking(
    site: Site,
    story: Callable[[Client], T],
    *,
    key: PrivateKey = ALICE,
    options: ClientOptions | None = None,
) -> T:
    """Tell a story with a blocking client in a thread of its own."""

    def run() -> T:
        with Client(site.listener.url, key=key, options=options) as chain:
            return story(chain)

    return await asyncio.to_thread(run)


async def test_a_transfer_becomes_final_and_its_receipt_verifies(site: Site) -> None:
    receipt = await blocking(site, lambda chain: chain.transfer(BOB_ADDRESS, 5).final(timeout=5))
    assert (receipt.outcome, receipt.height, receipt.finality_ms) == ("applied", 1, 5)
    verdict = receipt.verify(GENESIS.raw)
    assert (verdict.contract, verdict.call) == ("tokens", "transfer")
    assert verdict.block_hash.hex() == receipt.block_hash


async def test_the_asyncio_client_tells_the_same_story(site: Site) -> None:
    async with AsyncClient(site.listener.url, key=ALICE) as chain:
        pending = await chain.transfer(to=BOB_ADDRESS, amount=5)
        receipt = await pending.final(timeout=5)
        assert receipt.verify(GENESIS.raw).signed_by == "4 of 4"
        assert (await chain.account(BOB_ADDRESS)).balance == 1_000_005
        assert (await pending.fate()).state == "final"


async def test_a_document_is_recorded_saved_and_verified_offline(
    site: Site, tmp_path: Path
) -> None:
    document = b"the deed"

    def story(chain: Client) -> Path:
        pending = chain.record("land", "parcel-17", sha256=sha256(document).digest())
        pending.final(timeout=5).save(tmp_path / "receipt.json")
        versions = chain.records("land", "parcel-17").versions
        assert [v.sha256 for v in versions] == [sha256(document).hexdigest()]
        return tmp_path / "receipt.json"

    path = await blocking(site, story)
    verdict = verify_receipt(path.read_bytes(), GENESIS.raw, document)
    assert verdict.document_sha256 == sha256(document).digest()
    with pytest.raises(VerificationFailed):
        verify_receipt(path.read_bytes(), GENESIS.raw, document + b".")


async def test_a_refusal_raises_with_its_code_sentence_and_receipt(site: Site) -> None:
    with pytest.raises(Refused) as caught:
        await blocking(site, lambda chain: chain.transfer(BOB_ADDRESS, 10**9).final(timeout=5))
    assert caught.value.code == "insufficient-balance"
    assert "1000000000" in caught.value.sentence
    assert caught.value.receipt.verify(GENESIS.raw).code == "insufficient-balance"


async def test_what_is_not_admissible_raises_its_problem(site: Site) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await blocking(site, lambda chain: chain.transfer(BOB_ADDRESS, 0))
    assert caught.value.facts["pointer"] == "transaction.arguments[1]"
    with pytest.raises(Forbidden):
        await blocking(site, lambda chain: chain.mint(BOB_ADDRESS, 5))
    with pytest.raises(UnknownAccount):
        await blocking(
            site, lambda chain: chain.transfer(BOB_ADDRESS, 5), key=account_key("nobody")
        )


async def test_the_issuer_mints(site: Site) -> None:
    issuer = account_key("treasury")
    await blocking(site, lambda chain: chain.mint(BOB_ADDRESS, 7).final(), key=issuer)
    assert (await blocking(site, lambda chain: chain.account(BOB_ADDRESS))).balance == 1_000_007


async def test_any_call_can_be_made_by_its_names(site: Site) -> None:
    newcomer = account_key("newcomer")

    def story(chain: Client) -> None:
        chain.call("agencies", "open_account", 1, newcomer.public_key, (), "new").final()

    await blocking(site, story, key=account_key("admin"))
    address = format_address(newcomer.address)
    opened = await blocking(site, lambda chain: chain.account(address))
    assert (opened.label, opened.agency, opened.balance) == ("new", "transport", 0)


async def test_a_draft_is_signed_elsewhere_and_submitted_twice_with_one_effect(site: Site) -> None:
    def story(chain: Client) -> None:
        draft = chain.build.transfer(BOB_ADDRESS, 5)
        signed = OfflineSigner(ALICE).sign(draft)
        assert signed.id == draft.id.hex()
        first = chain.submit(signed).final(timeout=5)
        second = chain.submit(signed).final(timeout=5)
        assert first.file == second.file
        assert chain.account(BOB_ADDRESS).balance == 1_000_005

    await blocking(site, story)


async def test_builders_make_every_kind_of_draft(site: Site) -> None:
    async with AsyncClient(site.listener.url, key=account_key("treasury")) as chain:
        drafts = [
            await chain.build.transfer(BOB_ADDRESS, 1),
            await chain.build.mint(BOB_ADDRESS, 1),
            await chain.build.record("land", "k", sha256="00" * 32, metadata="m"),
            await chain.build.call("tokens", "transfer", BOB.address, 1),
        ]
    assert len({draft.id for draft in drafts}) == 4
    assert all(draft.genesis_hash == GENESIS.hash for draft in drafts)


async def test_what_is_not_final_in_time_is_still_pending(site: Site) -> None:
    site.node.holds = True

    def story(chain: Client) -> str:
        pending = chain.transfer(BOB_ADDRESS, 5)
        with pytest.raises(StillPending) as caught:
            pending.final(timeout=0)
        assert caught.value.expires_at_ms == pending.expires_at_ms
        assert pending.fate().state == "pending"
        return pending.id

    transaction_id = await blocking(site, story)
    site.node.commit()
    receipt = await blocking(site, lambda chain: chain.final(transaction_id, timeout=5))
    assert receipt.id == transaction_id


async def test_waiting_ends_when_the_block_comes(site: Site) -> None:
    site.node.holds = True
    async with AsyncClient(site.listener.url, key=ALICE) as chain:
        pending = await chain.transfer(BOB_ADDRESS, 5)
        waiting = asyncio.create_task(pending.final(timeout=10))
        await site.node.waited.wait()
        site.node.commit()
        assert (await waiting).height == 1


async def test_a_transaction_that_the_node_lost_is_handed_over_again(site: Site) -> None:
    site.node.holds = True
    async with AsyncClient(site.listener.url, key=ALICE) as chain:
        pending = await chain.transfer(BOB_ADDRESS, 5)
        site.node.forget(bytes.fromhex(pending.id))
        site.node.holds = False
        assert (await pending.final(timeout=10)).height == 1


async def test_an_expired_transaction_raises(site: Site) -> None:
    site.node.holds = True
    async with AsyncClient(site.listener.url, key=ALICE) as chain:
        pending = await chain.transfer(BOB_ADDRESS, 5)
        site.node.expire(bytes.fromhex(pending.id))
        with pytest.raises(Expired):
            await pending.final(timeout=5)


async def test_a_batch_is_answered_item_by_item(site: Site) -> None:
    def story(chain: Client) -> None:
        signed = [chain.build.transfer(BOB_ADDRESS, 1).sign(ALICE) for _ in range(3)]
        broken = signed[1].envelope[:-1]
        answers = chain.submit_batch([signed[0].envelope, broken, signed[2].envelope])
        assert [a.id for a in answers] == [signed[0].id, None, signed[2].id]
        assert [a.problem for a in answers] == [None, "invalid-request", None]
        assert answers[1].detail

    await blocking(site, story)


async def test_reading_the_chain(site: Site) -> None:
    def story(chain: Client) -> None:
        receipt = chain.transfer(BOB_ADDRESS, 5).final()
        block = chain.block()
        assert (block.height, block.transactions) == (1, (receipt.id,))
        assert chain.block(1) == chain.block(block.hash) == block
        assert [b.height for b in chain.blocks(limit=5)] == [1]
        assert chain.blocks(before=1) == ()
        assert chain.receipt(receipt.id).file == receipt.file
        assert [v.name for v in chain.validators()] == [f"validator-{i}" for i in range(4)]
        assert (chain.status().height, chain.status().chain) == (1, "tests")
        assert chain.genesis() == GENESIS.raw
        assert chain.info() == ChainInfo("tests", GENESIS.hash, 600_000)
        mempool = chain.get_json("/v1/mempool")
        assert isinstance(mempool, dict)
        assert mempool["transactions"] == 0

    await blocking(site, story)


async def test_what_is_not_there_raises_not_found(site: Site) -> None:
    for story in (
        lambda chain: chain.block(99),
        lambda chain: chain.records("land", "a/b c%"),
        lambda chain: chain.account(format_address(bytes(20))),
        lambda chain: chain.receipt("00" * 32),
    ):
        with pytest.raises(NotFound):
            await blocking(site, story)


async def test_a_dead_node_is_passed_over_by_both_clients(site: Site) -> None:
    async with serve(make_node()) as dead:
        gone = dead.listener.url
    urls = [gone, site.listener.url]
    async with AsyncClient(urls, key=ALICE) as chain:
        assert (await chain.status()).height == 0

    def story() -> int:
        with Client(urls, key=ALICE) as chain:
            return chain.transfer(BOB_ADDRESS, 5).final().height

    assert await asyncio.to_thread(story) == 1


async def test_a_node_that_dies_between_two_requests_is_passed_over() -> None:
    second = make_node()
    async with serve(second) as survivor:
        first = serve(make_node())
        site = await first.__aenter__()
        chain = Client([site.listener.url, survivor.listener.url], key=ALICE)
        assert (await asyncio.to_thread(chain.status)).height == 0
        await first.__aexit__(None, None, None)
        receipt = await asyncio.to_thread(lambda: chain.transfer(BOB_ADDRESS, 5).final())
        chain.close()
    assert receipt.height == 1


async def test_when_no_node_answers_every_url_is_named() -> None:
    async with serve(make_node()) as dead:
        gone = dead.listener.url
    with pytest.raises(Unreachable) as caught:
        await asyncio.to_thread(lambda: Client([gone]).status())
    assert gone in str(caught.value)
    async with AsyncClient(gone) as chain:
        with pytest.raises(Unreachable):
            await chain.status()


async def test_a_busy_node_is_passed_over_and_named_if_all_are_busy() -> None:
    busy = make_node(holds=True)
    async with serve(busy) as site, serve(make_node()) as idle:
        with Client(site.listener.url, key=ALICE) as chain:
            for _ in range(20):
                await asyncio.to_thread(chain.transfer, BOB_ADDRESS, 1)
            with pytest.raises(MempoolFull) as caught:
                await asyncio.to_thread(chain.transfer, BOB_ADDRESS, 1)
            assert caught.value.retry_after_s == 1
        with Client([site.listener.url, idle.listener.url], key=ALICE) as chain:
            await asyncio.to_thread(lambda: chain.transfer(BOB_ADDRESS, 1).final())
    assert idle.node.height == 1


async def test_a_node_of_another_chain_is_refused(site: Site) -> None:
    options = ClientOptions(genesis_hash=bytes(32))
    with pytest.raises(WrongChain):
        await blocking(site, lambda chain: chain.transfer(BOB_ADDRESS, 5), options=options)


async def test_another_programs_answers_are_bad_answers() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(BadAnswer):
            await asyncio.to_thread(lambda: Client(f"http://127.0.0.1:{port}").status())


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:7080", "ftp://x", "http://", "http://a/?q", "http://u:p@h"]
)
def test_a_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        Client(url)


async def test_a_client_without_a_key_reads_but_does_not_send(site: Site) -> None:
    with Client(site.listener.url) as chain:
        assert (await asyncio.to_thread(chain.status)).chain == "tests"
        with pytest.raises(ValueError, match="key"):
            await asyncio.to_thread(chain.transfer, BOB_ADDRESS, 5)


def test_the_default_expiry_is_five_minutes_or_less_where_the_window_is_shorter() -> None:
    assert ChainInfo("c", b"", 600_000).default_expiry_ms(1_000) == 1_000 + EXPIRY_MS
    assert ChainInfo("c", b"", 60_000).default_expiry_ms(1_000) == 1_000 + 54_000


def test_batches_are_split_within_both_limits_and_nothing_is_lost() -> None:
    envelopes = [bytes([i]) * (i + 1) for i in range(50)]
    batches = split_into_batches(envelopes, count_max=7, bytes_max=100)
    assert [e for batch in batches for e in batch] == envelopes
    assert all(len(batch) <= 7 for batch in batches)
    assert all(sum(len(e) + 4 for e in batch) <= 100 for batch in batches)
    assert split_into_batches([], 7, 100) == []


def test_both_clients_have_the_same_names_with_the_same_parameters() -> None:
    def shape(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert shape(Client) == shape(AsyncClient)


def test_the_sdk_is_light_to_import() -> None:
    code = (
        "import sys, urbanchain.client\n"
        "heavy = {'aiohttp', 'pydantic', 'plyvel', 'asyncio', 'click', 'rich'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_verifier_needs_no_node_server_or_database() -> None:
    code = (
        "import sys, urbanchain.verify\n"
        "heavy = {'aiohttp', 'plyvel', 'asyncio'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
