"""A cluster of replicas in one thread and virtual time, decided entirely by one seed.

Everything around the core is simulated: links, hosts whose journals survive a crash while all else
is lost, clocks, a ledger. After every step the invariants are checked; a violation names the seed
and the step.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Iterable
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
    Evidence,
    ExtendCertificate,
    Identity,
    Input,
    JudgeProposal,
    PeerConnected,
    Persist,
    ProposalBuilt,
    ProposalJudged,
    Received,
    Record,
    ReplicaSet,
    Send,
    Tick,
    Timeouts,
    WorkPending,
    authentication,
    codec,
    records,
    recover,
)
from consensus.messages import Body, Signed, Statement
from consensus.records import Reached
from tests.simulation.hosts import GENESIS, Block, Host, KeyedHash
from tests.simulation.invariants import InvariantBroken, Invariants
from tests.simulation.links import REPLAY_FROM, Faults, Links

__all__ = ["GENESIS", "Cluster", "Faults", "Host", "InvariantBroken", "KeyedHash"]

HOLD_S = 0.02
"""How long a proposal ahead of its judge's clock is held before it is judged again."""
FOLLOW_S = 0.3
"""How often a host without a seat fetches blocks."""


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
        self.now = 0.0
        self.timeouts = timeouts or Timeouts(view_s=1.0, view_max_s=8.0)
        keys = self.make_keys(n)
        first_set = ReplicaSet(self.genesis, 0, 1, keys, rotation_blocks)
        self.hosts = [self.make_host(i, keys, first_set) for i in range(n)]
        self.links = Links(self.random, faults or Faults(), n)
        self.invariants = Invariants(self.hosts)
        self.evidence: list[Evidence] = []
        self.steps = 0
        self.traffic = 0
        self.views_left = 0
        self.trace = sha256()
        self.narrate: Callable[[str], None] | None = None
        """Told of every step, for people who replay a seed."""
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = itertools.count()
        self._submitted: list[bytes] = []
        self._recent: list[tuple[Host, Signed | Body]] = []

    genesis = GENESIS

    @property
    def replica_set(self) -> ReplicaSet:
        """The members of the first epoch."""
        return self.hosts[0].first_set

    def make_keys(self, n: int) -> tuple[bytes, ...]:
        """The hosts' keys, by index."""
        return tuple(sha256(b"member %d" % i).digest()[:8] for i in range(n))

    def make_host(self, index: int, keys: tuple[bytes, ...], first_set: ReplicaSet) -> Host:
        """A host with an empty disk."""
        return Host(index, keys, first_set)

    def deed(self, number: int) -> bytes:
        """A transaction, another for every number."""
        return b"deed %d" % number

    def start(self) -> "Cluster":
        """Power on: done by the first verb of a story."""
        if self.steps == 0 and not self._queue:
            for host in self.hosts:
                self._start(host)
        return self

    # -- the story's verbs ------------------------------------------------------------------------

    def submit(self, transaction: bytes, to: Iterable[int] | None = None) -> None:
        """Hand a transaction to some hosts (all that are up, unless said)."""
        self.start()
        self._submitted.append(transaction)
        for index in range(len(self.hosts)) if to is None else to:
            host = self.hosts[index]
            if host.replica is not None and host.admit(transaction):
                self._step(host, WorkPending(True))

    def kill(self, index: int) -> None:
        """SIGKILL: only the journal, the bodies and the chain survive."""
        self.start()
        self.hosts[index].crash()

    def restart(self, index: int, is_whole: bool = True) -> None:
        """Start a killed host again from what survived; `is_whole` is False for an old disk."""
        host = self.hosts[index]
        if host.is_down:
            self.invariants.restarted(host, is_whole)
            self._start(host)
            self._resubmit(host)

    def _resubmit(self, host: Host) -> None:
        for transaction in self._submitted:
            host.admit(transaction)
        self._step(host, WorkPending(bool(host.mempool)))

    def pause(self, index: int, seconds: float) -> None:
        """SIGSTOP: it does nothing for a while, and then everything at once."""
        self.start()
        self.hosts[index].paused_until = self.now + seconds

    def mute(self, index: int, is_mute: bool = True) -> None:
        """A host that hears but says nothing."""
        self.start()
        self.hosts[index].is_mute = is_mute

    def partition(self, *groups: Iterable[int]) -> None:
        """Only members of one group hear each other."""
        self.start()
        self.links.split(groups)

    def heal(self) -> None:
        """All links work; no more loss, repetition or crashes."""
        self.links.join_all()
        self.links.faults = Faults()
        for host in self.hosts:
            self._announce(host)

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.run_until(lambda: False, seconds)

    def run_until(self, is_true: Callable[[], bool], within_s: float) -> bool:
        """Let time pass until something is true; whether it came true."""
        self.start()
        end = self.now + within_s
        while not is_true():
            if not self._queue or self._queue[0][0] > end:
                self.now = end
                return is_true()
            self.now, _, action = heapq.heappop(self._queue)
            try:
                action()
            except InvariantBroken as error:
                self.fail(str(error))
        return True

    def expect_height(self, height: int, within_s: float = 30.0) -> None:
        """Every host that is up commits `height` in time."""
        self.start()
        up = [host for host in self.hosts if host.replica is not None and not host.is_mute]
        if not self.run_until(lambda: all(host.height >= height for host in up), within_s):
            heights = [host.height for host in self.hosts]
            views = [h.replica.view if h.replica else None for h in self.hosts]
            self.fail(f"not at height {height} after {within_s} s: {heights}, views {views}")

    def expect_final(self, transaction: bytes, within_s: float = 30.0) -> None:
        """Every host that is up commits the transaction in time."""
        up = [h.index for h in self.hosts if h.replica is not None and not h.is_mute]
        self.expect_final_on(up, [transaction], within_s)

    def expect_final_on(
        self, indices: Iterable[int], transactions: Iterable[bytes], within_s: float
    ) -> None:
        """Some hosts commit some transactions in time."""
        hosts, wanted = [self.hosts[i] for i in indices], list(transactions)
        if not self.run_until(lambda: all(t in h.final for h in hosts for t in wanted), within_s):
            missing = {t for h in hosts for t in wanted if t not in h.final}
            views = [h.replica and (h.replica.view, h.replica.is_active) for h in self.hosts]
            heights = [h.height for h in self.hosts]
            self.fail(f"L1: {sorted(missing)} not final: heights {heights}, views {views}")

    def height(self) -> int:
        """The greatest committed height."""
        return max(host.height for host in self.hosts)

    def view(self) -> int:
        """The highest view any live replica is in."""
        return max(host.replica.view for host in self.hosts if host.replica is not None)

    def fail(self, what: str) -> None:
        """Raises InvariantBroken with the seed, the step and the time."""
        raise InvariantBroken(f"seed {self.seed}, step {self.steps}, {self.now:.3f} s: {what}")

    # -- hosts ------------------------------------------------------------------------------------

    def _start(self, host: Host) -> None:
        host.is_down = False
        if not host.is_member:
            self._follow(host)
            return
        written = host.records()
        if not written and host.height > 0:
            written = [records.forgot_all(host.replica_set.epoch)]
        host.replica, effects = recover(
            host.clock.local(self.now),
            Identity(host.key, host.replica_set, self.timeouts),
            host.head(),
            written,
            host.bodies,
            self.random.randbytes(16),
        )
        self._obey(host, effects)
        self._echo(host)
        self._announce(host)
        self._schedule_tick(host)

    def _follow(self, host: Host) -> None:
        """Without a seat: fetch blocks until they give it one."""
        host.replica = None

        def fetch() -> None:
            if host.replica is None and not host.is_down:
                self._fetch(host, self.random.choice(self.hosts), host.height + 1)
                if host.replica is None:
                    self._at(self.now + FOLLOW_S, fetch)

        self._at(self.now + FOLLOW_S, fetch)

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
                due = replica.deadline
                if due is not None and host.clock.local(self.now) >= due:
                    self._step(host, Tick())
                self._schedule_tick(host)

        due = host.clock.world(replica.deadline)
        self._at(max(due, self.now + 0.001, host.paused_until), tick)

    def _step(self, host: Host, event: Input) -> None:
        if host.replica is not None:
            self._take_step(host, event)
            self._echo(host)

    def _take_step(self, host: Host, event: Input) -> None:
        replica = host.replica
        if replica is None:
            return
        self.steps += 1
        self.trace.update(b"%.6f %d %s" % (self.now, host.index, type(event).__name__.encode()))
        effects = replica.step(host.clock.local(self.now), event)
        if self.narrate is not None:
            self.narrate(f"{self.steps:6} {self.now:9.4f}  {host.index}  {event!r}")
            for effect in effects:
                self.narrate(f"{'':21}-> {effect!r}")
        self._obey(host, effects)

    def _echo(self, host: Host) -> None:
        """Hand back what the host said, now that all that was asked before is done."""
        while host.echoes and host.replica is not None:
            self._take_step(host, Received(host.echoes.pop(0)))

    def _obey(self, host: Host, effects: list[Effect]) -> None:
        replica = host.replica
        crash_per_effect = self.links.faults.crash_per_effect
        for effect in effects:
            if host.replica is not replica:
                return
            if crash_per_effect and self.random.random() < crash_per_effect:
                self.kill(host.index)
                delay = self.random.uniform(0, self.links.faults.restart_after_s)
                self._at(self.now + delay, lambda: self.restart(host.index))
                return
            self._do(host, effect)

    def _do(self, host: Host, effect: Effect) -> None:
        match effect:
            case Persist(record, payload):
                host.persist(record, payload)
            case Broadcast(statement, payload):
                self._broadcast(host, statement, payload)
            case Send(to, message):
                self._transmit(host, self._host(to), message)
            case BuildProposal(height, view):
                self._build(host, height, view)
            case JudgeProposal():
                self._judge(host, effect)
            case Commit(certificate, payload, keep):
                self._append(host, Block(certificate.digest, payload, certificate), keep)
                committed = Committed(certificate.height, certificate.digest, host.replica_set)
                self._soon(host, lambda: self._moved_on(host, committed))
            case ExtendCertificate(certificate):
                certificate.check(host.set_at(certificate.height), host.scheme)
            case CatchUp(height, claimed_by):
                source = self._host(self.random.choice(claimed_by))
                self._at(self.now + 0.005, lambda: self._fetch(host, source, height))
            case Accuse(evidence):
                evidence.check(host.set_of(evidence.first.statement.place.epoch), host.scheme)
                self.invariants.accused(evidence.accused)
                self.evidence.append(evidence)

    def _broadcast(self, host: Host, statement: Statement, payload: bytes) -> None:
        self.invariants.said(host, statement)
        self.views_left += type(statement).__name__ == "ViewChange"
        message = codec.seal(self.genesis, statement, host.scheme.sign, payload)
        host.echoes.append(message)
        for other in self.hosts:
            if other is not host:
                self._transmit(host, other, message)

    def _build(self, host: Host, height: int, view: int) -> None:
        def built() -> None:
            digest, payload = host.build(self.now)
            self._step(host, ProposalBuilt(height, view, digest, payload))

        self._soon(host, built)

    def _judge(self, host: Host, effect: JudgeProposal) -> None:
        def judged() -> None:
            if effect.height != host.height + 1:
                return
            verdict = host.judge(effect.digest, effect.payload, self.now, effect.is_reproposed)
            if verdict is None:
                self._soon(host, judged, HOLD_S)
                return
            self._step(host, ProposalJudged(effect.height, effect.view, effect.digest, verdict))

        self._soon(host, judged)

    def _append(self, host: Host, block: Block, keep: Iterable[Record]) -> None:
        self.invariants.committed(host, block)
        block.certificate.check(host.replica_set, host.scheme)
        if not host.is_match(block.digest, block.payload):
            self.fail(f"host {host.index} commits a body that is not the certified one")
        host.append(block, tuple(keep))
        at_height = [t for t, height in host.final.items() if height == host.height]
        self.invariants.transactions(host.height, at_height)
        self.trace.update(block.digest)

    def _moved_on(self, host: Host, event: Committed | CaughtUp) -> None:
        """The replica hears of its new head; a host that lost its seat follows."""
        if not host.is_member:
            if host.replica is not None:
                self._follow(host)
            return
        if host.replica is None:
            self._start(host)
            self._resubmit(host)
            return
        self._step(host, event)
        self._step(host, WorkPending(bool(host.mempool)))

    def _fetch(self, host: Host, source: Host, height: int) -> None:
        """Copy blocks from another host, up to `height` or beyond."""
        is_up = not host.is_down and not source.is_down and source.paused_until <= self.now
        if not is_up or not self.links.is_open(source.index, host.index):
            return
        if source.height < height or host.height >= height:
            return
        for block in source.chain[host.height :]:
            self._append(host, block, self._kept(host, block.certificate))
        self._moved_on(host, CaughtUp(host.chain[-1].certificate, host.replica_set))

    def _kept(self, host: Host, certificate: CommitCertificate) -> tuple[Record, ...]:
        """What a fetched block leaves in the journal; who has no seat said nothing to forget."""
        if host.replica is not None:
            return host.replica.kept_records(certificate)
        return (Reached(certificate.epoch, certificate.view, True, 0),)

    # -- links ------------------------------------------------------------------------------------

    def _transmit(self, source: Host, target: Host, message: Signed | Body) -> None:
        self.traffic += 1
        if source.is_mute:
            return
        faults = self.links.faults
        if faults.replays:
            self._replay(source, target, message)
        for when in self.links.arrivals(self.now, source.index, target.index):
            self._at(when, lambda: self._deliver(source, target, message))

    def _replay(self, source: Host, target: Host, message: Signed | Body) -> None:
        """Now and then the target hears again something that somebody said some time ago."""
        self._recent.append((source, message))
        del self._recent[:-REPLAY_FROM]
        if self.random.random() < self.links.faults.replays:
            first, old = self.random.choice(self._recent)
            self._at(self.now + 0.01, lambda: self._deliver(first, target, old))

    def _deliver(self, source: Host, target: Host, message: Signed | Body) -> None:
        if target.replica is None or not self.links.is_open(source.index, target.index):
            return
        if target.paused_until > self.now:
            self._at(target.paused_until, lambda: self._deliver(source, target, message))
            return
        if not isinstance(message, Body):
            epoch = message.statement.place.epoch
            if epoch != target.replica.replica_set.epoch:
                if epoch > target.replica.replica_set.epoch:
                    self._fetch(target, source, target.height + 1)
                return
        if self.is_heard(source, target, message):
            self._step(target, Received(message))

    def is_heard(self, source: Host, target: Host, message: Signed | Body) -> bool:
        """What a host does with a message before its replica sees it. Honest ones must pass."""
        data = codec.encode(message)
        if codec.encode(codec.decode(data, self.genesis)) != data:
            self.fail("a message does not encode to the bytes it was decoded from")
        authentication.check(message, target.replica_set, target.scheme)
        return True

    # -- time -------------------------------------------------------------------------------------

    def _at(self, when: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (when, next(self._sequence), action))

    def _soon(self, host: Host, action: Callable[[], None], after_s: float = 0.0005) -> None:
        """An answer of this incarnation's host: lost if it crashes meanwhile."""
        replica = host.replica

        def answer() -> None:
            if host.replica is not replica or replica is None:
                return
            if host.paused_until > self.now:
                self._at(host.paused_until, answer)
                return
            action()

        self._at(self.now + after_s, answer)

    def _host(self, key: bytes) -> Host:
        return next(host for host in self.hosts if host.key == key)
