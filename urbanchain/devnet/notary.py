"""Recording many documents through all validators at once, as a client sees it.

A lane for each validator signs and submits batches; what is under way is bounded. One watcher reads
every block as it appears and notes when each transaction became final. What stays under way for
long is submitted again, elsewhere: the node that had it may be dead, and a transaction executes at
most once.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from urbanchain.client import AsyncClient, ChainInfo, NotFound, Submission
from urbanchain.client.building import Sender, Signed, draft, record
from urbanchain.devnet.documents import Document
from urbanchain.devnet.errors import DemoFailed
from urbanchain.keys import PrivateKey

REGISTRY = "files"
UNDER_WAY_MAX = 2_000
UNDER_WAY_SHARE = 8
"""This part of all documents is under way at a time, so that there is a half way."""
BATCH_MAX = 250
WATCH_STEP_S = 0.25
STALE_S = 2.0
STALL_S = 60.0
_RETRYABLE = ("mempool-full", "rate-limited", "not-ready", "syncing")


@dataclass(frozen=True, slots=True)
class Lane:
    """A validator to submit to first, and the account that does."""

    client: AsyncClient
    key: PrivateKey


@dataclass(frozen=True, slots=True)
class Commit:
    """A block, as the watcher saw it appear."""

    at_s: float
    """On the monotonic clock."""
    height: int
    final_count: int
    """Documents in it."""


@dataclass(slots=True)
class _UnderWay:
    document: Document
    signed: Signed
    first_sent_at: float
    last_sent_at: float


@dataclass(slots=True)
class Notary:
    """One run over a list of documents."""

    lanes: Sequence[Lane]
    watcher: AsyncClient
    info: ChainInfo
    documents: Sequence[Document]
    on_final: Callable[[int], None] = lambda count: None
    ids: dict[str, Document] = field(default_factory=dict)
    """What is final, by transaction."""
    latencies_s: list[float] = field(default_factory=list)
    """From submission to final, one for each."""
    commits: list[Commit] = field(default_factory=list)
    started_at: float = 0.0
    killed: str = ""
    """The validator that was killed meanwhile."""
    half_way: asyncio.Event = field(default_factory=asyncio.Event)
    _under_way: dict[str, _UnderWay] = field(default_factory=dict)
    _progress: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Record all documents. Raises DemoFailed if one is refused or nothing moves any more."""
        self.started_at = time.monotonic()
        self._check_half_way()
        pending = iter(self.documents)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            repeating = group.create_task(self._repeat_stale())
            for lane in self.lanes:
                group.create_task(self._feed(lane, pending))
            await watching
            repeating.cancel()

    @property
    def _window(self) -> int:
        return max(1, min(UNDER_WAY_MAX, len(self.documents) // UNDER_WAY_SHARE))

    async def _feed(self, lane: Lane, pending: Iterator[Document]) -> None:
        size = max(1, min(BATCH_MAX, self._window // len(self.lanes)))
        while True:
            while len(self._under_way) >= self._window:
                self._progress.clear()
                await self._progress.wait()
            batch = list(islice(pending, size))
            if not batch:
                return
            signed = [self._sign(lane, document) for document in batch]
            now = time.monotonic()
            for document, one in zip(batch, signed, strict=True):
                self._under_way[one.id] = _UnderWay(document, one, now, now)
            await self._submit(lane.client, signed)

    def _sign(self, lane: Lane, document: Document) -> Signed:
        call = record(REGISTRY, document.key, document.sha256)
        now_ms = time.time_ns() // 1_000_000
        return draft(self.info, call, Sender.of(lane.key), now_ms).sign(lane.key)

    async def _submit(self, client: AsyncClient, signed: Sequence[Signed]) -> None:
        answers = await client.submit_batch([one.envelope for one in signed])
        for answer in answers:
            _check_taken(answer)

    async def _repeat_stale(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(STALE_S / 4)
            now = time.monotonic()
            stale = [w for w in self._under_way.values() if now - w.last_sent_at > STALE_S]
            for entry in stale[:BATCH_MAX]:
                entry.last_sent_at = now
            if stale:
                turn += 1
                lane = self.lanes[turn % len(self.lanes)]
                await self._submit(lane.client, [w.signed for w in stale[:BATCH_MAX]])

    async def _watch(self) -> None:
        height = 0
        while len(self.ids) < len(self.documents):
            try:
                block = await self.watcher.block(height + 1)
            except NotFound:
                self._check_moving()
                await self._wait_for_news()
                continue
            height += 1
            self._note_final(height, block.transactions)

    async def _wait_for_news(self) -> None:
        oldest = next(iter(self._under_way), None)
        if oldest is None:
            await asyncio.sleep(0.005)
        else:
            await self.watcher.fate(oldest, wait_s=WATCH_STEP_S)

    def _note_final(self, height: int, ids: Sequence[str]) -> None:
        now = time.monotonic()
        found = [self._under_way.pop(id_) for id_ in ids if id_ in self._under_way]
        for entry in found:
            self.ids[entry.signed.id] = entry.document
            self.latencies_s.append(now - entry.first_sent_at)
        self.commits.append(Commit(now, height, len(found)))
        self.on_final(len(found))
        self._progress.set()
        self._check_half_way()

    def _check_half_way(self) -> None:
        if len(self.ids) >= len(self.documents) // 2:
            self.half_way.set()

    def _check_moving(self) -> None:
        last = self.commits[-1].at_s if self.commits else self.started_at
        if time.monotonic() - last > STALL_S:
            raise DemoFailed(f"no block for {STALL_S:g} s: the chain does not go on")


def _check_taken(answer: Submission) -> None:
    if answer.problem is not None and answer.problem not in _RETRYABLE:
        raise DemoFailed(f"a transaction was not taken: {answer.detail} ({answer.problem})")


def longest_gap_s(commits: Sequence[Commit], since_s: float) -> float:
    """The longest time without a commit from a moment on: it begins with the last commit before,
    or with the moment itself if there was none, and ends with the last commit."""
    before = max((c.at_s for c in commits if c.at_s <= since_s), default=since_s)
    times = [before, *(c.at_s for c in commits if c.at_s > since_s)]
    return max((b - a for a, b in pairwise(times)), default=0.0)


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that at least `percent` per cent do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, rank - 1)] if ordered else 0.0
