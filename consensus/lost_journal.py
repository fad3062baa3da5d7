"""What a replica does that may have forgotten its own votes: it asks, and stays silent until it
cannot contradict itself (docs/protocol.md, A lost journal).

On every start a replica asks the others what they heard of it, and votes when q-1 have answered:
with fewer it could be in no quorum anyway. If any shows a vote that its journal does not cover, or
the host knows the journal to be lost, it has forgotten. Then q answers of others tell how far its
forgotten votes can reach: no height above two more than the highest they prove, no view above two
more than the highest they prove. Until that height is committed it says nothing that counts, and
afterwards nothing in those views of that epoch.
"""

from consensus.effects import Persist
from consensus.messages import (
    Answer,
    Commit,
    NewView,
    Prepare,
    PrePrepare,
    Question,
    Signed,
    ViewChange,
)
from consensus.records import Forgot, Record, forgot_all
from consensus.state import State
from consensus.types import NUMBER_MAX, ReplicaId


def begin(state: State, nonce: bytes) -> None:
    """At the start: ask, unless the host vouches for the journal by giving no nonce."""
    memory = state.memory
    memory.nonce = nonce
    memory.is_asking = bool(nonce)
    if memory.forgot is not None and _is_open(state, memory.forgot):
        forget(state)
    else:
        release(state)


def is_silent(state: State) -> bool:
    """Nothing that counts may be said at the open height."""
    forgot = state.memory.forgot
    return state.memory.is_asking or (
        forgot is not None and state.head.height < forgot.silent_until
    )


def may_vote(state: State) -> bool:
    """Votes may be cast in the current view."""
    return not is_silent(state) and state.view.number >= lowest_view(state)


def lowest_view(state: State) -> int:
    """The lowest view of this epoch that nothing forgotten can concern."""
    return 0 if state.memory.forgot is None else state.memory.forgot.above_view + 1


def ask(state: State) -> None:
    """The Question, with every Status until enough have answered."""
    if state.memory.is_asking:
        state.say(Question(state.head_place(), state.memory.nonce))


def forget(state: State) -> None:
    """Votes of ours are unknown to us: nothing is said until q answers tell how far they reach."""
    unknown = forgot_all(state.replica_set.epoch)
    state.memory.is_asking = True
    if state.memory.forgot != unknown:
        state.memory.forgot = unknown
        state.emit(Persist(unknown))


def release(state: State) -> None:
    """Forget about having forgotten, once nothing forgotten can be contradicted."""
    if state.memory.forgot is not None and may_vote(state):
        state.memory.forgot = None


def begin_epoch(state: State) -> None:
    """Forgotten votes may be of the new epoch too, unless it begins above all of them."""
    state.memory.answers.clear()
    forgot = state.memory.forgot
    if forgot is None:
        return
    if _is_open(state, forgot):
        forget(state)
    else:
        state.memory.forgot = None


def _is_open(state: State, forgot: Forgot) -> bool:
    """Whether the others must be asked, again, how far the forgotten votes reach."""
    is_unresolved = forgot.silent_until == NUMBER_MAX
    is_of_epoch = forgot.epoch == state.replica_set.epoch
    return is_unresolved or (not is_of_epoch and state.head.height < forgot.silent_until)


def kept_records(state: State) -> tuple[Record, ...]:
    """What a commit must not cut from the journal."""
    return () if state.memory.forgot is None else (state.memory.forgot,)


def notice_own(state: State, message: Signed) -> None:
    """A statement of one's own comes in: the echo of what was just said, or proof that one
    forgot."""
    if state.memory.nonce and state.memory.forgot is None and _is_unknown(state, message):
        forget(state)


def _is_unknown(state: State, message: Signed) -> bool:
    """Whether what we remember does not cover a statement of ours."""
    statement, slot = message.statement, state.slot
    place = statement.place
    if not isinstance(statement, PrePrepare | Prepare | Commit | ViewChange):
        return False
    if place.view > state.view.number:
        return True
    if isinstance(statement, ViewChange) or place.height <= state.head.height:
        return place.height > state.head.height
    if place.height > state.open_height:
        return True
    if isinstance(statement, Commit):
        said = None if slot.prepared is None else (slot.prepared.view, slot.prepared.digest)
    else:
        said = slot.accepted
    is_other = said is not None and said[0] == place.view and said[1] != statement.digest
    return said is None or said[0] < place.view or is_other


def on_question(state: State, question: Question) -> None:
    """Tell who asks where we are; show its highest vote that we hold, and f+1 of those who left
    views."""
    asker = question.place.signer
    if asker == state.me:
        return
    votes = sorted(_votes_of(state, asker), key=lambda m: _rank(m.statement.place.view, m))
    shown = (*votes[-1:], *_departures(state))
    state.say(Answer(state.head_place(), question.nonce, state.head.certificate, shown))


def _rank(view: int, message: Signed) -> tuple[int, int, bool]:
    return message.statement.place.height, view, isinstance(message.statement, Commit)


def _votes_of(state: State, member: ReplicaId) -> list[Signed]:
    held = list(state.future.values())
    for tally in state.slot.tallies.values():
        held += [m for m in (tally.pre_prepare, *tally.prepares.values()) if m is not None]
        held += tally.commits.values()
    return [m for m in held if m.statement.place.signer == member]


def _departures(state: State) -> list[Signed]:
    """The f+1 VIEW-CHANGEs for the highest views that we can show."""
    held = list(state.view.view_changes.values())
    entered = state.view.new_view
    if entered is not None and isinstance(entered.statement, NewView):
        signers = state.view.view_changes.keys()
        entering = entered.statement.view_changes
        held += [m for m in entering if m.statement.place.signer not in signers]
    held.sort(key=lambda m: (-m.statement.place.view, m.statement.place.signer))
    return held[: state.replica_set.weak_quorum]


def on_answer(state: State, message: Signed, answer: Answer) -> None:
    """One of the answers to this start's Question; with enough of them the asking ends."""
    memory = state.memory
    is_ours = answer.place.signer == state.me or answer.nonce != memory.nonce
    if is_ours or not memory.is_asking:
        return
    memory.answers[answer.place.signer] = message
    for shown in answer.shown:
        if shown.statement.place.signer == state.me:
            notice_own(state, shown)
    has_forgotten = memory.forgot is not None and _is_open(state, memory.forgot)
    if len(memory.answers) < state.replica_set.quorum - (not has_forgotten):
        return
    memory.is_asking = False
    if has_forgotten:
        _resolve(state)
    memory.answers.clear()


def _resolve(state: State) -> None:
    """Every height and view that a forgotten vote of ours can be of."""
    answers = state.memory.answers.values()
    height = max(message.statement.place.height for message in answers)
    views: dict[ReplicaId, int] = {}
    proven = 0
    for message in answers:
        if not isinstance(message.statement, Answer):
            continue
        certificate = message.statement.committed
        proven = max(proven, 0 if certificate is None else certificate.view)
        for shown in message.statement.shown:
            place = shown.statement.place
            if isinstance(shown.statement, ViewChange):
                views[place.signer] = max(place.view, views.get(place.signer, 0))
    left = sorted(views.values(), reverse=True)
    if len(left) >= state.replica_set.weak_quorum:
        proven = max(proven, left[state.replica_set.weak_quorum - 1])
    state.memory.forgot = Forgot(state.replica_set.epoch, height + 2, proven + 2)
    state.emit(Persist(state.memory.forgot))
