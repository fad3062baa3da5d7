"""Links between real networks on loopback: who gets one, how many, and what happens to what is
sent."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from p2p import (
    Limits,
    ListenFailed,
    MessageKind,
    Network,
    NetworkConfig,
    PeerAddress,
    TlsIdentity,
    listen,
    open_network,
)

VOTE = MessageKind(1, "vote", 0, 1 << 16)
BULK = MessageKind(2, "bulk", 1, 8 << 20)
KINDS = (VOTE, BULK)
GENESIS = b"g" * 32
LIMITS = Limits(dial_backoff_max_s=0.3, dial_head_start_s=0.05, handshake_timeout_s=2)


@dataclass
class Inbox:
    """A receiver that keeps everything, and lets tests wait for a condition without polling."""

    messages: list[tuple[str, int, bytes]] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def received(self, peer: str, kind: int, payload: bytes) -> None:
        self.messages.append((peer, kind, payload))
        self.changed.set()

    def connected(self, peer: str) -> None:
        self.events.append(("up", peer))
        self.changed.set()

    def disconnected(self, peer: str, reason: str) -> None:
        self.events.append(("down", peer))
        self.changed.set()


@dataclass
class Node:
    name: str
    identity: TlsIdentity
    port: int
    inbox: Inbox = field(default_factory=Inbox)

    def address(self) -> PeerAddress:
        return PeerAddress(self.name, self.identity.certificate, "127.0.0.1", self.port)


def free_ports(count: int) -> list[int]:
    sockets = [listen("127.0.0.1", 0) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def nodes(count: int) -> list[Node]:
    return [
        Node(f"node-{i}", TlsIdentity.make(bytes([i + 1]) * 32, f"node-{i}"), port)
        for i, port in enumerate(free_ports(count))
    ]


def config_of(node: Node, others: list[Node], network_id: bytes = GENESIS) -> NetworkConfig:
    peers = tuple(other.address() for other in others if other.name != node.name)
    return NetworkConfig(node.name, network_id, "127.0.0.1", node.port, peers, KINDS, LIMITS)


@asynccontextmanager
async def running(*members: Node) -> AsyncIterator[list[Network]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                open_network(config_of(node, list(members)), node.identity, node.inbox)
            )
            for node in members
        ]


async def until(inbox: Inbox, is_true: object, timeout_s: float = 10) -> None:
    assert callable(is_true)
    async with asyncio.timeout(timeout_s):
        while not is_true():
            inbox.changed.clear()
            await inbox.changed.wait()


async def all_linked(networks: list[Network], members: list[Node]) -> None:
    for network, node in zip(networks, members, strict=True):
        await until(node.inbox, lambda n=network: len(n.connected_peers()) == len(members) - 1)


async def test_four_nodes_link_and_every_message_arrives_once_in_order() -> None:
    members = nodes(4)
    async with running(*members) as networks:
        await all_linked(networks, members)
        for number in range(100):
            networks[0].broadcast(VOTE.number, b"%d" % number)
        for node in members[1:]:
            await until(node.inbox, lambda n=node: len(n.inbox.messages) >= 100)
            expected = [("node-0", VOTE.number, b"%d" % number) for number in range(100)]
            assert node.inbox.messages == expected


@pytest.mark.parametrize("attempt", range(5))
async def test_N20_simultaneous_dials_settle_on_one_link_that_both_ends_agree_on(
    attempt: int,
) -> None:
    a, b = nodes(2)
    async with running(a, b) as (first, second):
        await all_linked([first, second], [a, b])
        first.send("node-1", VOTE.number, b"hello from 0")
        second.send("node-0", VOTE.number, b"hello from 1")
        await until(a.inbox, lambda: a.inbox.messages)
        await until(b.inbox, lambda: b.inbox.messages)
        assert first.peers()[0].is_dialled != second.peers()[0].is_dialled


async def test_a_long_message_arrives_whole_and_a_vote_overtakes_it() -> None:
    a, b = nodes(2)
    async with running(a, b) as (first, second):
        await all_linked([first, second], [a, b])
        payload = os.urandom(6 << 20)
        first.send("node-1", BULK.number, payload)
        first.send("node-1", VOTE.number, b"vote")
        await until(b.inbox, lambda: len(b.inbox.messages) == 2)
        assert b.inbox.messages[0] == ("node-0", VOTE.number, b"vote")
        assert b.inbox.messages[1] == ("node-0", BULK.number, payload)


async def test_a_restarted_peer_is_linked_again() -> None:
    a, b = nodes(2)
    async with running(a) as (first,):
        pass
    async with open_network(config_of(a, [a, b]), a.identity, a.inbox) as first:
        async with open_network(config_of(b, [a, b]), b.identity, b.inbox):
            await until(a.inbox, lambda: first.connected_peers())
        await until(a.inbox, lambda: not first.connected_peers())
        async with open_network(config_of(b, [a, b]), b.identity, b.inbox):
            await until(a.inbox, lambda: first.connected_peers())


async def test_N06_a_stranger_gets_no_link_and_both_ends_say_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    a, b, stranger = nodes(3)
    caplog.set_level("INFO", logger="p2p")
    async with running(a, b) as (first, second):
        await all_linked([first, second], [a, b])
        config = config_of(stranger, [a])
        async with open_network(config, stranger.identity, stranger.inbox) as outside:
            await until_error(outside, "node-0")
            assert "does not know our certificate" in outside.peers()[0].last_error
        reasons = {record.__dict__.get("reason") for record in caplog.records}
        assert "a stranger: its certificate is not among our peers'" in reasons
        assert first.connected_peers() == {"node-1"}


async def test_M13_a_peer_of_another_genesis_is_refused_and_both_ends_name_both() -> None:
    a, b = nodes(2)
    other = config_of(b, [a, b], network_id=b"h" * 32)
    async with (
        open_network(config_of(a, [a, b]), a.identity, a.inbox) as first,
        open_network(other, b.identity, b.inbox) as second,
    ):
        await until_error(first, "node-1", "genesis")
        await until_error(second, "node-0", "genesis")
        for network in (first, second):
            text = network.peers()[0].last_error
            assert (b"g" * 8).hex() in text
            assert (b"h" * 8).hex() in text


async def test_the_wrong_peer_behind_a_known_name_is_refused() -> None:
    a, b, c = nodes(3)
    misled = replace(b.address(), port=c.port)
    config = replace(config_of(a, []), peers=(misled, replace(c.address(), port=1)))
    async with (
        open_network(config_of(c, [a]), c.identity, c.inbox),
        open_network(config, a.identity, a.inbox) as first,
    ):
        await until_error(first, "node-1", "found node-2")
        assert "node-1" not in first.connected_peers()


async def until_error(network: Network, peer: str, text: str = "", timeout_s: float = 10) -> None:
    async with asyncio.timeout(timeout_s):
        while True:
            error = next(s.last_error for s in network.peers() if s.name == peer)
            if error and text in error:
                return
            await asyncio.sleep(0.01)


async def test_a_taken_port_is_named() -> None:
    (a,) = nodes(1)
    with listen("127.0.0.1", a.port), pytest.raises(ListenFailed, match=str(a.port)):
        async with open_network(config_of(a, []), a.identity, a.inbox):
            pass


async def test_garbage_and_silence_on_the_port_cost_nothing_but_themselves() -> None:
    a, b = nodes(2)
    async with running(a, b) as (first, second):
        await all_linked([first, second], [a, b])
        tasks = asyncio.all_tasks()
        streams = [await asyncio.open_connection("127.0.0.1", a.port) for _ in range(4)]
        streams[0][1].write(b"GET / HTTP/1.1\r\n\r\n")
        streams[1][1].write(b"\xff" * 4096)
        for reader, writer in streams:
            async with asyncio.timeout(5):
                while await reader.read(1 << 16):
                    pass
            writer.close()
        left = asyncio.all_tasks() - tasks
        if left:
            await asyncio.wait(left, timeout=5)
        assert not asyncio.all_tasks() - tasks
        first.send("node-1", VOTE.number, b"still here")
        await until(b.inbox, lambda: b.inbox.messages)


async def test_closing_leaves_no_task_behind() -> None:
    before = len(asyncio.all_tasks())
    members = nodes(3)
    async with running(*members) as networks:
        await all_linked(networks, members)
    assert len(asyncio.all_tasks()) == before
