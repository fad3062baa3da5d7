"""One replica on a stage: the test plays everyone else, and its host.

What the replica broadcasts is signed and handed back to it, as a host must; what it persists is
kept, so that it can be killed and started again from any prefix of its journal.
"""

from collections.abc import Sequence
from typing import TypeVar

from consensus import (
    Broadcast,
    Commit,
    Committed,
    Effect,
    Head,
    Identity,
    Input,
    JudgeProposal,
    Persist,
    ProposalJudged,
    Received,
    Record,
    ReplicaSet,
    Send,
    Statement,
    Tick,
    Timeouts,
    Verdict,
    recover,
)
from consensus.messages import Body, Signed, Status
from consensus.records import Accepted
from tests.unit.consensus.ballots import GENESIS, Ballots, members

TIMEOUTS = Timeouts(view_s=1.0, view_max_s=8.0)
E = TypeVar("E")


class Stage:
    """A replica in a seat, everything it asked for since the start, and what it wrote down."""

    def __init__(
        self,
        seat: int = 1,
        replica_set: ReplicaSet | None = None,
        head: Head | None = None,
        records: Sequence[Record] = (),
        bodies: dict[bytes, bytes] | None = None,
        *,
        nonce: bytes = b"",
    ) -> None:
        self.replica_set = replica_set or members()
        self.ballots = Ballots(self.replica_set)
        self.seat = seat
        self.now = 0.0
        self.effects: list[Effect] = []
        self.journal: list[Record] = list(records)
        self.bodies: dict[bytes, bytes] = dict(bodies or {})
        identity = Identity(self.replica_set.members[seat], self.replica_set, TIMEOUTS)
        start = head or Head(self.replica_set.first_height - 1, GENESIS, None)
        self.replica, effects = recover(self.now, identity, start, records, self.bodies, nonce)
        self._obey(effects)

    # -- what happens to it -----------------------------------------------------------------------

    def step(self, *events: Input) -> list[Effect]:
        """Step it with each event; everything it asked for meanwhile, loop-backs included."""
        begin = len(self.effects)
        for event in events:
            self._obey(self.replica.step(self.now, event))
        return self.effects[begin:]

    def hear(self, *messages: Signed | Body) -> list[Effect]:
        """Messages from others arrive."""
        return self.step(*(Received(message) for message in messages))

    def judge(self, verdict: Verdict = Verdict.VALID) -> list[Effect]:
        """Answer the latest JudgeProposal."""
        question = self.asked(JudgeProposal)[-1]
        return self.step(ProposalJudged(question.height, question.view, question.digest, verdict))

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, with a Tick at every deadline."""
        begin, end = len(self.effects), self.now + seconds
        while self.replica.deadline is not None and self.replica.deadline <= end:
            self.now = self.replica.deadline
            self.step(Tick())
        self.now = end
        return self.effects[begin:]

    def commit(self, replica_set: ReplicaSet | None = None) -> list[Effect]:
        """Say that the latest Commit is durable."""
        certificate = self.asked(Commit)[-1].certificate
        new_set = replica_set or self.replica_set
        return self.step(Committed(certificate.height, certificate.digest, new_set))

    # -- what it asked for ------------------------------------------------------------------------

    def asked(self, kind: type[E]) -> list[E]:
        """All effects of a kind so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def said(self, kind: type[E]) -> list[E]:
        """All statements of a kind it broadcast so far."""
        spoken = [effect.statement for effect in self.asked(Broadcast)]
        return [statement for statement in spoken if isinstance(statement, kind)]

    def sent_to(self, seat: int) -> list[Signed | Body]:
        """What it sent to one other."""
        member = self.replica_set.members[seat]
        return [effect.message for effect in self.asked(Send) if effect.to == member]

    def _obey(self, effects: list[Effect]) -> None:
        echoes: list[Signed] = []
        for effect in effects:
            self.effects.append(effect)
            if isinstance(effect, Persist):
                self.journal.append(effect.record)
                if isinstance(effect.record, Accepted) and effect.payload:
                    self.bodies[effect.record.pre_prepare.digest] = effect.payload
            elif isinstance(effect, Commit):
                self.journal = list(effect.keep)
            elif isinstance(effect, Broadcast):
                echoes.append(self.ballots.seal(effect.statement, effect.payload))
        for message in echoes:
            self._obey(self.replica.step(self.now, Received(message)))


def statements(effects: Sequence[Effect]) -> list[Statement]:
    """What was broadcast, Status left out."""
    said = [effect.statement for effect in effects if isinstance(effect, Broadcast)]
    return [statement for statement in said if not isinstance(statement, Status)]
