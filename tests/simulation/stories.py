"""What several tests make clusters live through, and what they say in a liar's name."""

import random
from hashlib import sha256

from consensus import codec
from consensus.messages import Body, Signed, Statement
from tests.simulation.cluster import Cluster


def signed(cluster: Cluster, index: int, statement: Statement, payload: bytes = b"") -> Signed:
    """A statement as the host of that index would sign it: for tests that lie."""
    return codec.seal(cluster.genesis, statement, cluster.hosts[index].scheme.sign, payload)


def body(payload: bytes) -> Body:
    """A body under its digest."""
    return Body(sha256(payload).digest(), payload)


def live_through(cluster: Cluster, dice: random.Random, deeds: int) -> None:
    """Submit `deeds` while hosts die, return and are cut off; then heal everything and submit the
    last."""
    members = range(len(cluster.hosts))
    for number in range(deeds):
        cluster.submit(b"deed %d" % number)
        match dice.randrange(6):
            case 0:
                cut = set(dice.sample(members, dice.randrange(1, len(members))))
                cluster.partition(cut, set(members) - cut)
            case 1:
                cluster.kill(dice.choice(members))
            case 2:
                cluster.restart(dice.choice(members))
            case 3:
                cluster.links.join_all()
            case _:
                pass
        cluster.run(dice.choice([0.005, 0.05, 0.5, 3]))
    cluster.heal()
    for index in members:
        cluster.restart(index)
    cluster.submit(b"last")
