"""Clusters in which some seats lie: they hold their keys and may say anything to anyone.

A lying host runs the real core, and what leaves it goes through strategies that may change it, for
each receiver anew, and sign it again with the liar's own key. No liar can sign for another.
"""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TypeAlias

from consensus import ConsensusError, authentication, codec
from consensus.messages import (
    Body,
    Commit,
    Flag,
    NewView,
    Place,
    Prepare,
    PrePrepare,
    Signed,
    Statement,
    Status,
    ViewChange,
)
from consensus.types import NUMBER_MAX
from tests.simulation.cluster import Cluster, Faults, Host
from tests.simulation.invariants import Invariants

Message: TypeAlias = Signed | Body


@dataclass(frozen=True)
class Lie:
    """A chance to say something else than the core would have said."""

    dice: random.Random
    key: bytes
    target: int
    """The seat of the receiver."""
    message: Message
    source: Host
    now: float

    def sign(self, statement: Statement, payload: bytes = b"") -> Signed:
        """Any statement in the liar's name."""
        place = replace(statement.place, signer=self.key)
        own = replace(statement, place=place)
        return codec.seal(self.source.genesis, own, self.source.scheme.sign, payload)

    def fork(self, statement: PrePrepare, payload: bytes) -> Signed:
        """Another proposal for the same place."""
        digest, other = self.source.fork(statement.digest, payload, self.now)
        return self.sign(replace(statement, digest=digest), other)

    @property
    def is_own(self) -> bool:
        """Whether the liar may change it: it can relay what others signed, and no more."""
        return isinstance(self.message, Signed) and self.message.statement.place.signer == self.key


Strategy: TypeAlias = Callable[[Lie], Sequence[Message]]


def twisted(digest: bytes) -> bytes:
    """The other digest of an equivocator."""
    return sha256(b"other" + digest).digest()


def equivocate(lie: Lie) -> Sequence[Message]:
    """Odd seats get another proposal, and votes that go with it."""
    if isinstance(lie.message, Body) or not lie.is_own or lie.target % 2 == 0:
        return [lie.message]
    statement, payload = lie.message.statement, lie.message.payload
    if isinstance(statement, PrePrepare) and payload:
        return [lie.fork(statement, payload)]
    if isinstance(statement, Prepare | Commit):
        return [lie.message, lie.sign(replace(statement, digest=twisted(statement.digest)))]
    return [lie.message]


def send_both(lie: Lie) -> Sequence[Message]:
    """Two proposals to everyone, in either order."""
    if isinstance(lie.message, Signed) and lie.is_own and lie.message.payload:
        statement = lie.message.statement
        if isinstance(statement, PrePrepare):
            return lie.dice.sample([lie.message, lie.fork(statement, lie.message.payload)], 2)
    return [lie.message]


def spoil_bodies(lie: Lie) -> Sequence[Message]:
    """Payloads that do not hash to their digest, also beside what others signed."""
    if isinstance(lie.message, Body):
        return [replace(lie.message, payload=b"garbage")]
    return [replace(lie.message, payload=b"garbage")] if lie.message.payload else [lie.message]


def withhold_bodies(lie: Lie) -> Sequence[Message]:
    """Digests without payloads, and no answer to who asks for them."""
    if isinstance(lie.message, Body):
        return []
    return [replace(lie.message, payload=b"")]


def hide_certificates(lie: Lie) -> Sequence[Message]:
    """VIEW-CHANGE as if nothing had been prepared."""
    if isinstance(lie.message, Signed) and isinstance(lie.message.statement, ViewChange):
        return [lie.sign(replace(lie.message.statement, prepared=None))] if lie.is_own else []
    return [lie.message]


def suspect_always(lie: Lie) -> Sequence[Message]:
    """SUSPECT of every view, and a head far above everyone's."""
    if isinstance(lie.message, Signed) and isinstance(lie.message.statement, Status):
        status = lie.message.statement
        place = status.place
        if lie.dice.random() < 0.3:
            place = replace(place, height=lie.dice.choice([place.height + 2, 10**12]))
        return [lie.sign(replace(status, place=place, flags=status.flags | Flag.SUSPECT))]
    return [lie.message]


def rush_views(lie: Lie) -> Sequence[Message]:
    """VIEW-CHANGEs for views near and absurd, now and then."""
    if lie.dice.random() > 0.1 or not isinstance(lie.message, Signed) or not lie.is_own:
        return [lie.message]
    place = lie.message.statement.place
    view = lie.dice.choice([place.view + 1, place.view + 2, NUMBER_MAX])
    claim = ViewChange(replace(place, view=view, height=0), None, None)
    return [lie.message, lie.sign(claim)]


def mutate(lie: Lie) -> Sequence[Message]:
    """A vote or VIEW-CHANGE one step away from the true one, in place of it or beside it."""
    if isinstance(lie.message, Body) or not lie.is_own or lie.dice.random() > 0.2:
        return [lie.message]
    statement = lie.message.statement
    place = statement.place
    elsewhere = Place(
        view=max(0, place.view + lie.dice.choice([-1, 0, 1])),
        height=max(0, place.height + lie.dice.choice([-1, 0, 1])),
        epoch=lie.dice.choice([0, 0, 0, 1]),
        signer=place.signer,
    )
    moved = replace(statement, place=elsewhere)
    if isinstance(moved, PrePrepare | Prepare | Commit) and lie.dice.random() < 0.5:
        moved = replace(moved, digest=twisted(moved.digest))
    return lie.dice.choice([[lie.sign(moved)], [lie.message, lie.sign(moved)]])


def cut_new_views(lie: Lie) -> Sequence[Message]:
    """NEW-VIEW with one VIEW-CHANGE left out, doubled or taken from elsewhere."""
    if isinstance(lie.message, Body) or not lie.is_own:
        return [lie.message]
    statement = lie.message.statement
    if not isinstance(statement, NewView):
        return [lie.message]
    shown = list(statement.view_changes)
    spoiled = lie.dice.choice([shown[1:], [*shown[:-1], shown[0]], shown[::-1], []])
    return [lie.sign(replace(statement, view_changes=tuple(spoiled)))]


def play_favourites(lie: Lie) -> Sequence[Message]:
    """Nothing at all for one of the others."""
    return [] if lie.target == lie.key[0] % 4 else [lie.message]


STRATEGIES: tuple[Strategy, ...] = (
    equivocate,
    send_both,
    spoil_bodies,
    withhold_bodies,
    hide_certificates,
    suspect_always,
    rush_views,
    mutate,
    cut_new_views,
    play_favourites,
)


class LiarsCluster(Cluster):
    """A cluster with liars. What they say may be refused, and evidence may name them: nobody
    else."""

    def __init__(
        self,
        liars: Collection[int],
        strategies: Sequence[Strategy],
        n: int = 4,
        seed: int = 1,
        faults: Faults | None = None,
        rotation_blocks: int = 256,
    ) -> None:
        self.liars = frozenset(liars)
        self.strategies = strategies
        self.refused = 0
        super().__init__(n, seed, faults, rotation_blocks=rotation_blocks)
        self.invariants = Invariants(self.hosts, self.liars)

    def accused(self) -> set[int]:
        """The seats that evidence names."""
        seats = {host.key: host.index for host in self.hosts}
        return {seats[evidence.accused] for evidence in self.evidence}

    def honest(self) -> list[Host]:
        """The hosts that do not lie and are up."""
        hosts = [host for host in self.hosts if host.index not in self.liars]
        return [host for host in hosts if host.replica is not None]

    def expect_honest_final(self, transaction: bytes, within_s: float = 30.0) -> None:
        """Every honest host that is up commits the transaction in time."""
        self.expect_final_on([host.index for host in self.honest()], [transaction], within_s)

    def honest_view(self) -> int:
        """The highest view an honest replica is in."""
        return max(host.replica.view for host in self.honest() if host.replica is not None)

    def _transmit(self, source: Host, target: Host, message: Message) -> None:
        if source.index not in self.liars:
            super()._transmit(source, target, message)
            return
        told: Sequence[Message] = [message]
        for strategy in self.strategies:
            told = [
                lie
                for said in told
                for lie in strategy(
                    Lie(self.random, source.key, target.index, said, source, self.now)
                )
            ]
        for lie in told:
            super()._transmit(source, target, lie)

    def is_heard(self, source: Host, target: Host, message: Message) -> bool:
        """What honest hosts say must pass; of liars' messages those that do are heard."""
        if source.index not in self.liars:
            return super().is_heard(source, target, message)
        try:
            heard = codec.decode(codec.encode(message), self.genesis)
            authentication.check(heard, target.replica_set, target.scheme)
        except ConsensusError:
            self.refused += 1
            return False
        return True

    def _fetch(self, host: Host, source: Host, height: int) -> None:
        if source.index in self.liars:
            height = min(height, source.height)
        super()._fetch(host, source, height)
