"""Twins: a Byzantine member as two honest instances with one key (Bano et al. 2020).

Five instances of the real replica, two of them with one key, go through four rounds. In each a
partition splits them in two; messages across it are lost. A round lets all messages within each
side be delivered in order of sending, then lets every timer run out, three times over. One script
is four partitions out of sixteen: 65,536 in all. There is no clock, no codec, no signature check:
whatever an instance says, its key could have said.
"""

from collections import deque
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
    Head,
    Identity,
    Input,
    JudgeProposal,
    ProposalBuilt,
    ProposalJudged,
    Received,
    Replica,
    ReplicaSet,
    Send,
    Tick,
    Timeouts,
    Verdict,
    WorkPending,
    codec,
    recover,
)
from consensus.messages import Body, Prepare, PrePrepare, Signed, Statement
from consensus.messages import Commit as CommitVote

MEMBERS = 4
INSTANCES = 5
PARTITIONS = 1 << MEMBERS
ROUNDS = 4
SCRIPTS = PARTITIONS**ROUNDS
EXPIRIES = 3
"""How often all timers run out in a round."""
RECOVERY_EXPIRIES_MAX = 24
"""How often, after healing, until all must have committed."""
TIMEOUTS = Timeouts(view_s=1.0, view_max_s=1.0, idle_status_s=1.0, behind_s=0.0)
JUMP_S = 1.1
GENESIS = sha256(b"twins").digest()
KEYS = tuple(sha256(b"twin member %d" % i).digest()[:8] for i in range(MEMBERS))
SET = ReplicaSet(GENESIS, 0, 1, KEYS, 256)


class Disagreement(AssertionError):
    """A promise was broken; says which and where."""


@dataclass
class Instance:
    """One replica and its list of blocks."""

    index: int
    key: bytes
    replica: Replica
    chain: list[tuple[bytes, bytes, CommitCertificate]] = field(default_factory=list)
    votes: dict[tuple[type, int, int], bytes] = field(default_factory=dict)

    @property
    def head(self) -> bytes:
        return self.chain[-1][0] if self.chain else GENESIS


class Twins:
    """Five instances; the fifth has the key of member `twin`."""

    def __init__(self, twin: int) -> None:
        self.twin = twin
        self.now = 0.0
        self.goal = 1
        """The height up to which there is work: one block a round."""
        self.accused: set[bytes] = set()
        self.agreed: dict[int, bytes] = {}
        self.sides: list[frozenset[int]] = [frozenset(range(INSTANCES))]
        self.queue: deque[tuple[int, int, Signed | Body]] = deque()
        self.instances: list[Instance] = []
        for index in range(INSTANCES):
            key = KEYS[index] if index < MEMBERS else KEYS[twin]
            identity = Identity(key, SET, TIMEOUTS)
            replica, _ = recover(0.0, identity, Head(0, GENESIS, None))
            self.instances.append(Instance(index, key, replica))

    def is_honest(self, instance: Instance) -> bool:
        """Not one of the two."""
        return instance.key != KEYS[self.twin]

    def play(self, script: tuple[int, ...]) -> None:
        """All rounds of a script, then healing. Raises Disagreement."""
        for partition in script:
            one = frozenset(i for i in range(MEMBERS) if partition >> i & 1)
            self.sides = [one, frozenset(range(INSTANCES)) - one]
            self._round(EXPIRIES)
        self._heal()
        if not self.accused <= {KEYS[self.twin]}:
            raise Disagreement("an honest member is accused")

    def _round(self, expiries: int) -> None:
        self.goal = max(len(instance.chain) for instance in self.instances) + 1
        for _ in range(expiries):
            for instance in self._live():
                self._step(instance, WorkPending(True))
            self._deliver()
            self.now += JUMP_S
            for instance in self._live():
                self._step(instance, Tick())
            self._deliver()

    def _live(self) -> list[Instance]:
        connected = frozenset().union(*self.sides)
        return [instance for instance in self.instances if instance.index in connected]

    def _heal(self) -> None:
        """The fifth instance falls silent; the others must go on."""
        self.sides = [frozenset(range(MEMBERS))]
        top = max(len(instance.chain) for instance in self.instances[:MEMBERS])
        honest = [i for i in self.instances if self.is_honest(i)]
        for _ in range(RECOVERY_EXPIRIES_MAX):
            self._round(1)
            if all(len(instance.chain) > top for instance in honest):
                return
        heights = [len(instance.chain) for instance in self.instances]
        views = [instance.replica.view for instance in self.instances]
        raise Disagreement(f"no block after healing: heights {heights}, views {views}")

    def _deliver(self) -> None:
        while self.queue:
            source, target, message = self.queue.popleft()
            if any(source in side and target in side for side in self.sides):
                self._step(self.instances[target], Received(message))

    def _step(self, instance: Instance, event: Input) -> None:
        waiting: deque[Input] = deque([event])
        while waiting:
            for effect in instance.replica.step(self.now, waiting.popleft()):
                self._obey(instance, effect, waiting)

    def _obey(self, instance: Instance, effect: object, waiting: deque[Input]) -> None:
        match effect:
            case Broadcast(statement, payload):
                self._check(instance, statement)
                message = codec.seal(GENESIS, statement, lambda _: instance.key, payload)
                waiting.append(Received(message))
                for other in self.instances:
                    if other is not instance:
                        self.queue.append((instance.index, other.index, message))
            case Send(to, message):
                for other in self.instances:
                    if other.key == to and other is not instance:
                        self.queue.append((instance.index, other.index, message))
            case BuildProposal(height, view):
                payload = instance.head + b"%d %d %d" % (instance.index, height, view)
                is_wanted = height <= self.goal
                digest = sha256(payload).digest() if is_wanted else b""
                waiting.append(ProposalBuilt(height, view, digest, payload))
            case JudgeProposal(height, view, digest, payload):
                is_next = payload[:32] == instance.head
                verdict = Verdict.VALID if is_next else Verdict.INVALID
                waiting.append(ProposalJudged(height, view, digest, verdict))
            case Commit(certificate, payload):
                self._append(instance, (certificate.digest, payload, certificate))
                waiting.append(Committed(certificate.height, certificate.digest, SET))
            case CatchUp(height):
                self._fetch(instance, height, waiting)
            case Accuse(evidence):
                self.accused.add(evidence.accused)
            case _:
                pass

    def _fetch(self, instance: Instance, height: int, waiting: deque[Input]) -> None:
        for other in self.instances:
            is_near = any(instance.index in s and other.index in s for s in self.sides)
            if is_near and len(other.chain) >= height > len(instance.chain):
                for block in other.chain[len(instance.chain) :]:
                    self._append(instance, block)
                waiting.append(CaughtUp(instance.chain[-1][2], SET))
                return

    def _append(self, instance: Instance, block: tuple[bytes, bytes, CommitCertificate]) -> None:
        instance.chain.append(block)
        if not self.is_honest(instance):
            return
        height = len(instance.chain)
        if self.agreed.setdefault(height, block[0]) != block[0]:
            raise Disagreement(f"two blocks at height {height}")

    def _check(self, instance: Instance, statement: Statement) -> None:
        if not isinstance(statement, PrePrepare | Prepare | CommitVote):
            return
        place = statement.place
        first = instance.votes.setdefault(
            (type(statement), place.height, place.view), statement.digest
        )
        if first != statement.digest:
            raise Disagreement(f"instance {instance.index} votes twice at {place}")


def script_of(number: int) -> tuple[int, ...]:
    """The four partitions of a script's number."""
    return tuple(number // PARTITIONS**i % PARTITIONS for i in range(ROUNDS))
