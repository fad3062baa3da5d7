"""The asyncio client: the same operations over aiohttp, under the same names."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

import aiohttp

from urbanchain.client import building, results
from urbanchain.client.building import Call, ChainInfo, Draft, Signed
from urbanchain.client.exchange import (
    RESPONSE_BYTES_MAX,
    Attempt,
    Operation,
    Response,
    TransportFailed,
)
from urbanchain.client.sync import FINAL_TIMEOUT_S, ClientOptions, make_operations
from urbanchain.encoding import Encodable
from urbanchain.keys import Key

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AsyncPending:
    """A submitted transaction."""

    id: str
    expires_at_ms: int
    _client: "AsyncClient" = field(repr=False)
    _signed: Signed = field(repr=False)

    async def final(self, timeout: float = FINAL_TIMEOUT_S) -> results.Receipt:  # noqa: ASYNC109
        """Its receipt, once it is final. Raises Refused, Expired, or StillPending after `timeout`
        seconds."""
        client = self._client
        return await client.run(client.operations.final(self.id, timeout, self._signed))

    async def fate(self) -> results.Fate:
        """What became of it so far."""
        return await self._client.fate(self.id)


class AsyncClient:
    """A chain, seen through one or more of its nodes; see Client for what the methods do."""

    def __init__(
        self,
        urls: str | Sequence[str],
        *,
        key: Key | None = None,
        options: ClientOptions | None = None,
    ) -> None:
        self._options = options or ClientOptions()
        self.operations = make_operations(urls, key, self._options)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def build(self) -> "AsyncBuilder":
        """Transactions of the client's account, not yet signed."""
        return AsyncBuilder(self)

    async def transfer(self, to: str, amount: int) -> AsyncPending:
        """Move `amount` minor units to an address."""
        return await self._send(building.transfer(to, amount))

    async def mint(self, to: str, amount: int) -> AsyncPending:
        """Create `amount` minor units at an address; needs the role issuer."""
        return await self._send(building.mint(to, amount))

    async def record(
        self, registry: str, key: str, *, sha256: bytes | str, metadata: str = ""
    ) -> AsyncPending:
        """Anchor a document's SHA-256 under registry/key."""
        return await self._send(building.record(registry, key, sha256, metadata))

    async def call(self, contract: str, call: str, *arguments: Encodable) -> AsyncPending:
        """Any call of any contract, arguments by position; addresses as their 20 bytes."""
        return await self._send(Call(contract, call, arguments))

    async def submit(self, signed: Signed) -> AsyncPending:
        """Hand over a transaction signed elsewhere; again, if need be."""
        await self.run(self.operations.submit(signed))
        return AsyncPending(signed.id, signed.expires_at_ms, self, signed)

    async def submit_batch(self, envelopes: Sequence[bytes]) -> list[results.Submission]:
        """Hand over many signed transactions; one answer each, in their order."""
        return await self.run(self.operations.submit_batch(envelopes))

    async def fate(self, transaction_id: str, *, wait_s: float = 0.0) -> results.Fate:
        """What became of a transaction, as far as the node knows."""
        return await self.run(self.operations.fate(transaction_id, wait_s))

    async def final(
        self,
        transaction_id: str,
        timeout: float = FINAL_TIMEOUT_S,  # noqa: ASYNC109
    ) -> results.Receipt:
        """The receipt of any transaction, once it is final."""
        return await self.run(self.operations.final(transaction_id, timeout))

    async def receipt(self, transaction_id: str) -> results.Receipt:
        """The receipt of a final transaction, refused ones too."""
        return await self.run(self.operations.receipt(transaction_id))

    async def account(self, address: str) -> results.Account:
        """An account."""
        return await self.run(self.operations.account(address))

    async def block(self, which: int | str = "latest") -> results.Block:
        """A block by height, hash or `latest`."""
        return await self.run(self.operations.block(which))

    async def blocks(
        self, *, before: int | None = None, limit: int = 20
    ) -> tuple[results.Block, ...]:
        """Blocks below a height, newest first."""
        return await self.run(self.operations.blocks(before, limit))

    async def records(self, registry: str, key: str) -> results.Record:
        """All that was anchored under registry/key."""
        return await self.run(self.operations.record(registry, key))

    async def validators(self) -> tuple[results.ValidatorInfo, ...]:
        """The current epoch's validators."""
        return await self.run(self.operations.validators())

    async def status(self) -> results.Status:
        """The answering node."""
        return await self.run(self.operations.status())

    async def genesis(self) -> bytes:
        """genesis.json as the node has it."""
        return await self.run(self.operations.genesis())

    async def info(self) -> ChainInfo:
        """The chain's name, genesis hash and expiry window."""
        return await self.run(self.operations.chain_info())

    async def get_json(self, target: str) -> object:
        """Any other route, as its JSON value."""
        return await self.run(self.operations.get_json(target))

    async def run(self, operation: Operation[T]) -> T:
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
                await asyncio.sleep(wish.seconds)
                continue
            try:
                answer = await self._attempt(wish)
            except TransportFailed as error:
                failure = error

    async def _attempt(self, attempt: Attempt) -> Response:
        request = attempt.request
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False)
        timeout = aiohttp.ClientTimeout(total=self._options.timeout_s + request.wait_s)
        try:
            async with self._session.request(
                request.method,
                attempt.url + request.target,
                headers={"accept-encoding": "identity", **request.headers},
                data=request.body if request.method == "POST" else None,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                body = await _read_bounded(response.content)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Response(response.status, headers, body)
        except TimeoutError as error:
            raise TransportFailed("did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransportFailed(str(error) or type(error).__name__) from error

    async def _send(self, call: Call) -> AsyncPending:
        signed, _ = await self.run(self.operations.send(call))
        return AsyncPending(signed.id, signed.expires_at_ms, self, signed)


async def _read_bounded(content: aiohttp.StreamReader) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > RESPONSE_BYTES_MAX:
            raise TransportFailed("an answer beyond all measure")
    return b"".join(chunks)


@dataclass(frozen=True, slots=True)
class AsyncBuilder:
    """Builds drafts: transactions that lack only a signature."""

    _client: AsyncClient

    async def transfer(self, to: str, amount: int) -> Draft:
        """See Client.transfer."""
        return await self._draft(building.transfer(to, amount))

    async def mint(self, to: str, amount: int) -> Draft:
        """See Client.mint."""
        return await self._draft(building.mint(to, amount))

    async def record(
        self, registry: str, key: str, *, sha256: bytes | str, metadata: str = ""
    ) -> Draft:
        """See Client.record."""
        return await self._draft(building.record(registry, key, sha256, metadata))

    async def call(self, contract: str, call: str, *arguments: Encodable) -> Draft:
        """See Client.call."""
        return await self._draft(Call(contract, call, arguments))

    async def _draft(self, call: Call) -> Draft:
        return await self._client.run(self._client.operations.draft(call))
