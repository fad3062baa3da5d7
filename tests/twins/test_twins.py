"""A seeded sample of the Twins scripts; `make twins` plays all of them."""

import random

import pytest

from consensus import ReplicaSet
from tests.twins.__main__ import play
from tests.twins.harness import KEYS, MEMBERS, SCRIPTS, Twins, script_of

SAMPLE = 400


def failures(twin: int, numbers: list[int]) -> list[tuple[int, str]]:
    played = [play((twin, number)) for number in numbers]
    return [(number, failure) for number, failure, _ in played if failure]


def draw(seed: int, count: int) -> list[int]:
    return random.Random(f"twins {seed}").sample(range(SCRIPTS), count)


@pytest.mark.parametrize("twin", range(MEMBERS))
def test_C02_two_instances_with_one_key_cause_no_disagreement(twin: int) -> None:
    assert failures(twin, draw(twin, SAMPLE)) == []


def test_the_sample_finds_a_quorum_that_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReplicaSet, "quorum", property(lambda members: 2 * members.f))
    found = failures(0, draw(0, 100))
    assert any("two blocks" in failure for _, failure in found)


def test_twins_are_caught_equivocating_and_nobody_else_is() -> None:
    """`play` itself refuses evidence against anyone but the twin; here some must be found."""
    accused = set()
    for number in draw(0, 100):
        game = Twins(0)
        game.play(script_of(number))
        accused |= game.accused
    assert accused == {KEYS[0]}
