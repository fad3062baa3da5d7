"""Leaving a view and entering the next (§4.4, §4.5.2): in company, never below one's own
VIEW-CHANGE.

A replica says SUSPECT when its progress timer runs out; it sends VIEW-CHANGE with its own SUSPECT
and f+1 in all, or when f+1 others have left. The timer of the new view runs from the moment a
quorum has left for it or a higher one.
"""

from consensus import evidence, gaps, lost_journal, view_change
from consensus.effects import CatchUp, Persist
from consensus.messages import (
    Commit,
    Flag,
    NewView,
    Place,
    Prepare,
    PrePrepare,
    Signed,
    Status,
    ViewChange,
)
from consensus.records import Entered, Left
from consensus.state import State, ViewState


def suspect(state: State) -> None:
    """This view does not do its work: say so at once, and leave if enough others say it."""
    if lost_journal.is_silent(state):
        return
    if not state.view.is_suspect:
        state.view.is_suspect = True
        state.view.suspects.add(state.me)
        gaps.say_status(state)
    leave_in_company(state)


def calm_down(state: State) -> None:
    """All that was waited for is gone without a block: there is nothing left to suspect anyone
    for."""
    is_idle = not state.work.is_pending and state.slot.accepted is None
    if is_idle and state.view.is_suspect and state.view.is_active:
        state.view.is_suspect = False
        state.view.suspects.discard(state.me)
        gaps.say_status(state)


def on_status(state: State, status: Status) -> None:
    """Remember or forget another's SUSPECT of the view we are in, at the height we are at."""
    signer, place = status.place.signer, status.place
    is_here = place.view == state.view.number and place.height == state.head.height
    if is_here and Flag.SUSPECT in status.flags:
        state.view.suspects.add(signer)
        leave_in_company(state)
    elif signer != state.me:
        state.view.suspects.discard(signer)


def leave_in_company(state: State) -> None:
    """VIEW-CHANGE with one's own SUSPECT and f+1 in all. Who has left this view needs no longer say
    that it suspects it."""
    view = state.view
    if not view.is_suspect:
        return
    left = (k for k, m in view.view_changes.items() if m.statement.place.view > view.number)
    if len(view.suspects.union(left)) >= state.replica_set.weak_quorum:
        leave_for(state, view.number + 1)


def leave_for(state: State, number: int) -> None:
    """Send VIEW-CHANGE for a higher view; never again vote below it."""
    if lost_journal.is_silent(state):
        return
    old, number = state.view, max(number, lost_journal.lowest_view(state))
    state.view = ViewState(
        number=number,
        is_active=False,
        view_changes=old.view_changes,
        failed=old.failed + 1,
        new_view_sent=old.new_view_sent,
    )
    state.slot.forget_views_far_from(number)
    state.work.is_building = False
    state.timers.progress = None
    state.timers.new_view = None
    say_view_change(state)


def say_view_change(state: State) -> None:
    """Our VIEW-CHANGE for the current view, with what we can prove now."""
    head, prepared = state.head, state.slot.prepared
    statement = ViewChange(state.head_place(), head.certificate, prepared)
    state.emit(Persist(Left(statement)))
    state.say(statement)


def on_view_change(state: State, message: Signed, statement: ViewChange) -> None:
    """Keep the highest VIEW-CHANGE of each member; join, lead or await the new view."""
    place = statement.place
    held = state.view.view_changes.get(place.signer)
    if held is None or held.encoded != message.encoded:
        look_for_hidden(state, message)
    if place.view < state.view.number or (place.view == state.view.number and state.view.is_active):
        return
    if held is not None and _rank(held) >= (place.view, place.height):
        return
    state.view.view_changes[place.signer] = message
    if place.height > state.head.height:
        state.emit(CatchUp(place.height, (place.signer,)))
        adopt(state, statement)
    consider_view_changes(state)
    leave_in_company(state)


def adopt(state: State, statement: ViewChange) -> None:
    """Commit the open height by a certificate that came in a VIEW-CHANGE, in case no honest member
    has the block."""
    certificate = statement.committed
    if certificate is None or certificate.height != state.open_height:
        return
    if state.slot.certified is None:
        state.slot.certified = certificate


def look_for_hidden(state: State, message: Signed) -> None:
    """Accuse who leaves a view and hides what its COMMIT says it had (once per signer and
    height)."""
    signer = message.statement.place.signer
    if signer in state.slot.accused:
        return
    for vote in state.commits_of(signer):
        proof = evidence.between(vote, message)
        if proof is not None:
            state.slot.accused.add(signer)
            state.accuse(proof)
            return


def _rank(message: Signed) -> tuple[int, int]:
    return message.statement.place.view, message.statement.place.height


def consider_view_changes(state: State) -> None:
    """Follow f+1 upwards; with a quorum start the timer, and open the view if we are its
    primary."""
    view, replica_set = state.view, state.replica_set
    joined = view_change.view_to_join(view.view_changes, view.number, replica_set.weak_quorum)
    if joined is not None:
        leave_for(state, joined)
        return
    if view.is_active:
        return
    departed = view_change.count_at_or_above(view.view_changes, view.number)
    if departed >= replica_set.quorum and state.timers.new_view is None:
        state.timers.new_view = state.now + state.timeouts.view_timeout_s(view.failed - 1)
    _open_new_view(state)


def _open_new_view(state: State) -> None:
    view, replica_set = state.view, state.replica_set
    chosen = view_change.quorum_for_new_view(view.view_changes, view.number, replica_set.quorum)
    if chosen is None or view.new_view_sent >= view.number or not lost_journal.may_vote(state):
        return
    height = view_change.committed_height(chosen)
    if replica_set.primary(view.number, height + 1) != state.me:
        return
    view.new_view_sent = view.number
    place = Place(replica_set.epoch, height, view.number, state.me)
    statement = NewView(place, chosen)
    state.emit(Persist(Entered(statement, b"")))
    state.say(statement)
    # At once, not when it comes back: a commit meanwhile must keep the view as the journal has it.
    _act_in(state, None, statement)


def on_new_view(state: State, message: Signed, statement: NewView) -> None:
    """Enter a view that a quorum has left for: ours to wait for, or any higher one."""
    number = statement.place.view
    for shown in statement.view_changes:
        look_for_hidden(state, shown)
    is_news = number > state.view.number or (
        number == state.view.number and not state.view.is_active
    )
    if not is_news:
        if number == state.view.number and state.view.new_view is None:
            state.view.new_view = message
        return
    state.emit(Persist(Entered(statement, message.signature)))
    _act_in(state, message, statement)


def _act_in(state: State, message: Signed | None, statement: NewView) -> None:
    enter(state, message, statement)
    if statement.place.height > state.head.height:
        signers = tuple(m.statement.place.signer for m in statement.view_changes)
        state.emit(CatchUp(statement.place.height, signers))
        for shown in statement.view_changes:
            if isinstance(shown.statement, ViewChange):
                adopt(state, shown.statement)
    gaps.say_status(state)


def enter(state: State, message: Signed | None, statement: NewView) -> None:
    """Act in the view of a NEW-VIEW, bound by what it proves."""
    number = statement.place.view
    height, certificate = view_change.select_proposal(statement.view_changes)
    kept = {k: m for k, m in state.view.view_changes.items() if m.statement.place.view > number}
    state.view = ViewState(
        number=number,
        new_view=message,
        opens_at=height,
        required=b"" if certificate is None else certificate.digest,
        view_changes=kept,
        failed=state.view.failed,
        new_view_sent=state.view.new_view_sent,
    )
    state.slot.forget_views_far_from(number)
    state.slot.keep_bodies(state.view.required)
    # A refusal may have been the clock's, which is no reason against a proposal made again.
    state.slot.is_valid = {d: True for d, is_valid in state.slot.is_valid.items() if is_valid}
    state.work.is_building = False
    state.work.wanted = b""
    state.timers.progress = None
    state.timers.new_view = None


def after_commit(state: State, number: int, is_active: bool) -> None:
    """A commit clears every suspicion; who has left and waits says again where it stands, a height
    higher."""
    old = state.view
    is_entered = is_active and (number > old.number or not old.is_active)
    old.failed = 0
    old.unsaid = None
    old.is_suspect = False
    old.suspects = set()
    if is_entered:
        kept = {k: m for k, m in old.view_changes.items() if m.statement.place.view > number}
        state.view = ViewState(number=number, view_changes=kept, new_view_sent=old.new_view_sent)
        state.timers.new_view = None
    elif not is_active:
        old.failed = 1
        state.timers.new_view = None
        if lost_journal.may_vote(state):
            say_view_change(state)
        consider_view_changes(state)


def speak_again(state: State) -> None:
    """The silence after a start ends: say what was said before, then act on what was heard."""
    repeat(state)
    consider_view_changes(state)


def repeat(state: State) -> None:
    """After a restart: say again what was said for the open height in this view; nothing else."""
    view, slot = state.view, state.slot
    if not lost_journal.may_vote(state):
        return
    if view.unsaid is not None and view.unsaid.place.view == view.number:
        state.say(view.unsaid)
    view.unsaid = None
    if not view.is_active:
        say_view_change(state)
        return
    if state.is_committing or slot.accepted is None or slot.accepted[0] != view.number:
        return
    digest = slot.accepted[1]
    if state.primary == state.me:
        state.say(PrePrepare(state.vote_place(), digest), slot.payloads.get(digest, b""))
    else:
        state.say(Prepare(state.vote_place(), digest))
    if slot.prepared is not None and slot.prepared.view == view.number:
        state.say(Commit(state.vote_place(), digest))


def begin_epoch(state: State, number: int) -> None:
    """Views restart at 0 under a new set, unless a certificate of it proves a later one; nothing of
    the old set moves us any longer."""
    state.view = ViewState(number=number)
    state.timers.new_view = None
    state.future.clear()
    state.heights.clear()
    lost_journal.begin_epoch(state)
