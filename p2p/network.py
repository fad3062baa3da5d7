"""Links to all known peers: listen, dial, keep exactly one link per pair, send, broadcast, receive.

Delivery is authenticated, bounded and lossy: what does not fit or does not arrive is gone, and
those above ask again. Both ends dial; of two links between a pair the one dialled by the smaller
name stays. A fault of a peer ends its link and is logged; an unexpected exception ends the network,
and with it the node.
"""

import asyncio
import logging
import random
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from p2p.errors import LinkBroken, LinkRefused, ListenFailed, Reason
from p2p.frames import HELLO, REFUSED, MessageKind, encode_message
from p2p.hello import Hello, decode_refusal, encode_refusal
from p2p.identity import TlsIdentity, tls_context
from p2p.limits import Limits
from p2p.link import BROKEN, Connection, Link
from p2p.outbox import Outbox

log = logging.getLogger("p2p")
_BACKLOG = 128
_UNKNOWN_HERE = "{} does not know our certificate: is it in the genesis that it runs with?"


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """A peer: who it is, and where."""

    name: str
    certificate: bytes
    """DER, known in advance."""
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """What a network is made of."""

    name: str
    network_id: bytes
    """32 bytes; a peer with another is refused."""
    listen_host: str
    listen_port: int
    """0 takes any free one."""
    peers: tuple[PeerAddress, ...]
    kinds: tuple[MessageKind, ...]
    limits: Limits = field(default_factory=Limits)


class Receiver(Protocol):
    """Where what arrives goes."""

    async def received(self, peer: str, kind: int, payload: bytes) -> None:
        """A whole message; while this waits, that peer is read no further."""
        ...

    def connected(self, peer: str) -> None:
        """A link to the peer is up, or was replaced by another."""
        ...

    def disconnected(self, peer: str, reason: str) -> None:
        """There is no link to the peer any longer."""
        ...


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """A peer as an operator sees it."""

    name: str
    is_connected: bool
    is_dialled: bool
    since: float | None
    """Unix time, seconds."""
    last_error: str
    bytes_in: int
    bytes_out: int
    dropped: int


class Network:
    """Built by `open_network`."""

    def __init__(self, config: NetworkConfig, identity: TlsIdentity, receiver: Receiver) -> None:
        self.port = 0
        self._config = config
        self._receiver = receiver
        self._by_certificate = {peer.certificate: peer for peer in config.peers}
        trusted = list(self._by_certificate)
        self._server_tls = tls_context(identity, trusted, is_server=True)
        self._client_tls = tls_context(identity, trusted, is_server=False)
        self._links: dict[str, Link] = {}
        self._unlinked = {peer.name: asyncio.Event() for peer in config.peers}
        self._errors: dict[str, str] = {}
        self._handshakes: Counter[str] = Counter()

    def send(self, peer: str, kind: int, payload: bytes) -> bool:
        """Queue a message for a peer; False if there is no link or its queue is full. Never
        waits."""
        link = self._links.get(peer)
        return link is not None and link.offer(kind, payload)

    def broadcast(self, kind: int, payload: bytes) -> int:
        """Queue a message for every linked peer; for how many it was queued."""
        return sum([link.offer(kind, payload) for link in self._links.values()])

    def connected_peers(self) -> frozenset[str]:
        """The names of peers with a link."""
        return frozenset(self._links)

    def peers(self) -> tuple[PeerStatus, ...]:
        """Every known peer, in configuration order."""
        return tuple(self._status(peer.name) for peer in self._config.peers)

    def _status(self, name: str) -> PeerStatus:
        link, error = self._links.get(name), self._errors.get(name, "")
        if link is None:
            return PeerStatus(name, False, False, None, error, 0, 0, 0)
        traffic, dropped = link.traffic, link.outbox.dropped
        return PeerStatus(
            name,
            True,
            link.is_dialled,
            link.since,
            error,
            traffic.bytes_in,
            traffic.bytes_out,
            dropped,
        )

    async def run(self, listener: socket.socket, random_unit: Callable[[], float]) -> None:
        """Accept and dial until cancelled; every task of the network ends with this one."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._accept(listener, tasks))
            for peer in self._config.peers:
                tasks.create_task(self._keep_dialling(peer, random_unit))

    # -- inbound ----------------------------------------------------------------------------------

    async def _accept(self, listener: socket.socket, tasks: asyncio.TaskGroup) -> None:
        """Take connections for ever, a bounded number of unauthenticated ones at a time."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connected, address = await loop.sock_accept(listener)
            except (
                OSError
            ) as error:  # Out of descriptors, or the client is gone: the loop survives.
                log.warning("accept failed", extra={"error": str(error)})
                await asyncio.sleep(0.1)
                continue
            host = str(address[0])
            limits = self._config.limits
            is_full = self._handshakes.total() >= limits.handshakes_max
            if is_full or self._handshakes[host] >= limits.handshakes_per_address_max:
                connected.close()
                continue
            tasks.create_task(self._welcome(connected, host))

    async def _welcome(self, connected: socket.socket, host: str) -> None:
        self._handshakes[host] += 1
        try:
            link = await self._authenticate(connected, host)
        finally:
            self._handshakes[host] -= 1
            if not self._handshakes[host]:
                del self._handshakes[host]
        if link is not None:
            await self._run(link)

    async def _authenticate(self, connected: socket.socket, host: str) -> Link | None:
        try:
            async with asyncio.timeout(self._config.limits.handshake_timeout_s):
                connection = await self._open(connected, self._server_tls, is_server=True)
                try:
                    return await self._answer_hello(connection)
                except BaseException:
                    connection.abort()
                    raise
        except ssl.SSLError as error:
            text = _explain_tls(error)
            log.warning("link refused", extra={"address": host, "reason": text})
        except LinkRefused as refusal:
            extra = {"address": host, "reason": refusal.reason.name, "detail": str(refusal)}
            level = logging.DEBUG if refusal.reason is Reason.DUPLICATE else logging.WARNING
            log.log(level, "link refused", extra=extra)
        except BROKEN as error:
            log.info("handshake failed", extra={"address": host, "reason": _text(error)})
        return None

    async def _open(
        self, connected: socket.socket, tls: ssl.SSLContext, *, is_server: bool
    ) -> Connection:
        loop = asyncio.get_running_loop()
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = asyncio.StreamReader(limit=1 << 20)
        protocol = asyncio.StreamReaderProtocol(reader)
        timeout_s = self._config.limits.handshake_timeout_s
        try:
            if is_server:
                transport, _ = await loop.connect_accepted_socket(
                    lambda: protocol, connected, ssl=tls, ssl_handshake_timeout=timeout_s
                )
            else:
                transport, _ = await loop.create_connection(
                    lambda: protocol,
                    sock=connected,
                    ssl=tls,
                    server_hostname="",
                    ssl_handshake_timeout=timeout_s,
                )
        except BaseException:
            connected.close()
            raise
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        return Connection(reader, writer, self._config.kinds)

    async def _answer_hello(self, connection: Connection) -> Link:
        peer = self._by_certificate.get(connection.presented_certificate())
        kind, payload = await connection.next_message()
        if peer is None or kind != HELLO.number:
            raise LinkRefused(Reason.STRANGER, "a certificate that no configured peer has")
        try:
            Hello.decode(payload).check(self._config.network_id, self._config.name, peer.name)
            self._check_duplicate(peer.name, dialler=peer.name)
        except LinkRefused as refusal:
            self._errors[peer.name] = str(refusal)
            await connection.write(encode_message(REFUSED.number, encode_refusal(refusal)))
            await connection.close()
            raise
        await connection.write(self._hello(peer.name))
        return self._register(peer.name, connection, is_dialled=False)

    # -- outbound ---------------------------------------------------------------------------------

    async def _keep_dialling(self, peer: PeerAddress, random_unit: Callable[[], float]) -> None:
        """Hold a link to the peer: dial while there is none, ever more patiently."""
        limits = self._config.limits
        backoff_s = limits.dial_backoff_min_s
        if peer.name < self._config.name:
            await asyncio.sleep(limits.dial_head_start_s)
        while True:
            if peer.name in self._links:
                self._unlinked[peer.name].clear()
                await self._unlinked[peer.name].wait()
                backoff_s = limits.dial_backoff_min_s
            link = None if peer.name in self._links else await self._dial(peer)
            if link is not None:
                await self._run(link)
                backoff_s = limits.dial_backoff_min_s
            if peer.name not in self._links:
                await asyncio.sleep(backoff_s * (0.5 + random_unit()))
                backoff_s = min(2 * backoff_s, limits.dial_backoff_max_s)

    async def _dial(self, peer: PeerAddress) -> Link | None:
        try:
            async with asyncio.timeout(self._config.limits.handshake_timeout_s):
                connected = await _connect(peer.host, peer.port)
                connection = await self._open(connected, self._client_tls, is_server=False)
                try:
                    return await self._say_hello(peer, connection)
                except BaseException:
                    connection.abort()
                    raise
        except LinkRefused as refusal:
            self._note(peer.name, str(refusal), is_news=refusal.reason is not Reason.DUPLICATE)
        except ssl.SSLError as error:
            self._note(peer.name, _explain_tls(error), is_news=True)
        except BROKEN as error:
            self._note(peer.name, _text(error), is_news=False)
        return None

    async def _say_hello(self, peer: PeerAddress, connection: Connection) -> Link:
        presented = self._by_certificate.get(connection.presented_certificate())
        if presented != peer:
            found = "a stranger" if presented is None else presented.name
            raise LinkRefused(
                Reason.WRONG_PEER, f"dialled {peer.name} at {peer.host}:{peer.port}, found {found}"
            )
        await connection.write(self._hello(peer.name))
        try:
            kind, payload = await connection.next_message()
        except (LinkBroken, ConnectionError) as error:
            # TLS 1.3 lets a client finish before the server has looked at its certificate.
            raise LinkRefused(Reason.STRANGER, _UNKNOWN_HERE.format(peer.name)) from error
        if kind == REFUSED.number:
            raise decode_refusal(payload)
        if kind != HELLO.number:
            raise LinkRefused(Reason.MALFORMED_HELLO, "the first message is no hello")
        Hello.decode(payload).check(self._config.network_id, self._config.name, peer.name)
        self._check_duplicate(peer.name, dialler=self._config.name)
        return self._register(peer.name, connection, is_dialled=True)

    def _note(self, peer: str, error: str, *, is_news: bool) -> None:
        is_new = self._errors.get(peer) != error
        self._errors[peer] = error
        if is_new:
            level = logging.WARNING if is_news else logging.INFO
            log.log(level, "dial failed", extra={"peer": peer, "reason": error})

    # -- one link per pair ------------------------------------------------------------------------

    def _hello(self, peer: str) -> bytes:
        hello = Hello(self._config.network_id, self._config.name, peer)
        return encode_message(HELLO.number, hello.encode())

    def _check_duplicate(self, peer: str, dialler: str) -> None:
        """Raises LinkRefused if the link that is there is the one to keep."""
        held = self._links.get(peer)
        if held is None:
            return
        held_dialler = self._config.name if held.is_dialled else peer
        if held_dialler != dialler and held_dialler == min(peer, self._config.name):
            raise LinkRefused(
                Reason.DUPLICATE, f"{peer} and {self._config.name} are linked already"
            )

    def _register(self, peer: str, connection: Connection, *, is_dialled: bool) -> Link:
        limits = self._config.limits
        outbox = Outbox(self._config.kinds, limits.queue_bytes_max)
        link = Link(peer, is_dialled, connection, limits, outbox)
        replaced = self._links.get(peer)
        self._links[peer] = link
        if replaced is not None:
            replaced.close()
        self._errors.pop(peer, None)
        log.info("link up", extra={"peer": peer, "dialled": is_dialled})
        self._receiver.connected(peer)
        return link

    async def _run(self, link: Link) -> None:
        reason = "the network closed"
        try:
            reason = await link.run(
                lambda kind, payload: self._receiver.received(link.peer, kind, payload)
            )
        finally:
            if self._links.get(link.peer) is link:
                del self._links[link.peer]
                self._errors[link.peer] = reason
                self._unlinked[link.peer].set()
                log.info("link down", extra={"peer": link.peer, "reason": reason})
                self._receiver.disconnected(link.peer, reason)


@asynccontextmanager
async def open_network(
    config: NetworkConfig,
    identity: TlsIdentity,
    receiver: Receiver,
    random_unit: Callable[[], float] = random.random,
) -> AsyncIterator[Network]:
    """Listen and dial until the block ends; `random_unit` jitters the back-off. Raises
    ListenFailed."""
    listener = listen(config.listen_host, config.listen_port)
    network = Network(config, identity, receiver)
    network.port = listener.getsockname()[1]
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(network.run(listener, random_unit))
            try:
                yield network
            finally:
                running.cancel()
    finally:
        listener.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ListenFailed, naming the address."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, proto)
    except OSError as error:
        raise ListenFailed(f"cannot listen on {host}:{port}: {error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ListenFailed(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


async def _connect(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, kind, proto, _, address = found[0]
    connected = socket.socket(family, kind, proto)
    connected.setblocking(False)
    try:
        await loop.sock_connect(connected, address)
    except BaseException:
        connected.close()
        raise
    return connected


def _explain_tls(error: ssl.SSLError) -> str:
    text = str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return "a stranger: its certificate is not among our peers'"
    if "unknown ca" in text.lower() or "certificate unknown" in text.lower():
        return _UNKNOWN_HERE.format("the peer")
    return f"TLS failed: {error.reason or text}"


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
