"""PBFT over opaque proposals (Castro & Liskov, OSDI 1999): a pure state machine. Feed it, obey it.

The host's duties, in order:

1. Build the replica with `recover`, from the head of its store, the records of its journal, the
   bodies it stored, and a fresh nonce, with which it asks the others what they heard of it; obey
   the effects that come with it. A journal that is damaged, or empty above a block, is lost: put
   `records.forgot_all(epoch)` in its place, durably, first.
2. Pass each message from a peer through `codec.decode` and `authentication.check`; what they let
pass goes into
   `Replica.step(now, Received(message))`. The replica trusts what it is stepped with.
3. Obey the effects of a step in their order. `Persist` must be durable before anything after it is
done; several of
   one turn may share one synced write, but none overtakes a `Commit`, which cuts the journal.
4. `Broadcast`: sign the statement (`codec.seal`), send it to all other members, and step the
   replica with it like with anyone else's, but only when all effects of the step that asked for it
   are obeyed: what that step's `Commit` keeps of the journal was decided before. `Send` goes to
   one. Delivery may fail: every message is asked for again until it arrives.
5. `BuildProposal`, `JudgeProposal`, `Commit` and `CatchUp` are answered by `ProposalBuilt`,
`ProposalJudged`,
   `Committed` and `CaughtUp`, soon or late, or never when the height has moved on.
6. Say by `WorkPending` when there are transactions to order, and when there are none.
7. Step with `Tick` at `Replica.deadline` at the latest. Time is seconds on a clock that never goes
back.

The package knows no clock, disk, socket, key, hash or dice; two replicas fed alike behave alike.
"""

from consensus.certificates import CommitCertificate, PreparedCertificate, SignatureScheme
from consensus.effects import (
    Accuse,
    Broadcast,
    BuildProposal,
    CatchUp,
    Commit,
    Effect,
    ExtendCertificate,
    JudgeProposal,
    Persist,
    Send,
)
from consensus.errors import ConsensusError, MalformedMessage, NotAuthentic, WrongEpoch
from consensus.evidence import Evidence
from consensus.inputs import (
    CaughtUp,
    Committed,
    Input,
    PeerConnected,
    ProposalBuilt,
    ProposalJudged,
    Received,
    Tick,
    Verdict,
    WorkPending,
)
from consensus.messages import Body, Signed, Statement
from consensus.records import Record
from consensus.recovery import Identity, recover
from consensus.replica import Replica
from consensus.state import Head
from consensus.types import ReplicaId, ReplicaSet, Timeouts

__all__ = [
    "Accuse",
    "Body",
    "Broadcast",
    "BuildProposal",
    "CatchUp",
    "CaughtUp",
    "Commit",
    "CommitCertificate",
    "Committed",
    "ConsensusError",
    "Effect",
    "Evidence",
    "ExtendCertificate",
    "Head",
    "Identity",
    "Input",
    "JudgeProposal",
    "MalformedMessage",
    "NotAuthentic",
    "PeerConnected",
    "Persist",
    "PreparedCertificate",
    "ProposalBuilt",
    "ProposalJudged",
    "Received",
    "Record",
    "Replica",
    "ReplicaId",
    "ReplicaSet",
    "Send",
    "SignatureScheme",
    "Signed",
    "Statement",
    "Tick",
    "Timeouts",
    "Verdict",
    "WorkPending",
    "WrongEpoch",
    "recover",
]
