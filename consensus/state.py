"""What a replica remembers between two steps, in groups that change together. Only the replica's
own modules write it.

The rules live in normal_case.py (votes), leaving.py (view changes) and gaps.py (Status and
retransmission); each is functions over this state that append effects.
"""

from dataclasses import dataclass, field

from consensus.certificates import CommitCertificate
from consensus.codec import encode_statement
from consensus.effects import Accuse, Broadcast, Effect
from consensus.evidence import Evidence
from consensus.log import Slot
from consensus.messages import Commit, NewView, Place, Signed, Statement
from consensus.records import Forgot
from consensus.types import ReplicaId, ReplicaSet, Timeouts

HEIGHTS_BUFFERED = 2
"""Votes are kept for this many heights above the open one."""


@dataclass(slots=True)
class Head:
    """The last committed block."""

    height: int
    digest: bytes
    certificate: CommitCertificate | None
    """None at the height before the epoch's first."""
    commits: dict[ReplicaId, bytes] = field(default_factory=dict)
    """Signatures of COMMITs for it in the certificate's view; late ones join."""


@dataclass(slots=True)
class ViewState:
    """Which view, and what is known of leaving it."""

    number: int = 0
    is_active: bool = True
    """False from one's own VIEW-CHANGE until the NEW-VIEW."""
    new_view: Signed | None = None
    """What brought us here, for those who missed it."""
    opens_at: int = 0
    """The height that the NEW-VIEW binds; those below are proven committed and closed to votes."""
    required: bytes = b""
    """The digest that must be re-proposed there; empty when free."""
    view_changes: dict[ReplicaId, Signed] = field(default_factory=dict)
    """The highest VIEW-CHANGE of each member, for views not yet entered."""
    suspects: set[ReplicaId] = field(default_factory=set)
    """Who says SUSPECT of this view."""
    is_suspect: bool = False
    """We say so."""
    failed: int = 0
    """Views left since the last commit: the exponent of the back-off."""
    new_view_sent: int = -1
    """The view for which we sent NEW-VIEW."""
    unsaid: NewView | None = None
    """Our own from the journal, to be said again."""


@dataclass(slots=True)
class Timers:
    """Deadlines on the host's clock, in seconds; None when not running."""

    progress: float | None = None
    new_view: float | None = None
    status: float = 0.0
    behind_since: float | None = None
    caught_up_asked: float = float("-inf")


@dataclass(slots=True)
class Work:
    """What the host said about transactions, and what we asked of it."""

    is_pending: bool = False
    is_building: bool = False
    wanted: bytes = b""
    """The body we ask others for."""


@dataclass(slots=True)
class Memory:
    """Whether this replica may have forgotten something it said (lost_journal.py)."""

    nonce: bytes = b""
    """Of this start; empty when the host vouches for the journal."""
    answers: dict[ReplicaId, Signed] = field(default_factory=dict)
    """To this start's Question, until there are enough."""
    is_asking: bool = False
    """Silent until enough others have answered."""
    forgot: Forgot | None = None
    """What binds one who did forget."""


@dataclass(slots=True)
class State:
    """Everything a replica remembers."""

    me: ReplicaId
    replica_set: ReplicaSet
    timeouts: Timeouts
    head: Head
    now: float = 0.0
    slot: Slot = field(default_factory=Slot)
    view: ViewState = field(default_factory=ViewState)
    timers: Timers = field(default_factory=Timers)
    work: Work = field(default_factory=Work)
    memory: Memory = field(default_factory=Memory)
    future: dict[tuple[int, ReplicaId, type], Signed] = field(default_factory=dict)
    """Votes for heights above the open one: the highest view per height, signer and kind."""
    heights: dict[ReplicaId, int] = field(default_factory=dict)
    """The committed height each member last claimed."""
    effects: list[Effect] = field(default_factory=list)

    @property
    def open_height(self) -> int:
        """The one height being decided."""
        return self.head.height + 1

    @property
    def primary(self) -> ReplicaId:
        """Who proposes the open height in the current view."""
        return self.replica_set.primary(self.view.number, self.open_height)

    @property
    def is_committing(self) -> bool:
        """A certified block is being written or its body awaited."""
        return self.slot.certified is not None

    @property
    def is_below_view(self) -> bool:
        """The NEW-VIEW proves that the open height is committed: it can only be caught up with."""
        return self.open_height < self.view.opens_at

    @property
    def required(self) -> bytes:
        """The digest that this view must propose at the open height, or empty."""
        return self.view.required if self.view.opens_at == self.open_height else b""

    def vote_place(self) -> Place:
        """Where a vote of ours belongs now."""
        return Place(self.replica_set.epoch, self.open_height, self.view.number, self.me)

    def head_place(self) -> Place:
        """Where a Status or VIEW-CHANGE of ours belongs now."""
        return Place(self.replica_set.epoch, self.head.height, self.view.number, self.me)

    def emit(self, effect: Effect) -> None:
        """Ask the host for something, after all that was asked before."""
        self.effects.append(effect)

    def say(self, statement: Statement, payload: bytes = b"") -> None:
        """Broadcast a statement of ours."""
        self.emit(Broadcast(statement, payload))

    def commits_of(self, signer: ReplicaId) -> list[Signed]:
        """The COMMITs we hold of a member: for the open height, and for the last block."""
        held = [t.commits[signer] for t in self.slot.tallies.values() if signer in t.commits]
        certificate = self.head.certificate
        if certificate is not None and signer in self.head.commits:
            place = Place(certificate.epoch, certificate.height, certificate.view, signer)
            vote = Commit(place, certificate.digest)
            encoded = encode_statement(self.replica_set.genesis, vote)
            held.append(Signed(vote, encoded, self.head.commits[signer]))
        return held

    def accuse(self, evidence: Evidence | None) -> None:
        """Report evidence, if there is any; of ourselves too, for then another holds our key."""
        if evidence is not None:
            self.emit(Accuse(evidence))
