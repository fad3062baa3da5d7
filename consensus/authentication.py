"""Is this message one that its signer may have made, and did? Everything nested in it is checked in
one batch.

A replica trusts what it is stepped with, so its host calls `check` first, outside the replica: in
threads or with a cache of verified signatures, as it likes.
"""

from typing import assert_never

from consensus import codec
from consensus.certificates import CommitCertificate, SignatureItem, SignatureScheme
from consensus.errors import NotAuthentic, WrongEpoch
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
from consensus.types import ReplicaSet
from consensus.view_change import committed_height


def check(message: Signed | Body, replica_set: ReplicaSet, scheme: SignatureScheme) -> None:
    """Raises WrongEpoch or NotAuthentic. A Body is unsigned: its digest is the host's to check."""
    items = signature_items(message, replica_set)
    verdicts = scheme.verify(items)
    if not all(verdicts):
        part = "its own" if not verdicts[0] else "a nested"
        raise NotAuthentic(part + " signature", "does not verify")


def signature_items(message: Signed | Body, replica_set: ReplicaSet) -> list[SignatureItem]:
    """All signatures of a message, its own first. Raises WrongEpoch or NotAuthentic for what no
    signature can mend."""
    if isinstance(message, Body):
        return []
    place = message.statement.place
    if place.epoch != replica_set.epoch:
        raise WrongEpoch(place.epoch, place.height)
    if place.signer not in replica_set.members:
        raise NotAuthentic("signer", "is not a member of this epoch")
    own = codec.signed_bytes(codec.kind_of(message.statement), message.encoded)
    return [(place.signer, own, message.signature), *_nested(message, replica_set)]


def _nested(message: Signed, replica_set: ReplicaSet) -> list[SignatureItem]:
    statement = message.statement
    place = statement.place
    match statement:
        case PrePrepare() | Prepare():
            is_primary = place.signer == replica_set.primary(place.view, place.height)
            if is_primary is isinstance(statement, Prepare):
                raise NotAuthentic("signer", "only the primary sends PRE-PREPARE, and no PREPARE")
            return []
        case Commit() | Status() | Question():
            return []
        case Answer():
            return _check_answer(statement, replica_set)
        case ViewChange():
            return _check_view_change(statement, replica_set)
        case NewView():
            return _check_new_view(statement, replica_set)
        case _:
            assert_never(statement)


def _check_view_change(statement: ViewChange, replica_set: ReplicaSet) -> list[SignatureItem]:
    place, prepared = statement.place, statement.prepared
    if place.view < 1:
        raise NotAuthentic("VIEW-CHANGE", "to view 0")
    items = _check_height("VIEW-CHANGE", place.height, statement.committed, replica_set)
    if prepared is not None:
        if prepared.height != place.height + 1 or prepared.view >= place.view:
            raise NotAuthentic("VIEW-CHANGE", "shows a prepared certificate out of place")
        items += prepared.items(replica_set)
    return items


def _check_height(
    part: str, height: int, committed: CommitCertificate | None, replica_set: ReplicaSet
) -> list[SignatureItem]:
    if committed is None:
        if height != replica_set.first_height - 1:
            raise NotAuthentic(part, "claims a height without its certificate")
        return []
    if committed.height != height:
        raise NotAuthentic(part, "shows the certificate of another height")
    return committed.items(replica_set)


def _check_answer(statement: Answer, replica_set: ReplicaSet) -> list[SignatureItem]:
    shown = statement.shown
    if len(shown) > replica_set.weak_quorum + 1:
        raise NotAuthentic("Answer", "shows more than one vote and f+1 VIEW-CHANGEs")
    items = _check_height("Answer", statement.place.height, statement.committed, replica_set)
    for message in shown:
        items += signature_items(message, replica_set)
    return items


def _check_new_view(statement: NewView, replica_set: ReplicaSet) -> list[SignatureItem]:
    place, view_changes = statement.place, statement.view_changes
    signers = [m.statement.place.signer for m in view_changes]
    if len(signers) != replica_set.quorum or signers != sorted(set(signers)):
        raise NotAuthentic("NEW-VIEW", "must show a quorum of VIEW-CHANGEs, ascending by signer")
    if any(m.statement.place.view != place.view for m in view_changes):
        raise NotAuthentic("NEW-VIEW", "shows a VIEW-CHANGE for another view")
    height = committed_height(view_changes)
    if place.height != height or place.signer != replica_set.primary(place.view, height + 1):
        raise NotAuthentic("NEW-VIEW", "is not its primary's, or not of the height it proves")
    items: list[SignatureItem] = []
    for message in view_changes:
        items += signature_items(message, replica_set)
    return items
