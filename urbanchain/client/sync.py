"""The blocking client: the operations of operations.py over http.client, one method each."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

from urbanchain.client import building, results
from urbanchain.client.building import Call, ChainInfo, Draft, Sender, Signed
from urbanchain.client.exchange import Attempt, Nodes, Operation, Response, TransportFailed
from urbanchain.client.operations import Clock, Operations
from urbanchain.client.wire import Wire, check_url
from urbanchain.encoding import Encodable
from urbanchain.keys import Key

T = TypeVar("T")
FINAL_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """What is seldom set."""

    timeout_s: float = 10.0
    """For a node to answer, beyond what it was asked to wait."""
    sender: str | None = None
    """The account's address, where the key is not its first."""
    genesis_hash: bytes | None = None
    """If given, nodes of any other chain are refused."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A submitted transaction."""

    id: str
    expires_at_ms: int
    _client: "Client" = field(repr=False)
    _signed: Signed = field(repr=False)

    def final(self, timeout: float = FINAL_TIMEOUT_S) -> results.Receipt:
        """Its receipt, once it is final. Raises Refused, Expired, or StillPending after `timeout`
        seconds."""
        client = self._client
        return client.run(client.operations.final(self.id, timeout, self._signed))

    def fate(self) -> results.Fate:
        """What became of it so far."""
        return self._client.fate(self.id)


class Client:
    """A chain, seen through one or more of its nodes; fails over between them.

    Methods raise RequestFailed (one class for each problem of the API), Unreachable or BadAnswer.
    """

    def __init__(
        self,
        urls: str | Sequence[str],
        *,
        key: Key | None = None,
        options: ClientOptions | None = None,
    ) -> None:
        chosen = options or ClientOptions()
        self.operations = make_operations(urls, key, chosen)
        self._wire = Wire(chosen.timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    @property
    def build(self) -> "Builder":
        """Transactions of the client's account, not yet signed."""
        return Builder(self)

    def transfer(self, to: str, amount: int) -> Pending:
        """Move `amount` minor units to an address."""
        return self._send(building.transfer(to, amount))

    def mint(self, to: str, amount: int) -> Pending:
        """Create `amount` minor units at an address; needs the role issuer."""
        return self._send(building.mint(to, amount))

    def record(
        self, registry: str, key: str, *, sha256: bytes | str, metadata: str = ""
    ) -> Pending:
        """Anchor a document's SHA-256 under registry/key."""
        return self._send(building.record(registry, key, sha256, metadata))

    def call(self, contract: str, call: str, *arguments: Encodable) -> Pending:
        """Any call of any contract, arguments by position; addresses as their 20 bytes."""
        return self._send(Call(contract, call, arguments))

    def submit(self, signed: Signed) -> Pending:
        """Hand over a transaction signed elsewhere; again, if need be."""
        self.run(self.operations.submit(signed))
        return Pending(signed.id, signed.expires_at_ms, self, signed)

    def submit_batch(self, envelopes: Sequence[bytes]) -> list[results.Submission]:
        """Hand over many signed transactions; one answer each, in their order."""
        return self.run(self.operations.submit_batch(envelopes))

    def fate(self, transaction_id: str, *, wait_s: float = 0.0) -> results.Fate:
        """What became of a transaction, as far as the node knows."""
        return self.run(self.operations.fate(transaction_id, wait_s))

    def final(self, transaction_id: str, timeout: float = FINAL_TIMEOUT_S) -> results.Receipt:
        """The receipt of any transaction, once it is final."""
        return self.run(self.operations.final(transaction_id, timeout))

    def receipt(self, transaction_id: str) -> results.Receipt:
        """The receipt of a final transaction, refused ones too."""
        return self.run(self.operations.receipt(transaction_id))

    def account(self, address: str) -> results.Account:
        """An account."""
        return self.run(self.operations.account(address))

    def block(self, which: int | str = "latest") -> results.Block:
        """A block by height, hash or `latest`."""
        return self.run(self.operations.block(which))

    def blocks(self, *, before: int | None = None, limit: int = 20) -> tuple[results.Block, ...]:
        """Blocks below a height, newest first."""
        return self.run(self.operations.blocks(before, limit))

    def records(self, registry: str, key: str) -> results.Record:
        """All that was anchored under registry/key."""
        return self.run(self.operations.record(registry, key))

    def validators(self) -> tuple[results.ValidatorInfo, ...]:
        """The current epoch's validators."""
        return self.run(self.operations.validators())

    def status(self) -> results.Status:
        """The answering node."""
        return self.run(self.operations.status())

    def genesis(self) -> bytes:
        """genesis.json as the node has it."""
        return self.run(self.operations.genesis())

    def info(self) -> ChainInfo:
        """The chain's name, genesis hash and expiry window."""
        return self.run(self.operations.chain_info())

    def get_json(self, target: str) -> object:
        """Any other route, as its JSON value."""
        return self.run(self.operations.get_json(target))

    def run(self, operation: Operation[T]) -> T:
        """Carry out an operation: send what it attempts, sleep when it pauses."""
        answer: Response | None = None
        failure: TransportFailed | None = None
        while True:
            try:
                wish = operation.send(answer) if failure is None else operation.throw(failure)
            except StopIteration as stop:
                result: T = stop.value
                return result
            answer = failure = None
            if not isinstance(wish, Attempt):
                time.sleep(wish.seconds)
                continue
            try:
                answer = self._wire.send(wish)
            except TransportFailed as error:
                failure = error

    def _send(self, call: Call) -> Pending:
        signed, _ = self.run(self.operations.send(call))
        return Pending(signed.id, signed.expires_at_ms, self, signed)


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds drafts: transactions that lack only a signature."""

    _client: Client

    def transfer(self, to: str, amount: int) -> Draft:
        """See Client.transfer."""
        return self._draft(building.transfer(to, amount))

    def mint(self, to: str, amount: int) -> Draft:
        """See Client.mint."""
        return self._draft(building.mint(to, amount))

    def record(self, registry: str, key: str, *, sha256: bytes | str, metadata: str = "") -> Draft:
        """See Client.record."""
        return self._draft(building.record(registry, key, sha256, metadata))

    def call(self, contract: str, call: str, *arguments: Encodable) -> Draft:
        """See Client.call."""
        return self._draft(Call(contract, call, arguments))

    def _draft(self, call: Call) -> Draft:
        return self._client.run(self._client.operations.draft(call))


def make_operations(
    urls: str | Sequence[str], key: Key | None, options: ClientOptions
) -> Operations:
    """The operations over these nodes for this key, on the machine's clocks. Raises ValueError."""
    listed = (urls,) if isinstance(urls, str) else tuple(urls)
    if not listed:
        raise ValueError("a client needs the URL of at least one node")
    return Operations(
        nodes=Nodes(tuple(check_url(url) for url in listed)),
        clock=Clock(now_ms=lambda: time.time_ns() // 1_000_000, monotonic_s=time.monotonic),
        key=key,
        sender=None if key is None else Sender.of(key, options.sender),
        genesis_hash=options.genesis_hash,
    )
