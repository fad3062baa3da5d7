"""What can reach the driver, and the bounded queue it comes through.

Messages from peers may be refused when the queue is full: every protocol above repeats itself. The
answers that the driver asked for itself (from its threads, from its timers) always find room, so it
can never wait for itself.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from consensus import Body, Signed
from urbanchain.driver.messages import Blocks, BlocksRequest
from urbanchain.ledger.admission import Candidate, Rejection


@dataclass(frozen=True, slots=True)
class Heard:
    """A consensus message that passed authentication."""

    message: Signed | Body


@dataclass(frozen=True, slots=True)
class Ahead:
    """A peer spoke from a later epoch, or claims blocks we lack: a hint, not a proof."""

    peer: str
    height: int


@dataclass(frozen=True, slots=True)
class Offered:
    """Envelopes from a client (whose answers go into the future) or from a peer (who gets none)."""

    envelopes: Sequence[bytes]
    answers: "asyncio.Future[list[Answer]] | None"


@dataclass(frozen=True, slots=True)
class Verified:
    """The signatures of offered transactions were checked."""

    offered: Offered
    found: "Sequence[Candidate | Answer]"
    """What is known of each envelope, in order."""
    verdicts: Sequence[bool]
    """One per candidate among `found`, in order."""


@dataclass(frozen=True, slots=True)
class Judgeable:
    """The signatures in a proposal were checked, or its hold is over: judge it now."""

    height: int
    view: int
    digest: bytes
    payload: bytes
    is_reproposed: bool


@dataclass(frozen=True, slots=True)
class BlocksAsked:
    """A peer asks for blocks."""

    peer: str
    request: BlocksRequest


@dataclass(frozen=True, slots=True)
class BlocksCame:
    """A peer sent blocks."""

    peer: str
    blocks: Blocks


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """A link to a peer came up or went down."""

    peer: str
    is_up: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """A client's transaction waits for a block, or was known already."""

    id: bytes
    is_duplicate: bool


@dataclass(frozen=True, slots=True)
class NoRoom:
    """The mempool is full: nothing wrong with the transaction."""

    id: bytes
    agency: str
    is_agency_full: bool


Answer: TypeAlias = Taken | Rejection | NoRoom
Event: TypeAlias = (
    Heard | Ahead | Offered | Verified | Judgeable | BlocksAsked | BlocksCame | LinkChanged
)


class Inbox:
    """Consensus and blocks before transactions, each in order of arrival; bounded for everyone but
    the driver."""

    def __init__(self, events_max: int = 10_000) -> None:
        self._urgent: deque[Event] = deque()
        self._bulk: deque[Event] = deque()
        self._events_max = events_max
        self._arrived = asyncio.Event()
        self._has_room = asyncio.Event()
        self.refused = 0
        """Events that found no room so far."""

    def offer(self, event: Event) -> bool:
        """Add an event from outside; False if there is no room."""
        if len(self._urgent) + len(self._bulk) >= self._events_max:
            self.refused += 1
            return False
        self.add(event)
        return True

    def add(self, event: Event) -> None:
        """Add an event that the driver caused itself."""
        is_bulk = isinstance(event, Offered | Verified)
        (self._bulk if is_bulk else self._urgent).append(event)
        self._arrived.set()

    def next(self) -> Event | None:
        """The most urgent event, None if there is none."""
        self._has_room.set()
        if self._urgent:
            return self._urgent.popleft()
        return self._bulk.popleft() if self._bulk else None

    async def wait_for_room(self) -> None:
        """Return when some events were drained since the call."""
        self._has_room.clear()
        await self._has_room.wait()

    async def wait(self, timeout_s: float) -> None:
        """Return when an event is there, or after `timeout_s`."""
        if self._urgent or self._bulk:
            return
        self._arrived.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._arrived.wait()
        except TimeoutError:
            return
