"""One validator around a replica: what survives a crash, and a ledger that is a list (level A).

The ledger knows one kind of block: the parent's digest and some transactions. A transaction may
name the members of the next epoch by their seats, in a new order or fewer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import NamedTuple

from consensus import CommitCertificate, Head, Record, Replica, ReplicaSet, Verdict
from consensus.messages import Signed
from consensus.records import Accepted

GENESIS = sha256(b"simulation").digest()
MEMBERS = b"members "
"""How a transaction begins that names the members of the next epoch: `members 2,0,1,3`."""


class Block(NamedTuple):
    """A committed block as it is kept and handed on."""

    digest: bytes
    payload: bytes
    certificate: CommitCertificate


class KeyedHash:
    """A signature scheme without public keys: who knows the name can check, only the host itself
    signs."""

    def __init__(self, me: bytes) -> None:
        self.me = me

    def sign(self, message: bytes) -> bytes:
        return sha256(b"secret of " + self.me + message).digest()

    def verify(self, items: Sequence[tuple[bytes, bytes, bytes]]) -> list[bool]:
        return [sha256(b"secret of " + k + m).digest() == s for k, m, s in items]


@dataclass(frozen=True)
class Clock:
    """A host's own clock: off by some seconds, and fast or slow by some parts in a million."""

    offset_s: float = 0.0
    rate: float = 1.0

    def local(self, now: float) -> float:
        return self.offset_s + now * self.rate

    def world(self, local: float) -> float:
        return (local - self.offset_s) / self.rate


@dataclass
class Host:
    """One validator: what survives a crash, and the replica that does not."""

    index: int
    keys: tuple[bytes, ...]
    """Of all hosts, by index: the seats of the first epoch."""
    first_set: ReplicaSet
    clock: Clock = Clock()
    journal: list[Record] = field(default_factory=list)
    bodies: dict[bytes, bytes] = field(default_factory=dict)
    chain: list[Block] = field(default_factory=list)
    sets: list[ReplicaSet] = field(default_factory=list)
    """Who decides the height above each block."""
    final: dict[bytes, int] = field(default_factory=dict)
    """The height of every transaction."""
    replica: Replica | None = None
    """None while it is down, and while it is no member and only follows."""
    is_down: bool = False
    mempool: list[bytes] = field(default_factory=list)
    is_mute: bool = False
    paused_until: float = 0.0
    echoes: list[Signed] = field(default_factory=list)
    """What it said and has not yet heard itself."""

    @property
    def key(self) -> bytes:
        return self.keys[self.index]

    @property
    def genesis(self) -> bytes:
        return self.first_set.genesis

    @staticmethod
    def parent_of(block: Block) -> bytes:
        """The digest that a block names as its parent's."""
        return block.payload[:32]

    @property
    def scheme(self) -> KeyedHash:
        return KeyedHash(self.key)

    @property
    def height(self) -> int:
        return len(self.chain)

    @property
    def head_digest(self) -> bytes:
        return self.chain[-1].digest if self.chain else GENESIS

    @property
    def replica_set(self) -> ReplicaSet:
        """Who decides the next height."""
        return self.sets[-1] if self.sets else self.first_set

    def set_at(self, height: int) -> ReplicaSet:
        """Who decided a height."""
        return self.first_set if height == 1 else self.sets[height - 2]

    def set_of(self, epoch: int) -> ReplicaSet:
        """The members of an epoch that it knows of."""
        return next(s for s in (self.first_set, *self.sets) if s.epoch == epoch)

    @property
    def is_member(self) -> bool:
        return self.key in self.replica_set.members

    def head(self) -> Head:
        """What the replica starts from."""
        has_certificate = self.chain and self.chain[-1].certificate.epoch == self.replica_set.epoch
        certificate = self.chain[-1].certificate if has_certificate else None
        return Head(self.height, self.head_digest, certificate)

    def records(self) -> list[Record]:
        """The journal, as it is read at the start."""
        return list(self.journal)

    def persist(self, record: Record, payload: bytes) -> None:
        self.journal.append(record)
        if payload and isinstance(record, Accepted):
            self.bodies[record.pre_prepare.digest] = payload

    def admit(self, transaction: bytes) -> bool:
        """Whether it is news, and now waits."""
        is_news = transaction not in self.final and transaction not in self.mempool
        if is_news:
            self.mempool.append(transaction)
        return is_news

    def build(self, now: float) -> tuple[bytes, bytes]:
        """A proposal's digest and payload; both empty when there is nothing to propose."""
        if not self.mempool:
            return b"", b""
        payload = self.head_digest + b"|".join(self.mempool)
        return sha256(payload).digest(), payload

    def fork(self, digest: bytes, payload: bytes, now: float) -> tuple[bytes, bytes]:
        """Another valid proposal in place of this one: what an equivocator needs."""
        payload += b"|other"
        return sha256(payload).digest(), payload

    def is_match(self, digest: bytes, payload: bytes) -> bool:
        """Whether the payload is the digest's."""
        return sha256(payload).digest() == digest

    def judge(
        self, digest: bytes, payload: bytes, now: float, is_exempt: bool = False
    ) -> Verdict | None:
        """What it finds when it executes the payload; None while that is ahead of its clock."""
        if not self.is_match(digest, payload):
            return Verdict.MISMATCH
        is_news = not any(t in self.final for t in payload[32:].split(b"|"))
        return Verdict.VALID if payload[:32] == self.head_digest and is_news else Verdict.INVALID

    def append(self, block: Block, keep: Sequence[Record]) -> None:
        """Make a block the head and cut the journal, in one."""
        current, height = self.replica_set, self.height + 1
        self.chain.append(block)
        self.journal = list(keep)
        for transaction in self.transactions_of(block):
            self.final[transaction] = height
            if transaction.startswith(MEMBERS):
                seats = [int(seat) for seat in transaction[len(MEMBERS) :].split(b",")]
                members = tuple(self.keys[seat] for seat in seats)
                current = replace(
                    current, epoch=current.epoch + 1, first_height=height + 1, members=members
                )
        self.sets.append(current)
        self.bodies.clear()
        self.mempool = [t for t in self.mempool if t not in self.final]

    def transactions_of(self, block: Block) -> list[bytes]:
        """What is in a block."""
        return block.payload[32:].split(b"|")

    def crash(self) -> None:
        """Lose what is not durable."""
        self.is_down = True
        self.replica = None
        self.mempool = []
        self.echoes = []
        self.paused_until = 0.0

    def roll_back(self, heights: int) -> None:
        """An old copy of the disk: some blocks fewer, and no journal."""
        height = max(0, self.height - heights)
        del self.chain[height:], self.sets[height:]
        self.final = {t: h for t, h in self.final.items() if h <= height}
        self.journal = []
        self.bodies.clear()
