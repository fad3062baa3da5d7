"""The normal case (§4.2): from a proposal to a committed block, in one view.

A backup votes once per view, for a proposal its host executed and found valid; what it votes for is
durable before the vote. A quorum of COMMITs of one view commits, whatever we ourselves voted.
"""

from consensus import gaps, leaving, lost_journal
from consensus.certificates import CommitCertificate
from consensus.effects import BuildProposal, Commit, ExtendCertificate, JudgeProposal, Persist
from consensus.inputs import CaughtUp, Committed, ProposalBuilt, ProposalJudged, Verdict
from consensus.log import VIEWS_KEPT_EITHER_SIDE, Slot
from consensus.messages import Body, Prepare, PrePrepare, Signed, Vote
from consensus.messages import Commit as CommitVote
from consensus.records import Accepted, Prepared, Reached, Record
from consensus.state import HEIGHTS_BUFFERED, Head, State
from consensus.types import ReplicaSet


def on_vote(state: State, message: Signed, vote: Vote) -> None:
    """Count a PRE-PREPARE, PREPARE or COMMIT, and do what it completes."""
    height, view = vote.place.height, vote.place.view
    if height != state.open_height:
        _keep_for_later(state, message, vote)
        return
    if abs(view - state.view.number) > VIEWS_KEPT_EITHER_SIDE:
        return
    state.accuse(state.slot.tally(view).add(message))


def _keep_for_later(state: State, message: Signed, vote: Vote) -> None:
    place = vote.place
    if isinstance(vote, CommitVote) and place.height == state.head.height:
        _extend_certificate(state, message, vote)
    elif state.open_height < place.height <= state.open_height + HEIGHTS_BUFFERED:
        slot = (place.height, place.signer, type(vote))
        held = state.future.get(slot)
        if held is None or held.statement.place.view < place.view:
            state.future[slot] = message


def _extend_certificate(state: State, message: Signed, vote: CommitVote) -> None:
    """A COMMIT for the last block came late: it joins the certificate, for uptime and
    accountability."""
    held = state.head.certificate
    if held is None or vote.place.view != held.view or vote.digest != held.digest:
        return
    if vote.place.signer not in state.head.commits and vote.place.epoch == held.epoch:
        state.head.commits[vote.place.signer] = message.signature
        _store_extended(state, held)


def _store_extended(state: State, held: CommitCertificate) -> None:
    seats = tuple(
        (seat, state.head.commits[key])
        for seat, key in enumerate(state.replica_set.members)
        if key in state.head.commits
    )
    if len(seats) > len(held.signatures):
        grown = CommitCertificate(held.epoch, held.height, held.view, held.digest, seats)
        state.head.certificate = grown
        state.emit(ExtendCertificate(grown))


def on_body(state: State, body: Body) -> None:
    """A body we asked for. The host finds out whether it matches when it judges or commits it."""
    if body.digest == state.work.wanted:
        state.slot.payloads[body.digest] = body.payload
        state.work.wanted = b""


def on_built(state: State, event: ProposalBuilt) -> None:
    """The host built the proposal we asked for: our PRE-PREPARE, once it is durable."""
    state.work.is_building = False
    is_current = event.height == state.open_height and event.view == state.view.number
    if not is_current or not may_propose(state) or state.required:
        return
    if not event.digest:
        state.work.is_pending = False
        return
    state.slot.payloads[event.digest] = event.payload
    state.slot.is_valid[event.digest] = True
    _pre_prepare(state, event.digest)


def on_judged(state: State, event: ProposalJudged) -> None:
    """The host executed a proposal."""
    if event.height != state.open_height:
        return
    if state.slot.judging[0] == event.digest:
        state.slot.judging = (b"", False)
    if event.verdict is Verdict.MISMATCH:
        # Says nothing about the digest: its signers have the body. The next Status asks for it, and
        # none at once, so that who answers with garbage does not set the pace.
        state.slot.drop_body(event.digest)
        state.work.wanted = event.digest
    elif event.verdict is Verdict.VALID:
        state.slot.is_valid[event.digest] = True
    elif event.view == state.view.number:
        state.slot.is_valid.setdefault(event.digest, False)


def advance(state: State) -> None:
    """Do all that what we hold allows, in the order it must happen; called after every input."""
    _look_for_commit(state)
    if state.is_committing or not state.view.is_active or state.is_below_view:
        return
    if not lost_journal.may_vote(state):
        return
    _propose(state)
    _consider_proposal(state)
    _look_for_prepared(state)


def may_propose(state: State) -> bool:
    """We are the primary of an active view that has no proposal yet."""
    accepted = state.slot.accepted
    return (
        state.view.is_active
        and not state.is_below_view
        and not state.is_committing
        and lost_journal.may_vote(state)
        and state.primary == state.me
        and (accepted is None or accepted[0] < state.view.number)
        and state.slot.tally(state.view.number).pre_prepare is None
    )


def _propose(state: State) -> None:
    if not may_propose(state) or state.work.is_building:
        return
    digest = state.required
    if not digest:
        if state.work.is_pending:
            state.work.is_building = True
            state.emit(BuildProposal(state.open_height, state.view.number))
        return
    if state.slot.is_valid.get(digest):
        _pre_prepare(state, digest)
    else:
        _judge(state, digest)


def _pre_prepare(state: State, digest: bytes) -> None:
    statement = PrePrepare(state.vote_place(), digest)
    payload = state.slot.payloads.get(digest, b"")
    state.slot.accepted = (state.view.number, digest)
    state.emit(Persist(Accepted(statement, b""), payload))
    state.say(statement, payload)


def _consider_proposal(state: State) -> None:
    """Judge the primary's proposal and send PREPARE for a valid one, at most once per view."""
    message = state.slot.tally(state.view.number).pre_prepare
    accepted = state.slot.accepted
    if message is None or (accepted is not None and accepted[0] >= state.view.number):
        return
    if not isinstance(message.statement, PrePrepare):
        return
    digest = message.statement.digest
    if state.required not in (b"", digest) or state.slot.is_valid.get(digest) is False:
        leaving.suspect(state)
        return
    if message.payload:
        state.slot.payloads.setdefault(digest, message.payload)
    if digest not in state.slot.is_valid:
        _judge(state, digest)
        return
    state.slot.accepted = (state.view.number, digest)
    payload = state.slot.payloads.get(digest, b"")
    state.emit(Persist(Accepted(message.statement, message.signature), payload))
    state.say(Prepare(state.vote_place(), digest))


def _judge(state: State, digest: bytes) -> None:
    if state.slot.is_valid.get(digest) is False:
        leaving.suspect(state)
        return
    payload = state.slot.payloads.get(digest)
    if not payload:
        gaps.want(state, digest)
        return
    is_reproposed = digest == state.required or state.is_committing
    if state.slot.judging not in ((digest, is_reproposed), (digest, True)):
        state.slot.judging = (digest, is_reproposed)
        # Another body that comes now must not take the place of the one being judged.
        state.work.wanted = b""
        view = state.view.number
        state.emit(JudgeProposal(state.open_height, view, digest, payload, is_reproposed))


def _look_for_prepared(state: State) -> None:
    """With the proposal executed and prepared: COMMIT, once the certificate is durable."""
    view, slot = state.view.number, state.slot
    if slot.accepted is None or slot.accepted[0] != view:
        return
    if slot.prepared is not None and slot.prepared.view >= view:
        return
    digest = slot.accepted[1]
    certificate = slot.tally(view).prepared_certificate(digest, state.replica_set)
    if certificate is not None:
        slot.prepared = certificate
        state.emit(Persist(Prepared(certificate)))
        state.say(CommitVote(state.vote_place(), digest))


def _look_for_commit(state: State) -> None:
    slot = state.slot
    if slot.certified is None:
        for view in sorted(slot.tallies):
            digest = slot.tallies[view].committed_digest(state.replica_set)
            if digest is not None:
                slot.certified = slot.tallies[view].commit_certificate(digest, state.replica_set)
                _commit_or_fetch(state)
                return
    elif not slot.is_writing:
        _commit_or_fetch(state)


def _commit_or_fetch(state: State) -> None:
    certificate = state.slot.certified
    if certificate is None:
        return
    payload = state.slot.payloads.get(certificate.digest) or _proposed(state, certificate)
    if not payload:
        gaps.want(state, certificate.digest)
        return
    if certificate.digest not in state.slot.is_valid:
        # A body travels unsigned: until the host has looked at it, it may be anything.
        state.slot.payloads[certificate.digest] = payload
        _judge(state, certificate.digest)
        return
    state.slot.is_writing = True
    state.emit(Commit(certificate, payload, kept_records(state, certificate)))


def _proposed(state: State, certificate: CommitCertificate) -> bytes:
    """The body that came with the certified view's PRE-PREPARE, if we never got to consider it."""
    message = state.slot.tally(certificate.view).pre_prepare
    if message is None or not isinstance(message.statement, PrePrepare):
        return b""
    return message.payload if message.statement.digest == certificate.digest else b""


def kept_records(state: State, certificate: CommitCertificate) -> tuple[Record, ...]:
    """What the journal must still hold after a commit: the view, without which old votes could be
    repeated, and what was forgotten. Never nothing: above a block an empty journal is a lost
    one."""
    kept = lost_journal.kept_records(state)
    if certificate.epoch != state.replica_set.epoch:
        return (*kept, Reached(certificate.epoch, certificate.view, True, 0))
    number, is_active = view_after_commit(state, certificate.view)
    opens_at = state.view.opens_at if number == state.view.number else 0
    return (*kept, Reached(state.replica_set.epoch, number, is_active, opens_at))


def view_after_commit(state: State, certified_view: int) -> tuple[int, bool]:
    """A certificate of a higher view proves that a quorum acts in it; so does one of the view we
    are waiting for."""
    view = state.view
    if certified_view > view.number:
        return certified_view, True
    return view.number, view.is_active or certified_view == view.number


def on_committed(state: State, event: Committed) -> None:
    """Our block is durable: open the next height."""
    certificate = state.slot.certified
    if certificate is None or event.height != state.open_height:
        return
    tally = state.slot.tallies.get(certificate.view)
    commits = {} if tally is None else dict(tally.commits)
    open_next_height(state, certificate, event.replica_set)
    for message in commits.values():
        if isinstance(message.statement, CommitVote):
            _extend_certificate(state, message, message.statement)


def on_caught_up(state: State, event: CaughtUp) -> None:
    """The host committed fetched blocks: open the height above them."""
    if event.certificate.height > state.head.height:
        open_next_height(state, event.certificate, event.replica_set)


def open_next_height(state: State, certificate: CommitCertificate, replica_set: ReplicaSet) -> None:
    """Everything that a commit resets, and the view it may reveal."""
    has_new_set = replica_set.epoch != state.replica_set.epoch
    number, is_active = view_after_commit(state, certificate.view)
    state.head = Head(certificate.height, certificate.digest, None)
    is_of_set = certificate.epoch == replica_set.epoch
    if is_of_set:
        # Fetched blocks may lead past the first of a new epoch; what the old set certified proves
        # nothing under the new one.
        state.head.certificate = certificate
        state.head.commits = {replica_set.members[s]: sig for s, sig in certificate.signatures}
    state.slot = Slot()
    state.work.is_building = False
    state.work.wanted = b""
    state.timers.progress = None
    state.timers.behind_since = None
    state.replica_set = replica_set
    if has_new_set:
        leaving.begin_epoch(state, certificate.view if is_of_set else 0)
    else:
        leaving.after_commit(state, number, is_active)
    _replay_future(state)


def _replay_future(state: State) -> None:
    messages = [m for key, m in state.future.items() if key[0] == state.open_height]
    state.future = {k: m for k, m in state.future.items() if k[0] > state.open_height}
    for message in messages:
        view = message.statement.place.view
        if abs(view - state.view.number) <= VIEWS_KEPT_EITHER_SIDE:
            state.accuse(state.slot.tally(view).add(message))
