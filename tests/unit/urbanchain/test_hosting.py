"""What the host of a replica makes durable, and when: before anything is said, and never half a
commit."""

from hashlib import sha256

from consensus import Broadcast, Commit, CommitCertificate, Persist, records
from consensus.messages import Place, Prepare, PrePrepare, ViewChange
from consensus.records import Accepted, Left, Reached, Record
from storage.blocks import Blocks
from storage.journal import Journal
from storage.kv import WriteBatch
from storage.memory import MemoryStore
from tests.fakes.city import ALICE, BOB, City
from tests.fakes.driving import Overheard, open_parts
from urbanchain.driver.hosting import Hosting
from urbanchain.ledger.chain import Proposal

DIGEST = sha256(b"block").digest()
ME = b"me"


def accepted(digest: bytes = DIGEST) -> Accepted:
    return Accepted(PrePrepare(Place(0, 1, 0, b"primary"), digest), b"signature")


def left(view: int) -> Left:
    return Left(ViewChange(Place(0, 1, view, ME), None, None))


def written(town: City, store: MemoryStore) -> list[Record]:
    """The journal that a restart would find after a power cut."""
    return [records.decode(data, town.genesis.hash) for data in Journal(store.after_crash()).read()]


async def test_S03_what_a_vote_rests_on_is_durable_before_the_vote_is_sent() -> None:
    town = City()
    seen: list[tuple[list[Record], bytes | None]] = []
    links = Overheard(
        lambda: seen.append(
            (written(town, town.store), Blocks(town.store.after_crash()).body(DIGEST))
        )
    )
    with open_parts(town, links) as parts:
        hosting = Hosting(parts)
        vote = Prepare(Place(0, 1, 0, parts.me.key), DIGEST)
        hosting.restore([Persist(accepted(), b"block"), Broadcast(vote)])
        await hosting.obey()
    assert seen[0] == ([accepted()], b"block")


class EveryWrite(MemoryStore):
    """Keeps what a power cut after each write would leave."""

    def __init__(self) -> None:
        super().__init__()
        self.survivors: list[MemoryStore] = []

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        super().write(batch, sync=sync)
        self.survivors.append(self.after_crash())


def certified(proposal: Proposal) -> CommitCertificate:
    return CommitCertificate(0, 1, 0, proposal.digest, ((0, b"a"), (1, b"b"), (2, b"c")))


async def test_S04_a_block_and_the_cut_of_the_journal_are_one_write() -> None:
    town = City()
    town.store = EveryWrite()
    proposal = town.propose(town.transfer(ALICE, BOB, 1))
    with open_parts(town) as parts:
        hosting = Hosting(parts)
        hosting.restore([Persist(accepted(proposal.digest), proposal.payload)])
        await hosting.obey()
        before = len(town.store.survivors)
        hosting.restore([Commit(certified(proposal), proposal.payload, (Reached(0, 0, True, 0),))])
        await hosting.obey()
    assert len(town.store.survivors) > before
    for survivor in town.store.survivors[before:]:
        has_block = Blocks(survivor).tip() is not None
        journal = written(town, survivor)
        assert journal[0] == (Reached(0, 0, True, 0) if has_block else accepted(proposal.digest))


async def test_a_record_that_follows_a_commit_is_not_cut_by_it() -> None:
    town = City()
    proposal = town.propose(town.transfer(ALICE, BOB, 1))
    with open_parts(town) as parts:
        hosting = Hosting(parts)
        hosting.restore(
            [
                Persist(accepted(proposal.digest), proposal.payload),
                Commit(certified(proposal), proposal.payload, (Reached(0, 0, True, 0),)),
                Persist(left(1)),
            ]
        )
        await hosting.obey()
    assert written(town, town.store) == [Reached(0, 0, True, 0), left(1)]
