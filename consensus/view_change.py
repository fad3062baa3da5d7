"""What a quorum of VIEW-CHANGEs proves and what it binds the new view to (§4.4). Pure functions of
the set.

Everyone who holds a NEW-VIEW computes the same answer from it, in whatever order the VIEW-CHANGEs
came. One height is open at a time and every committed block is a stable checkpoint, so the paper's
sets P and O shrink to one certificate and one digest.
"""

from collections.abc import Iterable, Mapping

from consensus.certificates import PreparedCertificate
from consensus.messages import Signed, ViewChange
from consensus.types import ReplicaId


def committed_height(view_changes: Iterable[Signed]) -> int:
    """C: the highest committed height that a VIEW-CHANGE of the set proves."""
    return max(message.statement.place.height for message in view_changes)


def select_proposal(view_changes: Iterable[Signed]) -> tuple[int, PreparedCertificate | None]:
    """The height that opens the view, C+1, and the certificate whose digest must be re-proposed
    there, if any.

    Among prepared certificates at C+1 the highest view wins: a digest committed in view w is
    prepared by a quorum in w, so by some honest member of any other quorum, and no later view below
    v can have prepared another.
    """
    messages = list(view_changes)
    height = committed_height(messages) + 1
    certificates = [
        message.statement.prepared
        for message in messages
        if isinstance(message.statement, ViewChange)
        and message.statement.prepared is not None
        and message.statement.prepared.height == height
    ]
    return height, max(certificates, key=lambda c: (c.view, c.digest), default=None)


def view_to_join(held: Mapping[ReplicaId, Signed], view: int, weak_quorum: int) -> int | None:
    """The smallest higher view once f+1 members have left for one above `view` (§4.5.2)."""
    higher = sorted(m.statement.place.view for m in held.values() if m.statement.place.view > view)
    return higher[0] if len(higher) >= weak_quorum else None


def quorum_for_new_view(
    held: Mapping[ReplicaId, Signed], view: int, quorum: int
) -> tuple[Signed, ...] | None:
    """A quorum of VIEW-CHANGEs for exactly `view`, ascending by signer, or None.

    With more than a quorum at hand those that prove the greatest heights come first, so that nobody
    is sent back.
    """
    exact = [m for m in held.values() if m.statement.place.view == view]
    if len(exact) < quorum:
        return None
    exact.sort(key=lambda m: (-m.statement.place.height, m.statement.place.signer))
    return tuple(sorted(exact[:quorum], key=lambda m: m.statement.place.signer))


def count_at_or_above(held: Mapping[ReplicaId, Signed], view: int) -> int:
    """How many members have left for `view` or a higher one."""
    return sum(1 for m in held.values() if m.statement.place.view >= view)
