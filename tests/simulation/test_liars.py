"""Up to f members lie for ever: the others agree, go on, and accuse nobody else."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import permutations

import pytest

from consensus import evidence
from consensus.messages import (
    Answer,
    Body,
    Commit,
    NewView,
    Place,
    Prepare,
    PrePrepare,
    Question,
    Signed,
    ViewChange,
)
from tests.simulation.cluster import Host, InvariantBroken
from tests.simulation.liars import (
    STRATEGIES,
    LiarsCluster,
    Lie,
    Message,
    Strategy,
    equivocate,
    hide_certificates,
    mutate,
    send_both,
    suspect_always,
)
from tests.simulation.stories import signed


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.__name__)
@pytest.mark.parametrize("liar", [0, 1])
def test_one_liar_of_four_stops_nothing(strategy: Strategy, liar: int) -> None:
    for seed in range(4):
        cluster = LiarsCluster([liar], [strategy], seed=seed)
        for number in range(4):
            cluster.submit(b"deed %d" % number)
            cluster.expect_honest_final(b"deed %d" % number, within_s=15)
        assert cluster.honest_view() <= 2


@pytest.mark.parametrize(("n", "liars"), [(7, [0, 1]), (10, [0, 1, 2])])
def test_f_equivocating_primaries_in_a_row_are_replaced(n: int, liars: list[int]) -> None:
    cluster = LiarsCluster(liars, [equivocate], n)
    cluster.submit(b"deed")
    cluster.expect_honest_final(b"deed", within_s=20)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("strategy", [equivocate, send_both], ids=["halves", "both"])
def test_C01_an_equivocating_primary_is_named(strategy: Strategy, seed: int) -> None:
    cluster = LiarsCluster([0], [strategy], seed=seed)
    cluster.submit(b"deed")
    cluster.expect_honest_final(b"deed", within_s=15)
    cluster.run(3)
    assert cluster.accused() == {0}


def test_C15_one_member_that_suspects_for_ever_moves_no_view() -> None:
    cluster = LiarsCluster([3], [suspect_always])
    for number in range(20):
        cluster.submit(b"deed %d" % number)
        cluster.expect_honest_final(b"deed %d" % number, within_s=2)
        cluster.run(5)
    assert cluster.honest_view() == 0


def test_C47_messages_one_step_from_the_truth_are_refused_or_harmless() -> None:
    cluster = LiarsCluster([1], [mutate], seed=3)
    for number in range(20):
        cluster.submit(b"deed %d" % number)
        cluster.expect_honest_final(b"deed %d" % number, within_s=15)
    assert cluster.refused > 0


class Fork:
    """Two histories: seat 3 is told the other one, by liars who agree on what it is."""

    def __init__(self) -> None:
        self.others: dict[bytes, bytes] = {}

    def __call__(self, lie: Lie) -> Sequence[Message]:
        message = lie.message
        if lie.target != 3:
            return [message]
        if isinstance(message, Body) or not lie.is_own:
            return []
        statement = message.statement
        if isinstance(statement, Question | Answer):
            return [message]
        if isinstance(statement, PrePrepare):
            payload = message.payload + b"|other"
            other = self.others[statement.digest] = sha256(payload).digest()
            return [lie.sign(replace(statement, digest=other), payload)]
        if isinstance(statement, Prepare | Commit):
            return [lie.sign(replace(statement, digest=self.others[statement.digest]))]
        return []


def test_C46_f_plus_1_liars_do_break_agreement_and_the_checker_says_so() -> None:
    cluster = LiarsCluster([0, 1], [Fork()])
    cluster.partition({0, 1, 2}, {0, 1, 3})
    cluster.submit(b"deed")
    with pytest.raises(InvariantBroken, match="two blocks at height 1"):
        cluster.run(10)


class Audit:
    """Reads everything that anyone sends, like an auditor who is given all nodes' messages."""

    def __init__(self) -> None:
        self.heard: dict[tuple[bytes, bytes], Signed] = {}

    def hear(self, message: Message) -> None:
        if isinstance(message, Body):
            return
        statement = message.statement
        self.heard[message.encoded, message.signature] = message
        for nested in statement.view_changes if isinstance(statement, NewView) else ():
            self.hear(nested)

    def guilty(self, cluster: LiarsCluster) -> set[int]:
        """Whom evidence names that the validator set alone confirms."""
        found = set()
        for first, second in permutations(self.heard.values(), 2):
            proof = evidence.between(first, second)
            if proof is not None:
                proof.check(cluster.replica_set, cluster.hosts[0].scheme)
                found.add(cluster.replica_set.index_of(proof.accused))
        return found


class AuditedCluster(LiarsCluster):
    """Everything that is sent is kept."""

    def __init__(self, liars: list[int], strategies: list[Strategy]) -> None:
        self.audit = Audit()
        super().__init__(liars, strategies)

    def is_heard(self, source: Host, target: Host, message: Message) -> bool:
        self.audit.hear(message)
        return super().is_heard(source, target, message)


def test_C46_a_fork_within_a_view_names_f_plus_1_liars_and_nobody_else() -> None:
    cluster = AuditedCluster([0, 1], [Fork()])
    cluster.partition({0, 1, 2}, {0, 1, 3})
    cluster.submit(b"deed")
    with pytest.raises(InvariantBroken, match="two blocks at height 1"):
        cluster.run(10)
    assert cluster.audit.guilty(cluster) == {0, 1}


def test_C46_a_fork_across_views_names_f_plus_1_liars_who_hid_what_they_had() -> None:
    """Seat 2 commits in view 0 with both liars; they leave it with seat 3 and show nothing."""
    cluster = AuditedCluster([0, 1], [])
    cluster.partition({0, 1, 2}, {3})
    cluster.submit(b"deed")
    cluster.run_until(lambda: cluster.hosts[2].height == 1, 5)
    keys = cluster.replica_set.members
    left = [
        signed(cluster, seat, ViewChange(Place(0, 0, 1, keys[seat]), None, None))
        for seat in (0, 1, 3)
    ]
    shown = tuple(sorted(left, key=lambda m: m.statement.place.signer))
    cluster.audit.hear(signed(cluster, 1, NewView(Place(0, 0, 1, keys[1]), shown)))
    assert cluster.audit.guilty(cluster) == {0, 1}


def nothing_for_seat_3(lie: Lie) -> Sequence[Message]:
    """A primary that leaves one member out."""
    return [] if lie.target == 3 else [lie.message]


def test_C17_who_is_left_out_by_the_primary_has_everything_from_the_others() -> None:
    cluster = LiarsCluster([0], [nothing_for_seat_3])
    for number in range(10):
        cluster.submit(b"deed %d" % number)
        cluster.expect_honest_final(b"deed %d" % number, within_s=3)
    assert cluster.honest_view() == 0


@pytest.mark.parametrize("seed", range(20))
def test_C22_a_view_change_without_its_certificate_loses_no_committed_block(seed: int) -> None:
    """Seat 2 commits alone and is gone; the liar, who prepared, says it has nothing."""
    cluster = LiarsCluster([3], [hide_certificates], seed=seed)
    cluster.submit(b"deed")
    cluster.run_until(lambda: any(host.height == 1 for host in cluster.honest()), 5)
    first = next(host for host in cluster.honest() if host.height == 1)
    digest = first.head_digest
    cluster.kill(first.index)
    cluster.run(5)
    cluster.restart(first.index)
    cluster.expect_honest_final(b"deed", within_s=15)
    assert {host.chain[0].digest for host in cluster.honest()} == {digest}


def test_C49_whoever_is_next_is_attacked_and_still_it_goes_on() -> None:
    """In every view its primary is cut off as soon as it is known, f = 2 at a time."""
    cluster = LiarsCluster([], [], n=7)
    cluster.start()
    attacked: list[int] = []
    for number in range(6):
        attacked = [*attacked, cluster.honest_view() % 7][-2:]
        cluster.partition(set(range(7)) - set(attacked), *({index} for index in attacked))
        deed = b"deed %d" % number
        cluster.submit(deed)
        free = [index for index in range(7) if index not in attacked]
        cluster.expect_final_on(free, [deed], within_s=15)
    cluster.heal()
    cluster.expect_honest_final(b"deed 5", within_s=5)
