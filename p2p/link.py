"""One authenticated connection: a reader and a writer task, a heartbeat, and an outbox that never
blocks its owner."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from p2p.errors import LinkBroken
from p2p.frames import CONTROL_KINDS, PING, PONG, Decoder, Message, MessageKind
from p2p.limits import Limits, TokenBucket
from p2p.outbox import Outbox

READ_BYTES = 256 * 1024
WRITE_BYTES = 256 * 1024
_MISSED_HEARTBEATS_MAX = 3
BROKEN = (LinkBroken, OSError)
"""What ends a link and nothing else."""


@dataclass(slots=True)
class Traffic:
    """What went over a link so far."""

    bytes_in: int = 0
    bytes_out: int = 0
    messages_in: int = 0


class Connection:
    """A stream of messages, before and after the peer is known."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        kinds: tuple[MessageKind, ...],
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.decoder = Decoder(kinds)
        self.pending: list[Message] = []
        """Messages that arrived in one read with the one that was asked for."""

    async def next_message(self) -> Message:
        """The next message. Raises LinkBroken at the end of the stream, or what the wire raises."""
        while not self.pending:
            data = await self.reader.read(READ_BYTES)
            if not data:
                raise LinkBroken("the peer closed the connection")
            self.pending += self.decoder.feed(data)
        return self.pending.pop(0)

    async def write(self, frames: bytes) -> None:
        """Send frames and wait until the transport has room again."""
        self.writer.write(frames)
        await self.writer.drain()

    def presented_certificate(self) -> bytes:
        """The DER certificate that the other end proved to hold. Raises LinkBroken if there is
        none."""
        tls = self.writer.get_extra_info("ssl_object")
        certificate: bytes | None = None if tls is None else tls.getpeercert(binary_form=True)
        if certificate is None:
            raise LinkBroken("no certificate was presented")
        return certificate

    async def close(self) -> None:
        """Close once what was written has left, within a second."""
        self.writer.close()
        with contextlib.suppress(OSError):
            async with asyncio.timeout(1):
                await self.writer.wait_closed()

    def abort(self) -> None:
        """Close at once, sending nothing more."""
        with contextlib.suppress(RuntimeError):
            self.writer.transport.abort()


class Link:
    """A connection to a known peer."""

    def __init__(
        self, peer: str, is_dialled: bool, connection: Connection, limits: Limits, outbox: Outbox
    ) -> None:
        self.peer = peer
        self.is_dialled = is_dialled
        self.since = time.time()
        self.traffic = Traffic()
        self.outbox = outbox
        self._connection = connection
        self._limits = limits
        self._wake = asyncio.Event()
        self._heard_at = time.monotonic()

    def offer(self, kind: int, payload: bytes) -> bool:
        """Queue a message; False if it was dropped."""
        is_queued = self.outbox.offer(kind, payload)
        self._wake.set()
        return is_queued

    def close(self) -> None:
        """End the link; `run` returns."""
        self._connection.abort()

    async def run(self, deliver: Callable[[int, bytes], Awaitable[None]]) -> str:
        """Carry messages until the link ends; why it ended."""
        tasks = [
            asyncio.create_task(self._read(deliver)),
            asyncio.create_task(self._write()),
            asyncio.create_task(self._beat()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            errors = [task.exception() for task in tasks if task in done]
        finally:
            for task in tasks:
                task.cancel()
            self._connection.abort()
            await asyncio.gather(*tasks, return_exceptions=True)
        error = next(error for error in errors if error is not None)
        if not isinstance(error, BROKEN):
            raise error
        return str(error) or type(error).__name__

    async def _read(self, deliver: Callable[[int, bytes], Awaitable[None]]) -> None:
        now = time.monotonic()
        byte_rate = TokenBucket(self._limits.bytes_per_s, self._limits.bytes_per_s, now)
        message_rate = TokenBucket(self._limits.messages_per_s, self._limits.messages_per_s, now)
        while True:
            kind, payload = await self._connection.next_message()
            now = self._heard_at = time.monotonic()
            self.traffic.messages_in += 1
            self.traffic.bytes_in += len(payload)
            wait_s = max(byte_rate.spend(len(payload), now), message_rate.spend(1, now))
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if kind == PING.number:
                self.offer(PONG.number, payload)
            elif kind < CONTROL_KINDS:
                await deliver(kind, payload)
            elif kind != PONG.number:
                raise LinkBroken("a second hello")

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while len(self.outbox):
                frames = self.outbox.take(WRITE_BYTES)
                self.traffic.bytes_out += len(frames)
                await self._connection.write(frames)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._limits.heartbeat_s)
            silent_s = time.monotonic() - self._heard_at
            if silent_s > _MISSED_HEARTBEATS_MAX * self._limits.heartbeat_s:
                raise LinkBroken(f"nothing heard for {silent_s:.1f} s")
            self.offer(PING.number, b"")
