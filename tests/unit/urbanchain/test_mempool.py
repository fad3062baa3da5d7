"""The mempool: bounded, fair between agencies, and never silently forgetful."""

import pytest

from tests.fakes.city import ALICE, BOB, NOW_MS, City
from urbanchain.keys import PrivateKey
from urbanchain.ledger.admission import Candidate
from urbanchain.mempool import Admission, Mempool, MempoolLimits, TakeLimits

ALL = TakeLimits(transactions_max=1000, bytes_max=1 << 20, weight_max=1 << 20)


@pytest.fixture
def town() -> City:
    return City()


@pytest.fixture
def mempool() -> Mempool:
    return Mempool(MempoolLimits(10, 1 << 20, 50))


def candidate(town: City, sender: PrivateKey, expires_at_ms: int = NOW_MS + 60_000) -> Candidate:
    found = town.examine(town.transfer(sender, BOB, 1, expires_at_ms))
    assert isinstance(found, Candidate)
    return found


def test_a_transaction_waits_once_until_it_is_forgotten(town: City, mempool: Mempool) -> None:
    one = candidate(town, ALICE)
    assert mempool.admit(one, 0, is_ours=True) is Admission.ADDED
    assert mempool.admit(one, 0, is_ours=True) is Admission.DUPLICATE
    assert one.id in mempool
    assert mempool.take(ALL) == [one]
    assert mempool.take(ALL) == [one]
    mempool.forget([one.id])
    assert (len(mempool), mempool.size_bytes, mempool.take(ALL)) == (0, 0, [])


def test_one_agency_fills_its_share_and_leaves_room_for_others(
    town: City, mempool: Mempool
) -> None:
    results = [mempool.admit(candidate(town, ALICE), 0, is_ours=True) for _ in range(6)]
    assert results == [Admission.ADDED] * 5 + [Admission.AGENCY_FULL]
    assert mempool.admit(candidate(town, BOB), 0, is_ours=True) is Admission.ADDED


def test_the_whole_is_bounded(town: City) -> None:
    mempool = Mempool(MempoolLimits(2, 1 << 20, 100))
    results = [mempool.admit(candidate(town, ALICE), 0, is_ours=True) for _ in range(3)]
    assert results == [Admission.ADDED, Admission.ADDED, Admission.FULL]
    small = Mempool(MempoolLimits(100, 100, 100))
    assert small.admit(candidate(town, ALICE), 0, is_ours=True) is Admission.FULL


def test_agencies_take_turns_in_a_block(town: City, mempool: Mempool) -> None:
    for _ in range(4):
        mempool.admit(candidate(town, ALICE), 0, is_ours=True)
    lonely = candidate(town, BOB)
    mempool.admit(lonely, 0, is_ours=True)
    taken = mempool.take(TakeLimits(2, 1 << 20, 1 << 20))
    assert lonely in taken
    assert len(taken) == 2


def test_a_block_holds_no_more_than_its_limits(town: City, mempool: Mempool) -> None:
    for _ in range(4):
        mempool.admit(candidate(town, ALICE), 0, is_ours=True)
    size = candidate(town, ALICE).size_bytes
    assert len(mempool.take(TakeLimits(100, 2 * size, 1 << 20))) == 2
    assert len(mempool.take(TakeLimits(100, 1 << 20, 30))) == 3


def test_expiry_is_told_for_what_still_waits_only(town: City, mempool: Mempool) -> None:
    soon, later = candidate(town, ALICE, NOW_MS + 10), candidate(town, ALICE, NOW_MS + 20)
    gone = candidate(town, ALICE, NOW_MS + 5)
    for one in (later, soon, gone):
        mempool.admit(one, 0, is_ours=True)
    mempool.forget([gone.id])
    assert mempool.next_expiry_ms() == NOW_MS + 10
    assert mempool.expired(NOW_MS + 15) == [soon.id]
    mempool.forget([soon.id])
    assert mempool.next_expiry_ms() == NOW_MS + 20


def test_a_refused_first_transaction_leaves_no_empty_queue_behind(town: City) -> None:
    one = candidate(town, ALICE)
    mempool = Mempool(MempoolLimits(100, one.size_bytes, 50))
    assert mempool.admit(one, 0, is_ours=True) is Admission.AGENCY_FULL
    assert list(mempool.oldest()) == []
    assert mempool.sizes() == []
    assert mempool.take(ALL) == []
