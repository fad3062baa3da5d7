"""Putting a node together by nested blocks, whose reverse is the shutdown: store, replica,
links."""

import logging
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from consensus import (
    CommitCertificate,
    Head,
    Identity,
    MalformedMessage,
    Timeouts,
    records,
    recover,
)
from consensus.messages import NONCE_BYTES
from consensus.records import Accepted, Record
from p2p import Network, NetworkConfig, open_network
from storage.blocks import Blocks
from storage.errors import StoreCorrupt
from storage.journal import Journal
from storage.kv import WriteBatch
from storage.leveldb import LevelDBStore, open_leveldb
from urbanchain.config import parse_endpoint
from urbanchain.driver import messages
from urbanchain.driver.driver import Driver
from urbanchain.driver.hosting import Hosting
from urbanchain.driver.inbox import Inbox
from urbanchain.driver.parts import Clock, Links, Parts, Tools, Validator
from urbanchain.driver.reception import Reception
from urbanchain.fates import FateBook
from urbanchain.ledger.chain import Ledger
from urbanchain.membership import make_replica_set
from urbanchain.mempool import Mempool, MempoolLimits
from urbanchain.node.home import Home
from urbanchain.signatures import SignatureCache, ValidatorSignatures

log = logging.getLogger("node")


@dataclass(frozen=True, slots=True)
class Running:
    """A node with its links up, ready to be driven."""

    driver: Driver
    network: Network


class LateLinks:
    """The network for those who must exist before it."""

    def __init__(self) -> None:
        self.network: Links | None = None

    def send(self, peer: str, kind: int, payload: bytes) -> bool:
        """See Links."""
        return self.network is not None and self.network.send(peer, kind, payload)

    def broadcast(self, kind: int, payload: bytes) -> int:
        """See Links."""
        return 0 if self.network is None else self.network.broadcast(kind, payload)

    def connected_peers(self) -> frozenset[str]:
        """See Links."""
        return frozenset() if self.network is None else self.network.connected_peers()


@contextmanager
def open_store(home: Home) -> Iterator[LevelDBStore]:
    """The node's database; made if there is none yet."""
    store = open_leveldb(home.data, create=True)
    try:
        yield store
    finally:
        store.close()


@asynccontextmanager
async def assemble(home: Home, store: LevelDBStore) -> AsyncIterator[Running]:
    """The node's parts over an open store, with links.

    Raises ListenFailed, ConfigurationError, StoreCorrupt, DivergentState."""
    committer = ThreadPoolExecutor(1, "committer")
    verifier = ThreadPoolExecutor(2, "verifier")
    links = LateLinks()
    cache = SignatureCache()
    votes = ValidatorSignatures(home.consensus_key.sign, SignatureCache(capacity=20_000))
    tools = Tools(Clock(), votes, cache, committer, verifier, links)
    try:
        parts, hosting = _build(home, store, tools)
        reception = Reception(
            parts.inbox,
            home.genesis.hash,
            lambda: parts.replica.replica_set,
            votes,
            parts.me.key_of,
        )
        async with open_network(_network_config(home), home.tls, reception) as network:
            links.network = network
            yield Running(Driver(parts, hosting), network)
    finally:
        verifier.shutdown(cancel_futures=True)
        committer.shutdown()


def _network_config(home: Home) -> NetworkConfig:
    endpoint = parse_endpoint(home.config.p2p.listen)
    return NetworkConfig(
        name=home.config.name,
        network_id=home.genesis.hash,
        listen_host=endpoint.host,
        listen_port=endpoint.port,
        peers=home.peers,
        kinds=messages.KINDS,
    )


def _build(home: Home, store: LevelDBStore, tools: Tools) -> tuple[Parts, Hosting]:
    ledger = Ledger.open(home.genesis, store, tools.cache)
    journal = Journal(store)
    members = ledger.validators.members
    me = next(member for member in members if member.name == home.config.name)
    limits = home.config.mempool
    tables = Blocks(store)
    written = _read_journal(journal, store, ledger)
    bodies = {
        record.pre_prepare.digest: body
        for record in written
        if isinstance(record, Accepted)
        for body in [tables.body(record.pre_prepare.digest)]
        if body is not None
    }
    certificate = tables.certificate(ledger.head.height)
    head = Head(
        ledger.head.height,
        ledger.head.hash,
        None if certificate is None else CommitCertificate.decode(certificate),
    )
    replica_set = make_replica_set(home.genesis, ledger.validators, ledger.epoch)
    identity = Identity(me.key, replica_set, _timeouts(home))
    nonce = os.urandom(NONCE_BYTES)
    replica, effects = recover(tools.clock.now_s(), identity, head, written, bodies, nonce)
    parts = Parts(
        me=Validator(
            name=me.name,
            key=me.key,
            address=me.address,
            name_of={member.key: member.name for member in members},
            key_of={member.name: member.key for member in members},
        ),
        tools=tools,
        store=store,
        ledger=ledger,
        replica=replica,
        journal=journal,
        mempool=Mempool(
            MempoolLimits(limits.transactions_max, limits.bytes_max, limits.agency_share_percent)
        ),
        fates=FateBook(),
        inbox=Inbox(),
    )
    hosting = Hosting(parts)
    hosting.restore(effects)
    extra = {"height": head.height, "view": replica.view, "journal": len(written)}
    log.info("recovered", extra=extra)
    return parts, hosting


def _read_journal(journal: Journal, store: LevelDBStore, ledger: Ledger) -> list[Record]:
    """What the replica said since the last block. One that is damaged or missing is given up: the
    replica asks the others how far its forgotten votes can reach, and is silent until then."""
    genesis, why = ledger.genesis.hash, "the journal is missing"
    try:
        written = [records.decode(data, genesis) for data in journal.read()]
        if written or ledger.head.height == 0:
            return written
    except (StoreCorrupt, MalformedMessage) as error:
        why = str(error)
    log.error("votes may be forgotten: silent until it is safe", extra={"reason": why})
    forgotten = records.forgot_all(ledger.epoch)
    batch = WriteBatch()
    journal.discard(batch)
    journal.add(batch, [records.encode(forgotten, genesis)])
    store.write(batch, sync=True)
    return [forgotten]


def _timeouts(home: Home) -> Timeouts:
    parameters = home.genesis.genesis.parameters
    return Timeouts(
        view_s=parameters.view_timeout_ms / 1000, view_max_s=parameters.view_timeout_max_ms / 1000
    )
