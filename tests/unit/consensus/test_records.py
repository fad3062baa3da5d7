"""Journal records ↔ bytes."""

import msgpack
import pytest

from consensus import MalformedMessage, Record, records
from consensus.messages import NewView, PrePrepare, ViewChange
from consensus.records import Accepted, Entered, Left, Prepared, Reached
from tests.unit.consensus.ballots import GENESIS, Ballots, members

B = Ballots(members())
PROPOSAL = B.pre_prepare(b"block")
LEFT = B.view_change(2, 1, B.committed(b"one"), B.prepared(b"two", height=2))
OPENED = B.new_view([B.view_change(0), B.view_change(1), LEFT])
assert isinstance(PROPOSAL.statement, PrePrepare)
assert isinstance(LEFT.statement, ViewChange)
assert isinstance(OPENED.statement, NewView)
RECORDS: dict[str, Record] = {
    "accepted": Accepted(PROPOSAL.statement, PROPOSAL.signature),
    "own proposal": Accepted(PROPOSAL.statement, b""),
    "prepared": Prepared(B.prepared(b"block")),
    "entered": Entered(OPENED.statement, OPENED.signature),
    "own new view": Entered(OPENED.statement, b""),
    "left": Left(LEFT.statement),
    "reached": Reached(3, 7, True, 12),
    "reached, waiting": Reached(0, 1, False, 0),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_survives_the_journal(name: str) -> None:
    data = records.encode(RECORDS[name], GENESIS)
    assert records.decode(data, GENESIS) == RECORDS[name]


@pytest.mark.parametrize("name", RECORDS)
def test_S06_a_record_cut_short_anywhere_is_refused(name: str) -> None:
    data = records.encode(RECORDS[name], GENESIS)
    for end in range(len(data)):
        with pytest.raises(MalformedMessage):
            records.decode(data[:end], GENESIS)


@pytest.mark.parametrize("name", ["accepted", "entered", "left"])
def test_a_record_of_another_chain_is_refused(name: str) -> None:
    with pytest.raises(MalformedMessage, match="another chain"):
        records.decode(records.encode(RECORDS[name], GENESIS), bytes(32))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        [0],
        [6, 0],
        [1, b"", b""],
        [2, []],
        [4, 0],
        [5, 0, 1],
        [5, 0, 1, 2, 0],
        [5, 0, 1, b"", 0],
    ],
    ids=repr,
)
def test_what_is_no_record_is_refused(value: object) -> None:
    with pytest.raises(MalformedMessage):
        records.decode(msgpack.packb(value), GENESIS)
