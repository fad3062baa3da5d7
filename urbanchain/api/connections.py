"""The limits of a connection that HTTP itself does not set: how many, how slow.

aiohttp's protocol is wrapped in a guard that counts connections, closes one whose first request has
not sent its headers in time (slow-loris), and one whose reader has stopped reading. Bodies have
their deadline where they are read (app.py), idle connections aiohttp's keep-alive time-out.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

_HEADERS_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one listener grants its clients."""

    connections_max: int = 512
    """More are closed at once."""
    headers_timeout_s: float = 10.0
    """From the connection to the end of the first request's headers."""
    write_timeout_s: float = 30.0
    """How long a client may leave an answer unread."""
    idle_timeout_s: float = 15.0
    """Between two requests, and for the whole of a later request's headers."""
    linger_s: float = 2.0
    """How long the unread rest of a refused body is read before the connection is closed."""


@dataclass(slots=True)
class ConnectionCount:
    """The open connections of one listener."""

    limits: ConnectionLimits
    open: set["GuardedConnection"] = field(default_factory=set)

    def guard(self, make_protocol: Callable[[], asyncio.Protocol]) -> "GuardedConnection":
        """A protocol factory's product for one more connection."""
        return GuardedConnection(self, make_protocol)


class GuardedConnection(asyncio.Protocol):
    """One connection: passes everything on to the protocol it guards, until a limit is reached."""

    def __init__(
        self, count: ConnectionCount, make_protocol: Callable[[], asyncio.Protocol]
    ) -> None:
        self._count = count
        self._make_protocol = make_protocol
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._headers_tail: bytes | None = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Refuse one too many; else start the clock for the first headers."""
        # Other loops' transports have its methods without being asyncio.Transports.
        stream = cast(asyncio.Transport, transport)
        if len(self._count.open) >= self._count.limits.connections_max:
            stream.abort()
            return
        self._count.open.add(self)
        self._transport = stream
        self._inner = self._make_protocol()
        self._arm(self._count.limits.headers_timeout_s)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Look for the end of the first headers, and pass on."""
        if self._headers_tail is not None:
            seen = self._headers_tail + data
            if _HEADERS_END in seen:
                self._headers_tail = None
                self._disarm()
            else:
                self._headers_tail = seen[-3:]
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on."""
        return None if self._inner is None else self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, and pass on."""
        self._disarm()
        self._count.open.discard(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read: it gets a while."""
        self._arm(self._count.limits.write_timeout_s)
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """It reads again."""
        self._disarm()
        if self._inner is not None:
            self._inner.resume_writing()

    def _arm(self, seconds: float) -> None:
        self._disarm()
        if self._transport is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._transport.abort)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
