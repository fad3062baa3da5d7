"""What must hold after every step, whatever fails and whoever lies (numbers as in the catalogue).

Written from the protocol's promises and not from its code: the reference answers here share nothing
with `consensus` but its data.
"""

from collections.abc import Collection

from consensus import ReplicaSet
from consensus.messages import Commit, NewView, Prepare, PrePrepare, Signed, Statement, ViewChange
from consensus.records import Accepted, Entered, Left, Prepared
from tests.simulation.hosts import Block, Host


class InvariantBroken(AssertionError):
    """Something that must never happen, with all it takes to see it again."""


def require(is_true: object, what: str) -> None:
    """Raises InvariantBroken."""
    if not is_true:
        raise InvariantBroken(what)


class Invariants:
    """Watches every honest host. What liars do is their own affair."""

    def __init__(self, hosts: list[Host], liars: Collection[int] = ()) -> None:
        self.hosts = hosts
        self.liars = frozenset(liars)
        self.canonical: dict[int, Block] = {}
        """I1: the one block of each height."""
        self.where: dict[bytes, int] = {}
        """I7: the height of each committed transaction."""
        self._votes: dict[tuple[bytes, str, int, int, int], bytes] = {}
        self._left: dict[tuple[bytes, int], int] = {}
        self._reached: dict[int, int] = {}

    def committed(self, host: Host, block: Block) -> None:
        """A host is about to make `block` its head."""
        digest, _, certificate = block
        height = host.height + 1
        if host.index in self.liars:
            return
        require(certificate.height == height, f"I2: {host.index} puts {certificate.height} on top")
        require(certificate.digest == digest, f"I5: {host.index} commits another block")
        agreed = self.canonical.setdefault(height, block)
        require(agreed.digest == digest, f"I1: two blocks at height {height}")
        self._reached[host.index] = max(height, self._reached.get(host.index, 0))
        self._is_durable(height, digest, host.replica_set)

    def transactions(self, height: int, transactions: Collection[bytes]) -> None:
        """I7: each once, at one height."""
        for transaction in transactions:
            where = self.where.setdefault(transaction, height)
            require(where == height, f"I7: {transaction!r} is at {where} and at {height}")

    def _is_durable(self, height: int, digest: bytes, replica_set: ReplicaSet) -> None:
        """I3: f+1 honest disks hold what is final: the block, or the certificate that binds it."""
        honest = [h for h in self.hosts if h.index not in self.liars]
        holders = sum(_holds(host, height, digest) for host in honest)
        faulty = sum(replica_set.members.count(self.hosts[i].key) for i in self.liars)
        needed = min(replica_set.weak_quorum, replica_set.quorum - faulty)
        require(holders >= needed, f"I3: block {height} is on {holders} honest disks")

    def restarted(self, host: Host, is_whole: bool) -> None:
        """I2: no crash takes back a height."""
        if is_whole and host.index not in self.liars:
            reached = self._reached.get(host.index, 0)
            require(host.height >= reached, f"I2: {host.index} fell to {host.height}")

    def said(self, host: Host, statement: Statement) -> None:
        """I4, I6 and I14: about everything an honest host signs."""
        if host.index in self.liars:
            return
        place = statement.place
        here = (host.key, place.epoch)
        if isinstance(statement, ViewChange):
            self._left[here] = max(place.view, self._left.get(here, 0))
        elif isinstance(statement, PrePrepare | Prepare | Commit):
            slot = (host.key, type(statement).__name__, place.epoch, place.height, place.view)
            first = self._votes.setdefault(slot, statement.digest)
            require(first == statement.digest, f"I4: {host.index} votes twice: {slot[1:]}")
            left = self._left.get(here, 0)
            require(place.view >= left, f"I4: {host.index} votes in {place.view}, left for {left}")
            require(place.height > host.height, f"I4: {host.index} votes at a committed height")
            _is_bound(host, statement)
        require(_is_written(host, statement), f"I14: {host.index} speaks first: {statement}")

    def accused(self, key: bytes) -> None:
        """I11: evidence names liars only."""
        indices = [host.index for host in self.hosts if host.key == key]
        require(set(indices) <= self.liars, f"I11: honest {indices} are accused")


def _holds(host: Host, height: int, digest: bytes) -> bool:
    if host.height >= height:
        return True
    return any(
        isinstance(record, Prepared)
        and record.certificate.height == height
        and record.certificate.digest == digest
        for record in host.records()
    )


def _is_written(host: Host, statement: Statement) -> bool:
    """Whether the journal holds what must be durable before a statement is made."""
    written = host.records()
    match statement:
        case PrePrepare() | Prepare():
            wanted = (statement.place.view, statement.place.height, statement.digest)
            return statement.digest in host.bodies and any(
                isinstance(r, Accepted)
                and (r.pre_prepare.place.view, r.pre_prepare.place.height, r.pre_prepare.digest)
                == wanted
                for r in written
            )
        case Commit():
            place = statement.place
            return any(
                isinstance(r, Prepared)
                and (r.certificate.view, r.certificate.height) == (place.view, place.height)
                and r.certificate.digest == statement.digest
                for r in written
            )
        case ViewChange():
            view = statement.place.view
            return any(isinstance(r, Left) and r.view_change.place.view == view for r in written)
        case NewView():
            return any(isinstance(r, Entered) and r.new_view == statement for r in written)
        case _:
            return True


def _is_bound(host: Host, vote: PrePrepare | Prepare | Commit) -> None:
    """I6: in a view entered by NEW-VIEW only what its VIEW-CHANGEs leave open is voted for."""
    place = vote.place
    for record in host.records():
        if not isinstance(record, Entered):
            continue
        entered = record.new_view
        if (entered.place.epoch, entered.place.view) != (place.epoch, place.view):
            continue
        height, bound = reference_choice(entered.view_changes)
        require(place.height > height, f"I6: {host.index} votes at a height the NEW-VIEW closes")
        if place.height == height + 1 and bound:
            require(vote.digest in bound, f"I6: {host.index} votes against its NEW-VIEW")


def reference_choice(view_changes: Collection[Signed]) -> tuple[int, set[bytes]]:
    """The committed height that VIEW-CHANGEs prove, and the digests that the highest view prepared
    above it (one, while no more than f lie); empty when the new view is free."""
    left = [m.statement for m in view_changes if isinstance(m.statement, ViewChange)]
    height = max(statement.place.height for statement in left)
    shown = [s.prepared for s in left if s.prepared and s.prepared.height == height + 1]
    top = max((certificate.view for certificate in shown), default=-1)
    return height, {certificate.digest for certificate in shown if certificate.view == top}
