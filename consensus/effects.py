"""Everything a replica can ask of its host. Effects are obeyed in the order they are listed."""

from dataclasses import dataclass
from typing import TypeAlias

from consensus.certificates import CommitCertificate
from consensus.evidence import Evidence
from consensus.messages import Body, Signed, Statement
from consensus.records import Record
from consensus.types import ReplicaId


@dataclass(frozen=True, slots=True)
class Persist:
    """Make the record, and the body if there is one, durable before obeying anything after this."""

    record: Record
    payload: bytes = b""
    """The body to store under the record's digest, when it is an Accepted one."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Sign the statement, hand it back to this replica as Received, and send it to all other
    members."""

    statement: Statement
    payload: bytes = b""
    """Travels beside a PRE-PREPARE."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message, as it was once received or signed, to one member."""

    to: ReplicaId
    message: Signed | Body


@dataclass(frozen=True, slots=True)
class BuildProposal:
    """Answer with ProposalBuilt."""

    height: int
    view: int


@dataclass(frozen=True, slots=True)
class JudgeProposal:
    """Execute the payload and answer with ProposalJudged; hold the answer while the block is ahead
    of the clock."""

    height: int
    view: int
    digest: bytes
    payload: bytes
    is_reproposed: bool
    """A new view must propose this digest again: no clock rule applies."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Store the block and its certificate, cut the journal down to `keep`, all in one; answer with
    Committed."""

    certificate: CommitCertificate
    payload: bytes
    keep: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class ExtendCertificate:
    """More COMMITs for the last committed block arrived: store the larger certificate when
    convenient."""

    certificate: CommitCertificate


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Others claim to have committed `height`: fetch certified blocks and answer with CaughtUp."""

    height: int
    claimed_by: tuple[ReplicaId, ...]


@dataclass(frozen=True, slots=True)
class Accuse:
    """Store the evidence and tell the operator."""

    evidence: Evidence


Effect: TypeAlias = (
    Persist
    | Broadcast
    | Send
    | BuildProposal
    | JudgeProposal
    | Commit
    | ExtendCertificate
    | CatchUp
    | Accuse
)
