"""Every operation of the SDK, written once, without I/O: generators in the sense of exchange.py.

`Client` and `AsyncClient` only run them. Paths and media types of the API appear here and nowhere
else in the SDK.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from urbanchain.client import building, results
from urbanchain.client.building import Call, ChainInfo, Draft, Sender, Signed
from urbanchain.client.errors import BadAnswer, Refused, StillPending, make_error
from urbanchain.client.exchange import (
    Nodes,
    Operation,
    Pause,
    Request,
    Response,
    exchange,
    read_json,
)
from urbanchain.client.results import Fields
from urbanchain.keys import Key
from urbanchain.transactions import join_batch

BATCH_MEDIA_TYPE = "application/vnd.urbanchain.batch"
BATCH_BYTES_MAX = 4 * 1024 * 1024
BATCH_COUNT_MAX = 10_000
WAIT_STEPS_S = (1.0, 10.0)
"""How long a node is asked to hold a request: at first, and at most. The first is short, so that a
node which does not know the transaction is found out soon."""
RESUBMIT_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks an operation reads."""

    now_ms: Callable[[], int]
    """Wall clock, ms since the epoch: for expiries."""
    monotonic_s: Callable[[], float]
    """Never goes back: for time-outs."""


@dataclass(slots=True)
class Operations:
    """The operations over one set of nodes, and what has been learnt about their chain."""

    nodes: Nodes
    clock: Clock
    key: Key | None = None
    sender: Sender | None = None
    genesis_hash: bytes | None = None
    """If given, nodes of any other chain are refused."""
    _info: ChainInfo | None = field(default=None)

    def chain_info(self) -> Operation[ChainInfo]:
        """The chain's name, genesis hash and expiry window; asked for once."""
        if self._info is None:
            fields = yield from self._get("/v1/params")
            parameters = fields.object_or_none("parameters")
            if parameters is None:
                raise BadAnswer(self.nodes.url, "answered without parameters")
            found = bytes.fromhex(fields.text("genesis"))
            if self.genesis_hash not in (None, found):
                raise make_error(
                    "wrong-chain",
                    f"{self.nodes.url} is a node of chain {found.hex()}",
                    {"expected": (self.genesis_hash or b"").hex(), "got": found.hex()},
                )
            window_ms = parameters.number("expiry_window_ms")
            self._info = ChainInfo(fields.text("chain"), found, window_ms)
        return self._info

    def draft(self, call: Call) -> Operation[Draft]:
        """A draft by the client's own account. Raises ValueError if it has none."""
        info = yield from self.chain_info()
        if self.sender is None:
            raise ValueError("the client has no account: give it a key, or a sender's address")
        return building.draft(info, call, self.sender, self.clock.now_ms())

    def send(self, call: Call) -> Operation[tuple[Signed, results.Fate]]:
        """Build, sign and submit. Raises ValueError if the client has no key."""
        if self.key is None:
            raise ValueError("the client has no key to sign with")
        unsigned = yield from self.draft(call)
        signed = unsigned.sign(self.key)
        fate = yield from self.submit(signed)
        return signed, fate

    def submit(self, signed: Signed) -> Operation[results.Fate]:
        """Hand a signed transaction to a node."""
        info = yield from self.chain_info()
        headers = {
            "content-type": "application/octet-stream",
            "x-chain-genesis": info.genesis_hash.hex(),
        }
        request = Request("POST", "/v1/transactions", headers, signed.envelope)
        response = yield from exchange(self.nodes, request)
        return results.read_fate(self._fields(response))

    def submit_batch(self, envelopes: Sequence[bytes]) -> Operation[list[results.Submission]]:
        """Hand over many, in as few requests as the API's limits allow; one answer each."""
        answers: list[results.Submission] = []
        for batch in building.split_into_batches(envelopes, BATCH_COUNT_MAX, BATCH_BYTES_MAX):
            headers = {"content-type": BATCH_MEDIA_TYPE}
            request = Request("POST", "/v1/transactions/batch", headers, join_batch(batch))
            response = yield from exchange(self.nodes, request)
            items = self._fields(response).objects("results")
            if len(items) != len(batch):
                raise BadAnswer(self.nodes.url, "answered for another number of transactions")
            answers += [results.read_submission(item) for item in items]
        return answers

    def fate(self, transaction_id: str, wait_s: float = 0.0) -> Operation[results.Fate]:
        """What became of a transaction; with `wait_s` the node answers late, if it is not final."""
        query = f"?wait={wait_s:.3f}" if wait_s > 0 else ""
        target = f"/v1/transactions/{quote(transaction_id, safe='')}{query}"
        fields = yield from self._get(target, wait_s)
        return results.read_fate(fields)

    def final(
        self, transaction_id: str, timeout_s: float, signed: Signed | None = None
    ) -> Operation[results.Receipt]:
        """Wait until a transaction is final, and fetch its receipt.

        A node that does not know it, or lost it, is handed it again if `signed` is at hand. Raises
        Refused, Expired or StillPending."""
        deadline = self.clock.monotonic_s() + timeout_s
        step_s, longest_s = WAIT_STEPS_S
        while True:
            left_s = max(0.0, deadline - self.clock.monotonic_s())
            fate = yield from self.fate(transaction_id, min(left_s, step_s))
            step_s = min(2 * step_s, longest_s)
            if fate.state == "final":
                return (yield from self._settled(fate))
            if fate.state == "expired":
                detail = f"transaction {transaction_id} expired before it was included"
                raise make_error("expired", detail, {"id": transaction_id})
            left_s = deadline - self.clock.monotonic_s()
            if left_s <= 0:
                expires_at_ms = signed.expires_at_ms if signed else fate.expires_at_ms
                raise StillPending(transaction_id, expires_at_ms)
            if fate.state in ("unknown", "evicted"):
                yield Pause(min(RESUBMIT_PAUSE_S, left_s))
                if signed is not None:
                    yield from self.submit(signed)

    def _settled(self, fate: results.Fate) -> Operation[results.Receipt]:
        receipt = yield from self.receipt(fate.id, fate.finality_ms)
        if receipt.outcome == "refused":
            raise Refused(receipt.code, fate.reason, fate.id, receipt.height, receipt)
        return receipt

    def receipt(
        self, transaction_id: str, finality_ms: int | None = None
    ) -> Operation[results.Receipt]:
        """The receipt of a final transaction, refused ones too. Raises NotFound."""
        target = f"/v1/transactions/{quote(transaction_id, safe='')}/receipt"
        response = yield from exchange(self.nodes, Request("GET", target))
        return results.read_receipt(self.nodes.url, response.body, finality_ms)

    def account(self, address: str) -> Operation[results.Account]:
        """An account by its address. Raises NotFound."""
        fields = yield from self._get(f"/v1/accounts/{quote(address, safe='')}")
        return results.read_account(fields)

    def block(self, which: int | str = "latest") -> Operation[results.Block]:
        """A block by height, hash or `latest`. Raises NotFound."""
        fields = yield from self._get(f"/v1/blocks/{quote(str(which), safe='')}")
        return results.read_block(fields)

    def blocks(
        self, before: int | None = None, limit: int = 20
    ) -> Operation[tuple[results.Block, ...]]:
        """Blocks below a height (the newest without one), newest first."""
        lower = "" if before is None else f"&before={before}"
        fields = yield from self._get(f"/v1/blocks?limit={limit}{lower}")
        return tuple(results.read_block(item) for item in fields.objects("blocks"))

    def record(self, registry: str, key: str) -> Operation[results.Record]:
        """All versions anchored under registry/key. Raises NotFound."""
        target = f"/v1/records/{quote(registry, safe='')}/{quote(key, safe='')}"
        fields = yield from self._get(target)
        return results.read_record(fields)

    def validators(self) -> Operation[tuple[results.ValidatorInfo, ...]]:
        """The current epoch's, in seat order."""
        fields = yield from self._get("/v1/validators")
        return tuple(results.read_validator(item) for item in fields.objects("validators"))

    def status(self) -> Operation[results.Status]:
        """The answering node at this moment."""
        fields = yield from self._get("/v1/status")
        return results.read_status(fields)

    def genesis(self) -> Operation[bytes]:
        """genesis.json, byte for byte. Take it from somewhere you trust before verifying by it."""
        response = yield from exchange(self.nodes, Request("GET", "/v1/genesis"))
        return response.body

    def get_json(self, target: str) -> Operation[object]:
        """Any other route of the API, as its JSON value."""
        response = yield from exchange(self.nodes, Request("GET", target))
        value: object = read_json(self.nodes.url, response)
        return value

    def _get(self, target: str, wait_s: float = 0.0) -> Operation[Fields]:
        request = Request("GET", target, wait_s=wait_s)
        response = yield from exchange(self.nodes, request)
        return self._fields(response)

    def _fields(self, response: Response) -> Fields:
        return Fields(self.nodes.url, read_json(self.nodes.url, response))
