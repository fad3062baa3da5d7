"""The gate: many lives, each from one seed, and proof that a failing one is reported."""

import pytest

from consensus import ReplicaSet
from tests.simulation.__main__ import compare_hash_seeds
from tests.simulation.options import Options, draw
from tests.simulation.seeds import live, shrink

BLOCKS = 20
SEEDS = {"A": 1_000, "B": 200}


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


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> int:
    """A life that fails because every quorum is one too small."""
    monkeypatch.setattr(ReplicaSet, "quorum", property(lambda members: 2 * members.f))
    return next((seed for seed in range(1, 200) if not live("A", seed).is_passed), 0)


def test_the_canary_is_reported_failing(canary: int) -> None:
    assert canary > 0


def test_a_failing_seed_is_shrunk_to_a_simpler_life_that_fails(canary: int) -> None:
    simplest = shrink("A", canary)
    assert not live("A", canary, simplest).is_passed
    assert len(simplest.describe()) < len(draw(canary).describe())


def test_the_quiet_life_fails_nothing() -> None:
    assert live("A", 1, Options()).is_passed
