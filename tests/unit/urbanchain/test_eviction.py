"""What no block can include any longer is let go, said to be evicted, and is no work for anyone."""

from collections.abc import Iterator

import pytest

from tests.fakes.city import ADMIN, ALICE, BOB, NOW_MS, City
from tests.fakes.driving import StoppedClock, open_parts
from urbanchain.driver import eviction
from urbanchain.driver.parts import Parts
from urbanchain.fates import FateState
from urbanchain.keys import PrivateKey
from urbanchain.ledger.admission import Candidate
from urbanchain.mempool import Admission


@pytest.fixture
def town() -> City:
    return City()


@pytest.fixture
def parts(town: City) -> Iterator[Parts]:
    with open_parts(town) as parts:
        yield parts


def wait_for_block(parts: Parts, town: City, sender: PrivateKey, expires_at_ms: int) -> bytes:
    """Put a transfer into the mempool; its id."""
    found = town.examine(town.transfer(sender, BOB, 1, expires_at_ms))
    assert isinstance(found, Candidate)
    assert parts.mempool.admit(found, 0, is_ours=True) is Admission.ADDED
    parts.fates.received(found.id, 0)
    return found.id


def test_transactions_of_an_account_closed_meanwhile_are_evicted(parts: Parts, town: City) -> None:
    lost = [wait_for_block(parts, town, ALICE, NOW_MS + 60_000 + n) for n in range(3)]
    kept = wait_for_block(parts, town, BOB, NOW_MS + 60_000)
    town.commit(town.propose(town.call(ADMIN, "agencies", "close_account", ALICE.address)))
    eviction.drop_inadmissible(parts)
    assert [entry.candidate.id for entry in parts.mempool.entries()] == [kept]
    states = [station.state for i in lost for station in [parts.fates.station(i)] if station]
    assert states == [FateState.EVICTED] * 3


def test_what_a_block_holds_already_is_forgotten_and_not_called_evicted(
    parts: Parts, town: City
) -> None:
    envelope = town.transfer(ALICE, BOB, 1)
    found = town.examine(envelope)
    assert isinstance(found, Candidate)
    parts.mempool.admit(found, 0, is_ours=True)
    parts.fates.received(found.id, 0)
    town.commit(town.propose(envelope))
    eviction.drop_inadmissible(parts)
    station = parts.fates.station(found.id)
    assert len(parts.mempool) == 0
    assert station is not None
    assert station.state is not FateState.EVICTED


def test_an_expired_transaction_waits_for_a_block_to_say_so(
    parts: Parts, town: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = wait_for_block(parts, town, ALICE, NOW_MS + 10)
    monkeypatch.setattr(StoppedClock, "time_ms", NOW_MS + 11)
    eviction.drop_inadmissible(parts)
    assert late in parts.mempool


def test_what_is_still_admissible_keeps_waiting(parts: Parts, town: City) -> None:
    wait_for_block(parts, town, ALICE, NOW_MS + 60_000)
    eviction.drop_inadmissible(parts)
    assert len(parts.mempool) == 1
