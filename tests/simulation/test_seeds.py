"""The gate: many lives, each from one seed, and proof that a failing one is reported."""

import pytest

from tests.mutants.plant import planted
from tests.simulation.__main__ import compare_hash_seeds
from tests.simulation.options import Options, draw
from tests.simulation.seeds import live, shrink

BLOCKS = 20
SEEDS = {"A": 1_000, "B": 200}
CANARY = "commit_on_too_few"


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("level", SEEDS)
def test_lives_are_safe_and_go_on_after_healing(level: str, block: int) -> None:
    share = SEEDS[level] // BLOCKS
    outcomes = [live(level, seed) for seed in range(block * share + 1, (block + 1) * share + 1)]
    assert [outcome.failure for outcome in outcomes if not outcome.is_passed] == []


@pytest.mark.parametrize("level", SEEDS)
def test_a_seed_lives_the_same_life_twice(level: str) -> None:
    for seed in (50, 100):
        assert live(level, seed).trace == live(level, seed).trace


@pytest.mark.parametrize("level", SEEDS)
def test_a_seed_lives_the_same_life_under_any_hash_seed(level: str) -> None:
    assert compare_hash_seeds(level, [100, 200]) == set()


def first_to_fail() -> int:
    """The canary: with a quorum one too small some seed must be reported failing."""
    with planted(CANARY):
        return next(seed for seed in range(1, 200) if not live("A", seed).is_passed)


def test_the_canary_is_reported_failing() -> None:
    assert first_to_fail() < 200


def test_a_failing_seed_is_shrunk_to_a_simpler_life_that_fails() -> None:
    seed = first_to_fail()
    with planted(CANARY):
        simplest = shrink("A", seed)
        assert not live("A", seed, simplest).is_passed
    assert len(simplest.describe()) <= len(draw(seed).describe())


def test_the_quiet_life_fails_nothing() -> None:
    assert live("A", 1, Options()).is_passed
