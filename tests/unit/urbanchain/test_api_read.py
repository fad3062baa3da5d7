"""Reading the chain over HTTP."""

from collections.abc import AsyncIterator
from hashlib import sha256
from urllib.parse import quote

import pytest

from tests.fakes.chains import account_key, make_envelope, make_genesis
from tests.fakes.serving import Site, serve
from urbanchain.addresses import format_address
from urbanchain.transactions import decode_transaction, join_batch

GENESIS = make_genesis()
ALICE, BOB = (format_address(account_key(name).address) for name in ("alice", "bob"))
DIGEST = sha256(b"deed").digest()
KEY = "plans/2026/n\u00f6rdlich 17%.pdf"


def sign(call: tuple[str, str, tuple[bytes | int | str, ...]], nonce: int = 0) -> bytes:
    return make_envelope(GENESIS.hash, call, nonce=nonce)


TRANSFERS = [
    sign(("tokens", "transfer", (account_key("bob").address, 5)), nonce) for nonce in range(5)
]
REFUSED = sign(("tokens", "transfer", (account_key("bob").address, 10**9)))
ANCHORS = [sign(("records", "anchor", ("land", KEY, DIGEST, f"v{n}")), n) for n in range(2)]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A chain of eight blocks: five transfers, one refused, two versions of a record."""
    async with serve() as opened:
        for envelope in [*TRANSFERS, REFUSED, *ANCHORS]:
            await opened.node.submit([envelope])
        yield opened


def id_of(envelope: bytes) -> str:
    return decode_transaction(envelope, GENESIS.hash).id.hex()


async def test_a_block_is_found_by_height_hash_and_as_latest(site: Site) -> None:
    latest = await site.get("/v1/blocks/latest")
    by_height = await site.get("/v1/blocks/8")
    by_hash = await site.get(f"/v1/blocks/{latest.json['hash']}")
    assert latest.json == by_height.json == by_hash.json
    assert latest.json["transactions"] == [id_of(ANCHORS[1])]
    assert latest.json["genesis_hash"] == GENESIS.hash.hex()
    assert latest.json["time"].endswith("Z")


async def test_a_block_by_name_never_changes_and_latest_is_never_kept(site: Site) -> None:
    block = await site.get("/v1/blocks/3")
    assert "immutable" in block.headers["Cache-Control"]
    assert block.headers["ETag"] == f'"{block.json["hash"]}"'
    latest = await site.get("/v1/blocks/latest")
    assert latest.headers["Cache-Control"] == "no-store"


async def test_who_has_it_already_is_not_sent_it_again(site: Site) -> None:
    for path in ("/v1/blocks/3", "/v1/genesis", f"/v1/transactions/{id_of(REFUSED)}/receipt"):
        tag = (await site.get(path)).headers["ETag"]
        again = await site.get(path, If_None_Match=f'"other", {tag}')
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("which", ["0", "9", "00" * 32, str((1 << 63) - 1)])
async def test_a_block_that_is_not_there_is_not_found(site: Site, which: str) -> None:
    assert (await site.get(f"/v1/blocks/{which}")).problem == "not-found"


@pytest.mark.parametrize("which", ["-1", "1.0", "+1", "newest", "%d9%a1", "1" * 20, "AB" * 32])
async def test_a_block_is_named_in_three_ways_and_no_other(site: Site, which: str) -> None:
    assert (await site.get(f"/v1/blocks/{which}")).problem == "invalid-request"


async def test_blocks_are_listed_newest_first_page_by_page(site: Site) -> None:
    heights, before = [], ""
    for _ in range(3):
        page = (await site.get(f"/v1/blocks?limit=3{before}")).json
        heights.append([block["height"] for block in page["blocks"]])
        before = f"&before={page['next_before']}"
    assert heights == [[8, 7, 6], [5, 4, 3], [2, 1]]
    assert page["next_before"] is None


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "before=0",
        "offset=3",
        "limit=3&limit=4",
        "limit=",
        "limit=%D9%A3",
    ],
)
async def test_a_query_is_read_strictly(site: Site, query: str) -> None:
    assert (await site.get(f"/v1/blocks?{query}")).problem == "invalid-request"


async def test_an_empty_chain_has_no_blocks() -> None:
    async with serve() as site:
        assert (await site.get("/v1/blocks")).json == {"blocks": [], "next_before": None}
        assert (await site.get("/v1/blocks/latest")).problem == "not-found"


async def test_a_blocks_transactions_are_decoded_by_their_declaration(site: Site) -> None:
    reply = await site.get("/v1/blocks/1/transactions")
    (transaction,) = reply.json["transactions"]
    assert transaction["id"] == id_of(TRANSFERS[0])
    assert transaction["arguments"] == {"to": BOB, "amount": "5"}
    assert transaction["sender"] == ALICE
    assert transaction["events"] == [
        {
            "contract": "tokens",
            "event": "transfer",
            "fields": {"from": ALICE, "to": BOB, "amount": "5"},
        }
    ]
    refused = (await site.get("/v1/blocks/6/transactions")).json["transactions"][0]
    assert (refused["outcome"], refused["code"]) == ("refused", "insufficient-balance")
    assert refused["reason"]


async def test_a_blocks_certificate_names_its_signers(site: Site) -> None:
    reply = await site.get("/v1/blocks/2/certificate")
    assert reply.json["block_hash"] == (await site.get("/v1/blocks/2")).json["hash"]
    assert [s["validator"] for s in reply.json["signatures"]] == [
        f"validator-{seat}" for seat in range(4)
    ]
    assert reply.json["quorum"] == 3


async def test_an_account_shows_its_balance_as_a_decimal_string(site: Site) -> None:
    reply = await site.get(f"/v1/accounts/{BOB}")
    assert reply.json == {
        "address": BOB,
        "agency": "water",
        "label": "bob",
        "roles": ["operator"],
        "open": True,
        "suite": 1,
        "key": account_key("bob").public_key.hex(),
        "balance": "1000025",
    }


async def test_an_account_that_is_not_there_is_not_found(site: Site) -> None:
    stranger = format_address(bytes(20))
    assert (await site.get(f"/v1/accounts/{stranger}")).problem == "not-found"
    assert (await site.get(f"/v1/accounts/{stranger}/transactions")).problem == "not-found"


@pytest.mark.parametrize("address", [ALICE[:-1] + "q", ALICE.title(), "bc1qqqq", "%00", "x" * 500])
async def test_a_mistyped_address_is_told_so(site: Site, address: str) -> None:
    reply = await site.get(f"/v1/accounts/{address}")
    assert (reply.problem, reply.json["pointer"]) == ("invalid-request", "address")


async def test_an_accounts_transactions_are_paged_by_cursor_newest_first(site: Site) -> None:
    found, before = [], ""
    while True:
        page = (await site.get(f"/v1/accounts/{BOB}/transactions?limit=2{before}")).json
        found += [item["height"] for item in page["transactions"]]
        if page["next_before"] is None:
            break
        before = f"&before={page['next_before']}"
    assert found == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("cursor", ["5", "5:", "a:b", "5:4294967296", "9223372036854775808:0"])
async def test_a_cursor_is_height_and_index(site: Site, cursor: str) -> None:
    reply = await site.get(f"/v1/accounts/{BOB}/transactions?before={cursor}")
    assert reply.problem == "invalid-request"


async def test_a_record_keeps_all_its_versions(site: Site) -> None:
    reply = await site.get(f"/v1/records/land/{quote(KEY, safe='')}")
    assert (reply.json["registry"], reply.json["key"]) == ("land", KEY)
    assert [v["version"] for v in reply.json["versions"]] == [1, 2]
    assert [v["metadata"] for v in reply.json["versions"]] == ["v0", "v1"]
    assert {v["sha256"] for v in reply.json["versions"]} == {DIGEST.hex()}
    assert {v["recorded_by"] for v in reply.json["versions"]} == {ALICE}


async def test_a_records_key_may_be_written_with_plain_slashes(site: Site) -> None:
    reply = await site.get(f"/v1/records/land/{quote(KEY, safe='/')}")
    assert reply.json["key"] == KEY


@pytest.mark.parametrize("path", ["land/other", "sea/" + quote(KEY), "land/" + "k" * 500])
async def test_a_record_that_is_not_there_is_not_found(site: Site, path: str) -> None:
    assert (await site.get(f"/v1/records/{path}")).problem == "not-found"


async def test_genesis_is_served_byte_for_byte(site: Site) -> None:
    assert (await site.get("/v1/genesis")).body == GENESIS.raw


async def test_who_and_what_the_chain_is(site: Site) -> None:
    params = (await site.get("/v1/params")).json
    assert (params["chain"], params["genesis"]) == ("tests", GENESIS.hash.hex())
    assert params["parameters"]["expiry_window_ms"] == 600_000
    agencies = (await site.get("/v1/agencies")).json["agencies"]
    assert [a["name"] for a in agencies] == ["police", "tax", "transport", "water"]
    validators = (await site.get("/v1/validators")).json
    assert (validators["quorum"], validators["tolerates"], len(validators["validators"])) == (
        3,
        1,
        4,
    )
    contracts = (await site.get("/v1/contracts")).json["contracts"]
    assert {c["name"] for c in contracts} == {"agencies", "tokens", "records"}


async def test_the_nodes_own_views(site: Site) -> None:
    status = (await site.get("/v1/status")).json
    assert (status["height"], status["state"], status["primary"]) == (8, "ready", "validator-1")
    assert status["state_root"] == (await site.get("/v1/blocks/8")).json["state_root"]
    site.node.holds = True
    batch = join_batch([sign(("tokens", "transfer", (account_key("bob").address, 1)), 77)])
    await site.post("/v1/transactions/batch", batch, "application/vnd.urbanchain.batch")
    mempool = (await site.get("/v1/mempool")).json
    assert mempool["transactions"] == 1
    assert mempool["agencies"][0]["agency"] == "transport"
    consensus = (await site.get("/v1/consensus")).json
    assert (consensus["height"], consensus["quorum"], len(consensus["validators"])) == (8, 3, 4)


async def test_every_answer_has_the_chains_height_and_a_request_id(site: Site) -> None:
    for path in ("/v1/status", "/nowhere", "/v1/blocks/99"):
        reply = await site.get(path)
        assert reply.headers["X-Chain-Height"] == "8"
        assert len(reply.headers["X-Request-Id"]) == 16
    reply = await site.get("/v1/status", X_Request_Id="abc-123")
    assert reply.headers["X-Request-Id"] == "abc-123"
    reply = await site.get("/v1/status", X_Request_Id="<script>")
    assert reply.headers["X-Request-Id"] != "<script>"


async def test_head_answers_like_get_without_a_body(site: Site) -> None:
    reply = await site.get("/v1/status", method="HEAD")
    assert (reply.status, reply.body) == (200, b"")


async def test_no_other_origin_is_let_in(site: Site) -> None:
    reply = await site.get("/v1/status", Origin="https://evil.example")
    assert not [name for name in reply.headers if name.startswith("Access-Control")]
    preflight = await site.get("/v1/status", method="OPTIONS", Origin="https://evil.example")
    assert preflight.problem == "method-not-allowed"


class TestOps:
    async def test_a_live_process_is_live(self) -> None:
        async with serve(ops=True) as site:
            assert (await site.get("/livez")).status == 200

    async def test_a_ready_node_is_ready(self) -> None:
        async with serve(ops=True) as site:
            assert (await site.get("/readyz?max_behind=2&min_voting=3")).status == 200

    async def test_a_node_that_is_not_ready_says_which_checks_failed(self) -> None:
        async with serve(ops=True) as site:
            reply = await site.get("/readyz?min_voting=5")
        assert (reply.problem, reply.status) == ("not-ready", 503)
        (check,) = reply.json["failed_checks"]
        assert check == {"component": "consensus", "reason": "hears 4 of 5 validators"}

    async def test_the_version_is_told(self) -> None:
        async with serve(ops=True) as site:
            assert (await site.get("/version")).json["genesis"] == GENESIS.hash.hex()

    async def test_health_is_not_on_the_public_listener_nor_the_chain_on_the_operators(
        self,
    ) -> None:
        async with serve() as public, serve(ops=True) as ops:
            assert (await public.get("/livez")).problem == "not-found"
            assert (await ops.get("/v1/status")).problem == "not-found"
