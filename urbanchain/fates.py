"""What became of a transaction, as far as this node knows, and who waits to hear it.

A fate is `final` only from the store, after the block is durable, and `expired` only once a
committed block's time is past the expiry. What is remembered about transactions that never became
final is bounded.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

REMEMBERED_MAX = 100_000


class FateState(Enum):
    """The stations of a transaction's life as a client sees it."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    PROPOSED = "proposed"
    FINAL = "final"
    EXPIRED = "expired"
    EVICTED = "evicted"

    @property
    def is_last(self) -> bool:
        """Whether nothing more will happen to it."""
        return self in (FateState.FINAL, FateState.EXPIRED, FateState.EVICTED)


@dataclass(slots=True)
class Station:
    """What this node remembers of one transaction beside the store."""

    state: FateState
    received_at: float
    """On the driver's clock, in seconds."""
    finality_ms: int | None = None


class FateBook:
    """Recent transactions by id, oldest forgotten first, and the futures of those who wait."""

    def __init__(self, remembered_max: int = REMEMBERED_MAX) -> None:
        self._stations: OrderedDict[bytes, Station] = OrderedDict()
        self._waiters: dict[bytes, list[asyncio.Future[None]]] = {}
        self._remembered_max = remembered_max

    def station(self, transaction_id: bytes) -> Station | None:
        """What is remembered of a transaction, or None."""
        return self._stations.get(transaction_id)

    def received(self, transaction_id: bytes, now: float) -> None:
        """It was admitted here for the first time."""
        self._stations[transaction_id] = Station(FateState.PENDING, now)
        if len(self._stations) > self._remembered_max:
            self._stations.popitem(last=False)

    def moved(self, transaction_id: bytes, state: FateState, now: float) -> None:
        """It reached a station; those who wait are told if it is the last one."""
        station = self._stations.get(transaction_id)
        if station is not None:
            station.state = state
            if state is FateState.FINAL:
                station.finality_ms = max(0, round((now - station.received_at) * 1000))
        if state.is_last and self._waiters:
            for waiter in self._waiters.pop(transaction_id, ()):
                if not waiter.done():
                    waiter.set_result(None)

    async def wait(self, transaction_id: bytes, timeout_s: float) -> None:
        """Return when the transaction reaches its last station, or after `timeout_s` seconds."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(transaction_id, [])
        waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError:
            pass
        finally:
            if waiter in waiters:
                waiters.remove(waiter)
            if not waiters and self._waiters.get(transaction_id) is waiters:
                del self._waiters[transaction_id]
