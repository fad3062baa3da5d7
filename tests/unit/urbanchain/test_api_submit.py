"""Submitting over HTTP: what is taken, what is refused under which name, what a caller hears."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.backend import TRANSACTIONS_MAX, InstantNode
from tests.fakes.chains import START_MS, account_key, make_envelope, make_genesis
from tests.fakes.serving import Site, serve
from urbanchain.api.app import ListenerConfig
from urbanchain.api.calls import ApiLimits
from urbanchain.encoding import Encodable
from urbanchain.receipts import ReceiptFile
from urbanchain.transactions import decode_transaction, join_batch
from urbanchain.verify import verify_receipt

OCTETS = "application/octet-stream"
BATCH = "application/vnd.urbanchain.batch"
BOB = account_key("bob").address
GENESIS = make_genesis()


def transfer(amount: int = 5, sender: str = "alice", **options: int) -> bytes:
    return make_envelope(GENESIS.hash, ("tokens", "transfer", (BOB, amount)), sender, **options)


def envelope(contract: str, call: str, *arguments: Encodable, sender: str = "alice") -> bytes:
    return make_envelope(GENESIS.hash, (contract, call, arguments), sender)


def id_of(data: bytes) -> str:
    return decode_transaction(data, GENESIS.hash).id.hex()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serve() as opened:
        yield opened


@pytest.fixture
async def held() -> AsyncIterator[Site]:
    """A node that makes no block until it is told to."""
    async with serve(InstantNode(holds=True)) as opened:
        yield opened


async def test_an_envelope_is_taken_and_located(held: Site) -> None:
    data = transfer()
    reply = await held.post("/v1/transactions", data, OCTETS)
    assert reply.status == 202
    assert reply.headers["Location"] == f"/v1/transactions/{id_of(data)}"
    assert (reply.json["id"], reply.json["fate"]) == (id_of(data), "pending")


@pytest.mark.parametrize("strip", [True, False])
async def test_json_with_base64url_means_the_same_as_octets(site: Site, strip: bool) -> None:
    text = b64(transfer())
    body = {"envelope": text.rstrip("=") if strip else text, "genesis": GENESIS.hash.hex()}
    reply = await site.post("/v1/transactions", body)
    assert (reply.status, reply.json["id"]) == (200, id_of(transfer()))


async def test_who_prefers_to_wait_gets_the_receipt(held: Site) -> None:
    data = transfer()
    asking = asyncio.create_task(
        held.post("/v1/transactions", data, OCTETS, Prefer="respond-async, wait=10")
    )
    await held.node.waited.wait()
    held.node.commit()
    reply = await asking
    assert (reply.status, reply.json["fate"], reply.json["outcome"]) == (200, "final", "applied")
    assert reply.headers["Preference-Applied"] == "wait=10"
    file = (json.dumps(reply.json["receipt"], indent=2) + "\n").encode()
    assert verify_receipt(file, GENESIS.raw).id.hex() == id_of(data)


async def test_a_wait_that_ends_first_is_202_and_no_error(held: Site) -> None:
    reply = await held.post("/v1/transactions", transfer(), OCTETS, Prefer="wait=0")
    assert (reply.status, reply.json["fate"], reply.json["receipt"]) == (202, "pending", None)


@pytest.mark.parametrize("prefer", ["wait=x", "wait", "handling=lenient", "wait=-1", "wait=1.5"])
async def test_preferences_not_understood_are_ignored(held: Site, prefer: str) -> None:
    reply = await held.post("/v1/transactions", transfer(), OCTETS, Prefer=prefer)
    assert reply.status == 202
    assert "Preference-Applied" not in reply.headers


async def test_sent_twice_it_executes_once_and_both_get_the_same_receipt(site: Site) -> None:
    first = await site.post("/v1/transactions", transfer(), OCTETS, Prefer="wait=5")
    second = await site.post("/v1/transactions", transfer(), OCTETS, Prefer="wait=5")
    assert first.json["receipt"] == second.json["receipt"]
    with site.node.reader() as reader:
        account = reader.account(BOB)
    assert account is not None
    assert account.balance == 1_000_005


async def test_a_refusal_in_execution_is_final_and_says_why(site: Site) -> None:
    reply = await site.post("/v1/transactions", transfer(2_000_000), OCTETS, Prefer="wait=5")
    assert (reply.status, reply.json["outcome"]) == (200, "refused")
    assert reply.json["code"] == "insufficient-balance"
    assert "1000000" in reply.json["reason"]
    assert "2000000" in reply.json["reason"]


@pytest.mark.parametrize(
    ("data", "problem", "status"),
    [
        (transfer()[:-1] + bytes([transfer()[-1] ^ 1]), "invalid-signature", 422),
        (transfer(sender="nobody"), "unknown-account", 422),
        (transfer(expires_at_ms=START_MS - 1), "expired", 422),
        (transfer(expires_at_ms=START_MS + 10**9), "invalid-request", 400),
        (transfer(0), "invalid-request", 400),
        (transfer(-5), "invalid-request", 400),
        (transfer(1 << 63), "invalid-request", 400),
        (transfer() + b"\0", "invalid-request", 400),
        (transfer()[:-1], "invalid-request", 400),
        (b"", "invalid-request", 400),
        (b"\xff" * 200, "invalid-request", 400),
        (envelope("tokens", "burn", 5), "invalid-request", 400),
        (envelope("tokens", "mint", BOB, 5), "forbidden", 403),
        (envelope("tokens", "transfer", BOB, True), "invalid-request", 400),
        (envelope("tokens", "transfer", BOB, "5"), "invalid-request", 400),
        (envelope("tokens", "transfer", BOB), "invalid-request", 400),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_not_admissible_is_refused_by_name_and_changes_nothing(
    site: Site, data: bytes, problem: str, status: int
) -> None:
    reply = await site.post("/v1/transactions", data, OCTETS)
    assert (reply.problem, reply.status) == (problem, status)
    assert reply.json["detail"]
    assert site.node.height == 0


async def test_an_amount_of_zero_is_refused_at_its_place(site: Site) -> None:
    reply = await site.post("/v1/transactions", transfer(0), OCTETS)
    assert reply.json["pointer"] == "transaction.arguments[1]"


async def test_A06_a_body_with_a_second_spelling_is_refused(site: Site) -> None:
    data = transfer()
    position = data.index(b"\x93\xa6tokens")
    longer = data[:position] + b"\xdc\x00\x03" + data[position + 1 :]
    reply = await site.post("/v1/transactions", longer, OCTETS)
    assert reply.problem == "invalid-request"


@pytest.mark.parametrize("way", ["header", "json"])
async def test_another_chains_genesis_is_wrong_chain(site: Site, way: str) -> None:
    other = "ab" * 32
    if way == "header":
        reply = await site.post("/v1/transactions", transfer(), OCTETS, X_Chain_Genesis=other)
    else:
        body = {"envelope": b64(transfer()), "genesis": other}
        reply = await site.post("/v1/transactions", body)
    assert reply.problem == "wrong-chain"
    assert (reply.json["expected"], reply.json["got"]) == (GENESIS.hash.hex(), other)


async def test_an_envelope_signed_for_another_chain_has_no_valid_signature(site: Site) -> None:
    foreign = make_envelope(bytes(32), ("tokens", "transfer", (BOB, 5)))
    reply = await site.post("/v1/transactions", foreign, OCTETS)
    assert reply.problem == "invalid-signature"


async def test_a_full_mempool_is_503_and_says_when_to_retry(held: Site) -> None:
    for nonce in range(TRANSACTIONS_MAX):
        await held.post("/v1/transactions", transfer(nonce=nonce), OCTETS)
    reply = await held.post("/v1/transactions", transfer(nonce=999), OCTETS)
    assert (reply.problem, reply.status, reply.json["retryable"]) == ("mempool-full", 503, True)
    assert reply.headers["Retry-After"] == "1"


async def test_an_empty_token_bucket_is_rate_limited() -> None:
    poor = make_genesis(burst=100, rate_per_s=1)
    node = InstantNode(genesis=poor)
    async with serve(node) as site:
        for nonce in range(10):
            data = make_envelope(poor.hash, ("tokens", "transfer", (BOB, 1)), nonce=nonce)
            last = await site.post("/v1/transactions", data, OCTETS)
            assert last.status == 200
        data = make_envelope(poor.hash, ("tokens", "transfer", (BOB, 1)), nonce=99)
        reply = await site.post("/v1/transactions", data, OCTETS)
    assert (reply.problem, reply.status) == ("rate-limited", 429)
    assert reply.headers["Retry-After"] == "1"


async def test_too_many_submissions_at_a_time_are_503() -> None:
    node = InstantNode(submit_gate=asyncio.Event())
    config = ListenerConfig(limits=ApiLimits(submissions_max=1))
    async with serve(node, config) as site:
        first = asyncio.create_task(site.post("/v1/transactions", transfer(), OCTETS))
        second = asyncio.create_task(site.post("/v1/transactions", transfer(nonce=1), OCTETS))
        done, _ = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
        assert {task.result().problem for task in done} == {"mempool-full"}
        assert node.submit_gate is not None
        node.submit_gate.set()
        assert sorted([(await first).status, (await second).status]) == [200, 503]


class TestBatch:
    async def test_a_binary_batch_is_answered_item_by_item(self, site: Site) -> None:
        bad = transfer(nonce=1)[:-1] + b"\xff"
        batch = join_batch([transfer(), bad, transfer(), transfer(nonce=2)])
        reply = await site.post("/v1/transactions/batch", batch, BATCH)
        assert reply.status == 200
        results = reply.json["results"]
        assert [r["id"] for r in results] == [
            id_of(transfer()),
            None,
            id_of(transfer()),
            id_of(transfer(nonce=2)),
        ]
        assert [r["duplicate"] for r in results] == [False, False, True, False]
        assert results[1]["problem"]["type"] == "/problems/invalid-signature"
        assert (reply.json["accepted"], reply.json["rejected"]) == (3, 1)

    async def test_a_json_batch_means_the_same(self, site: Site) -> None:
        body = {"envelopes": [b64(transfer()), b64(transfer(nonce=1))]}
        reply = await site.post("/v1/transactions/batch", body)
        assert (reply.json["accepted"], site.node.height) == (2, 1)

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            (b"\0\0", "batch[0]"),
            (b"\0\0\0\5abc", "batch[0]"),
            (join_batch([b"x"]) + b"\xff\xff\xff\xff", "batch[1]"),
            (b"", ""),
            (join_batch([b""] * 10_001), "batch[10000]"),
        ],
    )
    async def test_a_broken_binary_batch_is_refused_whole(
        self, site: Site, body: bytes, pointer: str
    ) -> None:
        reply = await site.post("/v1/transactions/batch", body, BATCH)
        assert (reply.problem, reply.json["pointer"]) == ("invalid-request", pointer)

    @pytest.mark.parametrize(
        "body",
        [
            {"envelopes": []},
            {"envelopes": ["AA"] * 1_001},
            {"envelopes": "AA"},
            {"envelopes": [1]},
            {"envelopes": ["AA"], "extra": 1},
            {"envelopes": ["A"]},
            {},
        ],
    )
    async def test_a_broken_json_batch_is_refused_whole(self, site: Site, body: Any) -> None:
        reply = await site.post("/v1/transactions/batch", body)
        assert reply.problem == "invalid-request"

    async def test_a_batch_for_another_chain_is_refused(self, site: Site) -> None:
        batch = join_batch([transfer()])
        reply = await site.post("/v1/transactions/batch", batch, BATCH, X_Chain_Genesis="00" * 32)
        assert reply.problem == "wrong-chain"


async def test_the_fate_of_the_unknown_is_unknown(site: Site) -> None:
    reply = await site.get(f"/v1/transactions/{'00' * 32}")
    assert (reply.status, reply.json["fate"], reply.json["outcome"]) == (200, "unknown", None)


async def test_a_long_poll_ends_when_the_transaction_is_final(held: Site) -> None:
    data = transfer()
    await held.post("/v1/transactions", data, OCTETS)
    asking = asyncio.create_task(held.get(f"/v1/transactions/{id_of(data)}?wait=10.5"))
    await held.node.waited.wait()
    held.node.commit()
    reply = await asking
    assert (reply.json["fate"], reply.json["height"], reply.json["index"]) == ("final", 1, 0)
    assert reply.json["receipt_url"] == f"/v1/transactions/{id_of(data)}/receipt"


async def test_an_expired_transaction_says_so(held: Site) -> None:
    data = transfer()
    await held.post("/v1/transactions", data, OCTETS)
    held.node.expire(bytes.fromhex(id_of(data)))
    reply = await held.get(f"/v1/transactions/{id_of(data)}?wait=1")
    assert (reply.json["fate"], reply.json["receipt_url"]) == ("expired", None)


async def test_a_receipt_is_the_file_byte_for_byte(site: Site) -> None:
    data = transfer()
    await site.post("/v1/transactions", data, OCTETS)
    reply = await site.get(f"/v1/transactions/{id_of(data)}/receipt")
    assert ReceiptFile.decode(reply.body).encode() == reply.body
    assert verify_receipt(reply.body, GENESIS.raw).signed_by == "4 of 4"


async def test_there_is_no_receipt_before_it_is_final(held: Site) -> None:
    data = transfer()
    await held.post("/v1/transactions", data, OCTETS)
    reply = await held.get(f"/v1/transactions/{id_of(data)}/receipt")
    assert (reply.problem, reply.status) == ("not-found", 404)


@pytest.mark.parametrize("name", ["00", "zz" * 32, "AB" * 32, "00" * 33, "%00", "\uff11" * 64])
async def test_an_id_is_64_lower_case_hex_digits(site: Site, name: str) -> None:
    reply = await site.get(f"/v1/transactions/{name}")
    assert (reply.problem, reply.json["pointer"]) == ("invalid-request", "id")
