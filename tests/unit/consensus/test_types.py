"""Quorum arithmetic for every n, seats, primaries and time-outs."""

from itertools import combinations

import pytest

from consensus import ReplicaSet, Timeouts
from tests.unit.consensus.ballots import GENESIS, key, members


@pytest.mark.parametrize("n", range(4, 41))
def test_C07_two_quorums_of_any_n_share_an_honest_member(n: int) -> None:
    replica_set = members(n)
    fewest_shared = 2 * replica_set.quorum - n
    assert fewest_shared >= replica_set.f + 1


@pytest.mark.parametrize("n", range(4, 41))
def test_C07_no_smaller_quorum_would_do(n: int) -> None:
    replica_set = members(n)
    assert 2 * (replica_set.quorum - 1) - n <= replica_set.f


@pytest.mark.parametrize("n", range(4, 41))
def test_a_quorum_is_there_while_f_are_silent(n: int) -> None:
    replica_set = members(n)
    assert replica_set.quorum <= n - replica_set.f


@pytest.mark.parametrize("n", range(4, 41))
def test_f_is_the_most_that_PBFT_can_bear(n: int) -> None:
    f = members(n).f
    assert 3 * f + 1 <= n < 3 * (f + 1) + 1


@pytest.mark.parametrize("n", range(4, 10))
def test_C07_brute_force_over_all_pairs_of_quorums_agrees(n: int) -> None:
    replica_set = members(n)
    quorums = [set(chosen) for chosen in combinations(range(n), replica_set.quorum)]
    assert min(len(a & b) for a in quorums for b in quorums) > replica_set.f


@pytest.mark.parametrize(
    ("n", "f", "quorum", "weak_quorum"),
    [(4, 1, 3, 2), (5, 1, 4, 2), (6, 1, 4, 2), (7, 2, 5, 3), (8, 2, 6, 3), (100, 33, 67, 34)],
)
def test_known_sizes(n: int, f: int, quorum: int, weak_quorum: int) -> None:
    replica_set = members(n)
    assert (replica_set.f, replica_set.quorum, replica_set.weak_quorum) == (f, quorum, weak_quorum)


@pytest.mark.parametrize("n", [0, 1, 3, 256])
def test_a_set_has_4_to_255_members(n: int) -> None:
    with pytest.raises(ValueError, match="members"):
        members(n)


def test_the_largest_set_is_255_members() -> None:
    assert members(255).quorum == 170


def test_two_members_may_not_share_a_key() -> None:
    with pytest.raises(ValueError, match="same key"):
        ReplicaSet(GENESIS, 0, 1, (key(0), key(1), key(2), key(0)), 256)


@pytest.mark.parametrize("bad", [b"", bytes(256)])
def test_a_key_has_1_to_255_bytes(bad: bytes) -> None:
    with pytest.raises(ValueError, match="key"):
        ReplicaSet(GENESIS, 0, 1, (key(0), key(1), key(2), bad), 256)


@pytest.mark.parametrize(
    ("genesis", "first_height", "rotation_blocks"),
    [(b"short", 1, 1), (GENESIS, 0, 1), (GENESIS, 1, 0)],
)
def test_genesis_heights_and_rotation_have_bounds(
    genesis: bytes, first_height: int, rotation_blocks: int
) -> None:
    keys = tuple(map(key, range(4)))
    with pytest.raises(ValueError, match="begin at 1"):
        ReplicaSet(genesis, 0, first_height, keys, rotation_blocks)


def test_views_take_the_seats_in_turn() -> None:
    replica_set = members(4)
    assert [replica_set.primary(view, 1) for view in range(5)] == [key(v % 4) for v in range(5)]


def test_the_seat_moves_on_by_itself_every_K_heights() -> None:
    replica_set = members(4, rotation_blocks=10)
    heights = [1, 9, 10, 19, 20, 39, 40]
    assert [replica_set.primary(0, h) for h in heights] == [key(s) for s in (0, 0, 1, 1, 2, 3, 0)]


def test_the_highest_view_still_has_a_primary() -> None:
    assert members(4).primary(2**63 - 1, 2**63 - 1) in members(4).members


def test_a_stranger_has_no_seat() -> None:
    with pytest.raises(ValueError, match="not in"):
        members(4).index_of(b"stranger")


def test_the_view_timeout_doubles_up_to_its_cap() -> None:
    timeouts = Timeouts(view_s=2.0, view_max_s=60.0)
    waits = [timeouts.view_timeout_s(failed) for failed in range(7)]
    assert waits == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_the_view_timeout_bears_any_number_of_failed_views() -> None:
    assert Timeouts(view_s=2.0, view_max_s=60.0).view_timeout_s(10**9) == 60.0


def test_status_is_more_frequent_while_busy() -> None:
    timeouts = Timeouts(view_s=2.0, idle_status_s=1.0)
    assert timeouts.status_interval_s(False, 0) == 1.0
    assert timeouts.status_interval_s(True, 0) == 0.25
    assert timeouts.status_interval_s(True, 9) == 1.0
