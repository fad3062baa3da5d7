"""Up to f members lie for ever: the others agree, go on, and accuse nobody else."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import pytest

from consensus.messages import Answer, Body, Commit, Prepare, PrePrepare, Question
from tests.simulation.cluster import InvariantBroken
from tests.simulation.liars import (
    STRATEGIES,
    LiarsCluster,
    Lie,
    Message,
    Strategy,
    equivocate,
    mutate,
    send_both,
    suspect_always,
)


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
