"""Status and what it pulls: every message is pushed once, then sent again to whoever shows that it
lacks it.

One mechanism serves as retransmission, laggard detection and repair. A Status is signed but is
never a vote.
"""

from dataclasses import replace

from consensus import lost_journal
from consensus.codec import seats_of
from consensus.effects import CatchUp, Send
from consensus.messages import Body, Flag, Signed, Status
from consensus.state import State

GREETING_S = 0.01
"""How long a Status for those who have just connected waits for others to connect."""


def want(state: State, digest: bytes) -> None:
    """Ask everyone for a body, at once and in every Status until it comes."""
    if state.work.wanted != digest:
        state.work.wanted = digest
        say_status(state)


def say_status(state: State) -> None:
    """Tell everyone where we are and what we hold."""
    state.timers.status = state.now + _interval_s(state)
    state.say(_status(state))
    lost_journal.ask(state)


def greet(state: State) -> None:
    """Someone connected: a Status soon, one for all who connect at about the same time."""
    state.timers.status = min(state.timers.status, state.now + GREETING_S)


def hasten(state: State) -> None:
    """Who has just become busy does not wait out the idle interval."""
    state.timers.status = min(state.timers.status, state.now + _interval_s(state))


def _interval_s(state: State) -> float:
    is_busy = state.work.is_pending or not state.view.is_active or state.slot.accepted is not None
    is_busy = is_busy or bool(state.work.wanted) or state.memory.is_asking
    return state.timeouts.status_interval_s(is_busy, state.view.failed)


def _status(state: State) -> Status:
    view, replica_set = state.view, state.replica_set
    tally = state.slot.tally(view.number)
    flags = Flag(0)
    if view.is_suspect:
        flags |= Flag.SUSPECT
    if not view.is_active:
        flags |= Flag.CHANGING
    if state.work.is_pending:
        flags |= Flag.WORK
    if tally.pre_prepare is not None:
        flags |= Flag.PROPOSED
    left = {k for k, m in view.view_changes.items() if m.statement.place.view == view.number}
    return Status(
        place=state.head_place(),
        head=state.head.digest,
        flags=flags,
        prepares=seats_of(replica_set, set(tally.prepares)),
        commits=seats_of(replica_set, set(tally.commits)),
        view_changes=seats_of(replica_set, left),
        wanted=state.work.wanted,
        time_ms=max(0, int(state.now * 1000)),
    )


def on_status(state: State, status: Status) -> None:
    """Learn where another is; send it what it lacks, or notice that we lack blocks."""
    signer, height = status.place.signer, status.place.height
    if signer == state.me:
        return
    state.heights[signer] = height
    if height > state.head.height:
        _notice_lag(state)
    elif height == state.head.height:
        _answer(state, status)


def _notice_lag(state: State) -> None:
    """Fetch blocks when others are two heights ahead, or one for longer than a commit takes to
    arrive."""
    timers, open_height = state.timers, state.open_height
    top = max(state.heights.values())
    if timers.behind_since is None:
        timers.behind_since = state.now
    is_patient = top == open_height and state.now < timers.behind_since + state.timeouts.behind_s
    if is_patient or state.now < timers.caught_up_asked + state.timeouts.behind_s:
        return
    timers.caught_up_asked = state.now
    ahead = sorted(key for key, height in state.heights.items() if height >= open_height)
    state.emit(CatchUp(top, tuple(ahead)))


def _send_body(state: State, status: Status) -> None:
    payload = state.slot.payloads.get(status.wanted)
    if payload:
        state.emit(Send(status.place.signer, Body(status.wanted, payload)))


def _answer(state: State, status: Status) -> None:
    view, theirs = state.view, status.place.view
    signer = status.place.signer
    if status.wanted:
        _send_body(state, status)
    if theirs > view.number:
        return
    is_waiting = theirs < view.number or Flag.CHANGING in status.flags
    if view.is_active and is_waiting and view.new_view is not None:
        state.emit(Send(signer, view.new_view))
        return
    if not view.is_active:
        _send_view_changes(state, status)
        return
    if theirs == view.number:
        _send_votes(state, status)


def _send_view_changes(state: State, status: Status) -> None:
    held = status.view_changes if status.place.view == state.view.number else 0
    for seat, key in enumerate(state.replica_set.members):
        message = state.view.view_changes.get(key)
        if message is None or held >> seat & 1 or key == status.place.signer:
            continue
        if message.statement.place.view == state.view.number:
            state.emit(Send(status.place.signer, message))


def _send_votes(state: State, status: Status) -> None:
    tally = state.slot.tally(state.view.number)
    missing: list[Signed] = []
    first = tally.pre_prepare
    if first is not None and Flag.PROPOSED not in status.flags:
        missing.append(first)
    elif first is not None and tally.is_contradicted(status.place.signer):
        # It was shown another proposal: with ours in hand it can prove that the primary lied.
        missing.append(replace(first, payload=b""))
    for seat, key in enumerate(state.replica_set.members):
        prepare, commit = tally.prepares.get(key), tally.commits.get(key)
        if prepare is not None and not status.prepares >> seat & 1:
            missing.append(prepare)
        if commit is not None and not status.commits >> seat & 1:
            missing.append(commit)
    for message in missing:
        state.emit(Send(status.place.signer, message))
