"""One replica: one way in, one way out.

`step` takes the time and one thing that happened, and lists what the host must do about it, in
order. Deadlines are checked first; after every input the replica does all that what it holds
allows.
"""

from typing import assert_never

from consensus import gaps, leaving, lost_journal, normal_case
from consensus.certificates import CommitCertificate
from consensus.effects import Effect
from consensus.inputs import (
    CaughtUp,
    Committed,
    Input,
    PeerConnected,
    ProposalBuilt,
    ProposalJudged,
    Received,
    Tick,
    WorkPending,
)
from consensus.messages import (
    Answer,
    Body,
    Commit,
    NewView,
    Prepare,
    PrePrepare,
    Question,
    Signed,
    Status,
    ViewChange,
)
from consensus.records import Record
from consensus.state import State
from consensus.types import ReplicaId, ReplicaSet


class Replica:
    """PBFT for one member. Build it with `recovery.recover`, also when there is nothing to
    recover."""

    __slots__ = ("_state",)

    def __init__(self, state: State) -> None:
        self._state = state

    def step(self, now: float, event: Input) -> list[Effect]:
        """What must be done, in order, about `event` at `now` (seconds on the host's clock, never
        decreasing)."""
        state = self._state
        state.now = max(now, state.now)
        was_silent = lost_journal.is_silent(state)
        _check_deadlines(state)
        _dispatch(state, event)
        lost_journal.release(state)
        if was_silent and not lost_journal.is_silent(state):
            leaving.speak_again(state)
        normal_case.advance(state)
        _arm_progress_timer(state)
        gaps.hasten(state)
        effects, state.effects = state.effects, []
        return effects

    @property
    def deadline(self) -> float | None:
        """When it wants to be stepped with a Tick at the latest, even if nothing happens."""
        timers = self._state.timers
        running = (timers.status, timers.progress, timers.new_view)
        return min(deadline for deadline in running if deadline is not None)

    @property
    def replica_set(self) -> ReplicaSet:
        """Who decides the open height."""
        return self._state.replica_set

    @property
    def height(self) -> int:
        """The committed height."""
        return self._state.head.height

    @property
    def view(self) -> int:
        """The view it acts in, or has left for."""
        return self._state.view.number

    @property
    def is_active(self) -> bool:
        """False between its own VIEW-CHANGE and the NEW-VIEW."""
        return self._state.view.is_active

    @property
    def primary(self) -> ReplicaId:
        """Who proposes the open height in this view."""
        return self._state.primary

    @property
    def suspects(self) -> frozenset[ReplicaId]:
        """Who says SUSPECT of this view."""
        return frozenset(self._state.view.suspects)

    def kept_records(self, certificate: CommitCertificate) -> tuple[Record, ...]:
        """What the journal must hold when a block the host fetched, so certified, cuts it."""
        return normal_case.kept_records(self._state, certificate)

    def votes(self) -> dict[str, frozenset[ReplicaId]]:
        """Who voted what for the open height in this view: for people who ask why it takes so
        long."""
        tally = self._state.slot.tally(self._state.view.number)
        return {"prepares": frozenset(tally.prepares), "commits": frozenset(tally.commits)}


def _dispatch(state: State, event: Input) -> None:
    match event:
        case Received(message):
            _on_message(state, message)
        case ProposalBuilt():
            normal_case.on_built(state, event)
        case ProposalJudged():
            normal_case.on_judged(state, event)
        case Committed():
            normal_case.on_committed(state, event)
        case CaughtUp():
            normal_case.on_caught_up(state, event)
        case WorkPending(is_pending, is_overdue):
            state.work.is_pending = is_pending
            leaving.calm_down(state)
            if is_overdue and state.view.is_active and state.primary != state.me:
                leaving.suspect(state)
        case PeerConnected():
            gaps.greet(state)
        case Tick():
            pass
        case _:
            assert_never(event)


def _on_message(state: State, message: Signed | Body) -> None:
    if isinstance(message, Body):
        normal_case.on_body(state, message)
        return
    statement = message.statement
    place = statement.place
    if place.epoch != state.replica_set.epoch or place.signer not in state.replica_set.members:
        return
    if place.signer == state.me:
        lost_journal.notice_own(state, message)
    match statement:
        case PrePrepare() | Prepare() | Commit():
            normal_case.on_vote(state, message, statement)
        case ViewChange():
            leaving.on_view_change(state, message, statement)
        case NewView():
            leaving.on_new_view(state, message, statement)
        case Status():
            leaving.on_status(state, statement)
            gaps.on_status(state, statement)
        case Question():
            lost_journal.on_question(state, statement)
        case Answer():
            lost_journal.on_answer(state, message, statement)
        case _:
            assert_never(statement)


def _check_deadlines(state: State) -> None:
    timers = state.timers
    if timers.progress is not None and state.now >= timers.progress:
        timers.progress = None
        leaving.suspect(state)
    if timers.new_view is not None and state.now >= timers.new_view:
        timers.new_view = None
        leaving.suspect(state)
    if state.now >= timers.status:
        gaps.say_status(state)


def _arm_progress_timer(state: State) -> None:
    """The timer runs in an active view while there is work and the primary, who is another, has it
    to do."""
    timers, view = state.timers, state.view
    is_waiting = (
        view.is_active
        and not lost_journal.is_silent(state)
        and not view.is_suspect
        and not state.is_committing
        and state.primary != state.me
        and (state.work.is_pending or state.slot.accepted is not None)
    )
    if not is_waiting:
        timers.progress = None
    elif timers.progress is None:
        timers.progress = state.now + state.timeouts.view_timeout_s(view.failed)
