"""A cluster of replicas in one thread and virtual time, decided entirely by one seed.

Everything around the core is simulated: links that delay, lose, repeat and reorder; hosts whose
journals survive a crash while everything else is lost; a ledger that is a list. After every step
the invariants of PBFT are checked; a violation names the seed and the step.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from consensus import (
    Accuse,
    Broadcast,
    BuildProposal,
    CatchUp,
    CaughtUp,
    Commit,
    CommitCertificate,
    Committed,
    Effect,
    ExtendCertificate,
    Head,
    Identity,
    Input,
    JudgeProposal,
    PeerConnected,
    Persist,
    ProposalBuilt,
    ProposalJudged,
    Received,
    Record,
    Replica,
    ReplicaSet,
    Send,
    Tick,
    Timeouts,
    Verdict,
    WorkPending,
    authentication,
    codec,
    records,
    recover,
)
from consensus.messages import Body, PrePrepare, Signed, Statement, ViewChange
from consensus.messages import Commit as CommitVote
from consensus.messages import Prepare as PrepareVote
from consensus.records import Accepted

GENESIS = sha256(b"simulation").digest()
Block = tuple[bytes, bytes, CommitCertificate]
"""(digest, payload, certificate)"""


class KeyedHash:
    """A signature scheme without public keys: who knows the name can check, only the host itself
    signs."""

    def __init__(self, me: bytes) -> None:
        self.me = me

    def sign(self, message: bytes) -> bytes:
        return sha256(b"secret of " + self.me + message).digest()

    def verify(self, items: Sequence[tuple[bytes, bytes, bytes]]) -> list[bool]:
        return [sha256(b"secret of " + k + m).digest() == s for k, m, s in items]


@dataclass
class Faults:
    """What the network and the hosts do wrong; probabilities per message or effect, times in
    seconds."""

    delay_min_s: float = 0.001
    delay_mean_s: float = 0.01
    loss: float = 0.0
    duplicates: float = 0.0
    crash_per_effect: float = 0.0
    restart_after_s: float = 3.0


class InvariantBroken(AssertionError):
    """Something that must never happen, with all it takes to see it again."""


@dataclass
class Host:
    """One validator: what survives a crash, and the replica that does not."""

    index: int
    key: bytes
    journal: list[bytes] = field(default_factory=list)
    bodies: dict[bytes, bytes] = field(default_factory=dict)
    chain: list[Block] = field(default_factory=list)
    replica: Replica | None = None
    mempool: list[bytes] = field(default_factory=list)
    is_mute: bool = False
    echoes: list[Signed] = field(default_factory=list)
    """What it said and has not yet heard itself."""

    @property
    def height(self) -> int:
        return len(self.chain)

    @property
    def head_digest(self) -> bytes:
        return self.chain[-1][0] if self.chain else GENESIS


class Cluster:
    """n hosts and the links between them. Story verbs: submit, kill, restart, partition, heal, run,
    expect_*."""

    def __init__(
        self,
        n: int = 4,
        seed: int = 1,
        faults: Faults | None = None,
        timeouts: Timeouts | None = None,
        rotation_blocks: int = 256,
    ) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.faults = faults or Faults()
        self.now = 0.0
        self.timeouts = timeouts or Timeouts(view_s=1.0, view_max_s=8.0)
        keys = tuple(sha256(b"member %d" % i).digest()[:8] for i in range(n))
        self.replica_set = ReplicaSet(GENESIS, 0, 1, keys, rotation_blocks)
        self.hosts = [Host(i, key) for i, key in enumerate(keys)]
        self.groups: list[set[int]] = [set(range(n))]
        self.steps = 0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = itertools.count()
        self._agreed: dict[int, bytes] = {}
        self._votes: dict[tuple[bytes, str, int, int], bytes] = {}
        self._left: dict[bytes, int] = {}
        self._submitted: list[bytes] = []
        self.traffic = 0
        self.view_changes = 0
        for host in self.hosts:
            self._start(host)

    # -- the story's verbs ------------------------------------------------------------------------

    def submit(self, transaction: bytes, to: Iterable[int] | None = None) -> None:
        """Hand a transaction to some hosts (all that are up, unless said)."""
        self._submitted.append(transaction)
        for index in range(len(self.hosts)) if to is None else to:
            host = self.hosts[index]
            if host.replica is not None and transaction not in host.mempool:
                host.mempool.append(transaction)
                self._step(host, WorkPending(True))

    def kill(self, index: int) -> None:
        """SIGKILL: only the journal, the bodies and the chain survive."""
        self.hosts[index].replica = None
        self.hosts[index].mempool = []
        self.hosts[index].echoes = []

    def restart(self, index: int) -> None:
        """Start a killed host again from what survived."""
        host = self.hosts[index]
        if host.replica is None:
            self._start(host)
            host.mempool = [t for t in self._submitted if not self._is_final(host, t)]
            self._step(host, WorkPending(bool(host.mempool)))

    def mute(self, index: int, is_mute: bool = True) -> None:
        """A host that hears but says nothing."""
        self.hosts[index].is_mute = is_mute

    def partition(self, *groups: Iterable[int]) -> None:
        """Only members of one group hear each other."""
        self.groups = [set(group) for group in groups]

    def heal(self) -> None:
        """All links work; no more loss, repetition or crashes."""
        self.groups = [set(range(len(self.hosts)))]
        self.faults = Faults()
        for host in self.hosts:
            self._announce(host)

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.run_until(lambda: False, seconds)

    def run_until(self, is_true: Callable[[], bool], within_s: float) -> bool:
        """Let time pass until something is true; whether it came true."""
        end = self.now + within_s
        while not is_true():
            if not self._queue or self._queue[0][0] > end:
                self.now = end
                return is_true()
            self.now, _, action = heapq.heappop(self._queue)
            action()
        return True

    def expect_height(self, height: int, within_s: float = 30.0) -> None:
        """Every host that is up commits `height` in time."""
        up = [host for host in self.hosts if host.replica is not None and not host.is_mute]
        if not self.run_until(lambda: all(host.height >= height for host in up), within_s):
            heights = [host.height for host in self.hosts]
            views = [h.replica.view if h.replica else None for h in self.hosts]
            self._fail(f"not at height {height} after {within_s} s: {heights}, views {views}")

    def expect_final(self, transaction: bytes, within_s: float = 30.0) -> None:
        """Every host that is up commits the transaction in time."""
        up = [host for host in self.hosts if host.replica is not None and not host.is_mute]
        if not self.run_until(lambda: all(self._is_final(h, transaction) for h in up), within_s):
            self._fail(f"{transaction!r} is not final: {[host.height for host in self.hosts]}")

    def height(self) -> int:
        """The greatest committed height."""
        return max(host.height for host in self.hosts)

    def view(self) -> int:
        """The highest view any live replica is in."""
        return max(host.replica.view for host in self.hosts if host.replica is not None)

    # -- hosts ------------------------------------------------------------------------------------

    def _start(self, host: Host) -> None:
        certificate = host.chain[-1][2] if host.chain else None
        host.replica, effects = recover(
            self.now,
            Identity(host.key, self.replica_set, self.timeouts),
            Head(host.height, host.head_digest, certificate),
            [records.decode(data, GENESIS) for data in host.journal],
            host.bodies,
        )
        self._obey(host, effects)
        self._echo(host)
        self._announce(host)
        self._schedule_tick(host)

    def _announce(self, host: Host) -> None:
        for other in self.hosts:
            if other is not host and host.replica is not None and other.replica is not None:
                self._step(host, PeerConnected(other.key))
                self._step(other, PeerConnected(host.key))

    def _schedule_tick(self, host: Host) -> None:
        replica = host.replica
        if replica is None or replica.deadline is None:
            return

        def tick() -> None:
            if host.replica is replica:
                if replica.deadline is not None and self.now >= replica.deadline:
                    self._step(host, Tick())
                self._schedule_tick(host)

        self._at(max(replica.deadline, self.now + 0.001), tick)

    def _step(self, host: Host, event: Input) -> None:
        if host.replica is not None:
            self.steps += 1
            self._obey(host, host.replica.step(self.now, event))
            self._echo(host)

    def _echo(self, host: Host) -> None:
        """Hand back what the host said, now that all that was asked before is done."""
        while host.echoes and host.replica is not None:
            self.steps += 1
            self._obey(host, host.replica.step(self.now, Received(host.echoes.pop(0))))

    def _obey(self, host: Host, effects: list[Effect]) -> None:
        replica = host.replica
        for effect in effects:
            if replica is not None and host.replica is not replica:
                return
            if self.random.random() < self.faults.crash_per_effect:
                self.kill(host.index)
                delay = self.random.uniform(0, self.faults.restart_after_s)
                self._at(self.now + delay, lambda: self.restart(host.index))
                return
            self._do(host, effect)

    def _do(self, host: Host, effect: Effect) -> None:
        match effect:
            case Persist(record, payload):
                self._persist(host, record, payload)
            case Broadcast(statement, payload):
                self._broadcast(host, statement, payload)
            case Send(to, message):
                self._transmit(host, self._host(to), codec.encode(message))
            case BuildProposal(height, view):
                self._build(host, height, view)
            case JudgeProposal():
                self._judge(host, effect)
            case Commit():
                self._commit(host, effect)
            case ExtendCertificate(certificate):
                certificate.check(self.replica_set, KeyedHash(b""))
            case CatchUp(height, claimed_by):
                source = self.random.choice(claimed_by)
                self._later(lambda: self._fetch(host, self._host(source), height))
            case Accuse(evidence):
                evidence.check(self.replica_set, KeyedHash(b""))
                self._fail(f"honest {evidence.accused.hex()} is accused: {evidence}")

    def _persist(self, host: Host, record: Record, payload: bytes) -> None:
        host.journal.append(records.encode(record, GENESIS))
        if payload and isinstance(record, Accepted):
            host.bodies[record.pre_prepare.digest] = payload

    def _broadcast(self, host: Host, statement: Statement, payload: bytes) -> None:
        self._check_statement(host, statement)
        message = codec.seal(GENESIS, statement, KeyedHash(host.key).sign, payload)
        host.echoes.append(message)
        data = codec.encode(message)
        for other in self.hosts:
            if other is not host:
                self._transmit(host, other, data)

    def _build(self, host: Host, height: int, view: int) -> None:
        def built() -> None:
            payload = host.head_digest + b"|".join(host.mempool) if host.mempool else b""
            digest = sha256(payload).digest() if payload else b""
            self._step(host, ProposalBuilt(height, view, digest, payload))

        self._soon(host, built)

    def _judge(self, host: Host, effect: JudgeProposal) -> None:
        def judged() -> None:
            is_match = sha256(effect.payload).digest() == effect.digest
            is_valid = effect.payload[:32] == host.head_digest
            verdict = Verdict.VALID if is_valid else Verdict.INVALID
            verdict = verdict if is_match else Verdict.MISMATCH
            self._step(host, ProposalJudged(effect.height, effect.view, effect.digest, verdict))

        self._soon(host, judged)

    def _commit(self, host: Host, effect: Commit) -> None:
        certificate = effect.certificate
        self._append(host, (certificate.digest, effect.payload, certificate))
        host.journal = [records.encode(record, GENESIS) for record in effect.keep]
        committed = Committed(certificate.height, certificate.digest, self.replica_set)
        self._soon(host, lambda: self._step(host, committed))
        self._soon(host, lambda: self._step(host, WorkPending(bool(host.mempool))))

    def _append(self, host: Host, block: Block) -> None:
        digest, payload, certificate = block
        height = host.height + 1
        if certificate.height != height or payload[:32] != host.head_digest:
            self._fail(f"host {host.index} commits {certificate.height} on {host.height}")
        if sha256(payload).digest() != digest or certificate.digest != digest:
            self._fail(f"host {host.index} commits a body that is not the certified one")
        certificate.check(self.replica_set, KeyedHash(b""))
        agreed = self._agreed.setdefault(height, digest)
        if agreed != digest:
            self._fail(f"two blocks at height {height}")
        host.chain.append(block)
        done = set(payload[32:].split(b"|"))
        host.mempool = [t for t in host.mempool if t not in done]

    def _fetch(self, host: Host, source: Host, height: int) -> None:
        if host.replica is None or source.replica is None or not self._is_linked(host, source):
            return
        if source.height < height or host.height >= height:
            return
        for block in source.chain[host.height : height]:
            self._append(host, block)
        certificate = host.chain[-1][2]
        host.journal = self._kept(host, certificate)
        self._step(host, CaughtUp(certificate, self.replica_set))
        self._step(host, WorkPending(bool(host.mempool)))

    def _kept(self, host: Host, certificate: CommitCertificate) -> list[bytes]:
        assert host.replica is not None
        kept = host.replica.kept_records(certificate)
        return [records.encode(record, GENESIS) for record in kept]

    # -- links ------------------------------------------------------------------------------------

    def _is_linked(self, a: Host, b: Host) -> bool:
        return any(a.index in group and b.index in group for group in self.groups)

    def _transmit(self, source: Host, target: Host, data: bytes) -> None:
        self.traffic += 1
        if source.is_mute or self.random.random() < self.faults.loss:
            return
        copies = 2 if self.random.random() < self.faults.duplicates else 1
        for _ in range(copies):
            delay = self.faults.delay_min_s + self.random.expovariate(1 / self.faults.delay_mean_s)
            self._at(self.now + delay, lambda: self._deliver(source, target, data))

    def _deliver(self, source: Host, target: Host, data: bytes) -> None:
        if target.replica is None or not self._is_linked(source, target):
            return
        message = codec.decode(data, GENESIS)
        if codec.encode(message) != data:
            self._fail("a message does not encode to the bytes it was decoded from")
        authentication.check(message, target.replica.replica_set, KeyedHash(b""))
        self._step(target, Received(message))

    # -- time and invariants ----------------------------------------------------------------------

    def _at(self, when: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (when, next(self._sequence), action))

    def _later(self, action: Callable[[], None]) -> None:
        self._at(self.now + self.random.uniform(0.0001, 0.01), action)

    def _soon(self, host: Host, action: Callable[[], None]) -> None:
        """An answer of this incarnation's host: lost if it crashes meanwhile."""
        replica = host.replica
        self._at(
            self.now + 0.0005,
            lambda: action() if host.replica is replica and replica is not None else None,
        )

    def _host(self, key: bytes) -> Host:
        return self.hosts[self.replica_set.index_of(key)]

    def _is_final(self, host: Host, transaction: bytes) -> bool:
        return any(transaction in payload[32:].split(b"|") for _, payload, _ in host.chain)

    def _check_statement(self, host: Host, statement: Statement) -> None:
        """No two votes for one place in the whole history, none below one's own VIEW-CHANGE."""
        place = statement.place
        if isinstance(statement, ViewChange):
            self._left[host.key] = max(place.view, self._left.get(host.key, 0))
            self.view_changes += 1
        if not isinstance(statement, PrePrepare | PrepareVote | CommitVote):
            return
        slot = (host.key, type(statement).__name__, place.height, place.view)
        if self._votes.setdefault(slot, statement.digest) != statement.digest:
            self._fail(f"host {host.index} votes twice: {slot}")
        if place.view < self._left.get(host.key, 0):
            self._fail(f"host {host.index} votes in view {place.view} below its VIEW-CHANGE")
        if not isinstance(statement, PrePrepare) and place.height <= host.height - 1:
            self._fail(f"host {host.index} votes for a height it committed")

    def _fail(self, what: str) -> None:
        raise InvariantBroken(f"seed {self.seed}, step {self.steps}, {self.now:.3f} s: {what}")


def signed(cluster: Cluster, index: int, statement: Statement, payload: bytes = b"") -> Signed:
    """A statement as the host of that index would sign it: for tests that lie."""
    return codec.seal(GENESIS, statement, KeyedHash(cluster.hosts[index].key).sign, payload)


def body(payload: bytes) -> Body:
    """A body under its digest."""
    return Body(sha256(payload).digest(), payload)


def live_through(cluster: Cluster, dice: random.Random, deeds: int) -> None:
    """Submit `deeds` while hosts die, return and are cut off; then heal everything and submit the
    last."""
    members = range(len(cluster.hosts))
    for number in range(deeds):
        cluster.submit(b"deed %d" % number)
        match dice.randrange(6):
            case 0:
                cut = set(dice.sample(members, dice.randrange(1, len(members))))
                cluster.partition(cut, set(members) - cut)
            case 1:
                cluster.kill(dice.choice(members))
            case 2:
                cluster.restart(dice.choice(members))
            case 3:
                cluster.groups = [set(members)]
            case _:
                pass
        cluster.run(dice.choice([0.005, 0.05, 0.5, 3]))
    cluster.heal()
    for index in members:
        cluster.restart(index)
    cluster.submit(b"last")
