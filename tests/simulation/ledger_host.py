"""One validator at level B: the real journal and ledger on a store that crashes, real signatures.

Signatures are made and checked once each for all hosts together: they are deterministic, and the
simulation pays for them once.
"""

import base64
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from consensus import ReplicaSet, Verdict, records
from consensus.records import Accepted, Record
from p2p import TlsIdentity
from storage import schema
from storage.blocks import Blocks, add_body
from storage.journal import Journal
from storage.kv import WriteBatch, scan_prefix
from storage.memory import MemoryStore
from tests.fakes.city import ALICE, BALANCE, BOB, NOW_MS, genesis_text
from tests.simulation.hosts import Block, Host
from urbanchain import types
from urbanchain.encoding import Encodable
from urbanchain.genesis import GenesisFile, parse_genesis
from urbanchain.keys import PrivateKey, derive_devnet_key
from urbanchain.ledger.admission import Candidate
from urbanchain.ledger.chain import Ledger
from urbanchain.ledger.chain import Verdict as LedgerVerdict
from urbanchain.ledger.reader import Reader
from urbanchain.membership import make_replica_set
from urbanchain.signatures import SignatureCache, ValidatorSignatures
from urbanchain.transactions import Transaction, Unsigned, encode_body, signed_message

EXPIRES_MS = NOW_MS + 590_000
TRANSACTIONS = SignatureCache()
VOTES = SignatureCache(capacity=200_000)


@cache
def validator_key(index: int) -> PrivateKey:
    """Of the host with that index."""
    return derive_devnet_key("city", f"validator-{index}")


@cache
def certificate(index: int) -> str:
    """A host's TLS certificate, as the genesis has it."""
    tls = TlsIdentity.make(bytes([index + 1]) * 32, f"validator-{index}")
    return base64.b64encode(tls.certificate).decode()


@cache
def genesis_of(n: int, rotation_blocks: int) -> GenesisFile:
    """A city of n validators."""
    text = genesis_text(10_000, 100_000)
    text["validators"] = [
        {
            "name": f"validator-{index}",
            "agency": "transport",
            "key": validator_key(index).public_key.hex(),
            "tls_certificate": certificate(index),
        }
        for index in range(n)
    ]
    text["parameters"] = {"rotation_blocks": rotation_blocks}
    return parse_genesis(json.dumps(text).encode())


@cache
def sign(index: int, message: bytes) -> bytes:
    """A host's signature."""
    return validator_key(index).sign(message)


@cache
def transfer(genesis_hash: bytes, number: int) -> bytes:
    """Alice pays bob one, and says so with this number."""
    arguments: tuple[Encodable, ...] = (BOB.address, 1)
    body = encode_body("tokens", "transfer", arguments)
    nonce = number.to_bytes(16, "big")
    unsigned = Unsigned(1, EXPIRES_MS, nonce, ALICE.address, body)
    return unsigned.sealed(ALICE.sign(signed_message(unsigned.id(genesis_hash))))


@dataclass
class Disk:
    """A store, and what is opened over it."""

    store: MemoryStore
    ledger: Ledger
    journal: Journal


class LedgerHost(Host):
    """A host whose chain and journal live in a real store."""

    def __init__(
        self, index: int, keys: tuple[bytes, ...], genesis: GenesisFile, dice: random.Random
    ) -> None:
        self.genesis_file = genesis
        self.dice = dice
        self._disk = self._open(MemoryStore())
        super().__init__(index, keys, self._replica_set())

    def _open(self, store: MemoryStore) -> Disk:
        return Disk(store, Ledger.open(self.genesis_file, store, TRANSACTIONS), Journal(store))

    def _replica_set(self) -> ReplicaSet:
        return make_replica_set(self.genesis_file, self._disk.ledger.validators)

    @property
    def scheme(self) -> ValidatorSignatures:  # type: ignore[override]
        return ValidatorSignatures(lambda message: sign(self.index, message), VOTES)

    @staticmethod
    def parent_of(block: Block) -> bytes:
        return types.Block.decode(block.payload).header.parent

    def wall_ms(self, now: float) -> int:
        """Its wall clock: its own offset counts in milliseconds here."""
        return NOW_MS + int(now * 1000 * self.clock.rate + self.clock.offset_s)

    # -- the journal ------------------------------------------------------------------------------

    def persist(self, record: Record, payload: bytes) -> None:
        batch = WriteBatch()
        if payload and isinstance(record, Accepted):
            place = record.pre_prepare.place
            add_body(batch, place.height, record.pre_prepare.digest, payload)
        self._disk.journal.add(batch, [records.encode(record, self.genesis)])
        self._disk.store.write(batch, sync=True)
        super().persist(record, payload)

    # -- the ledger -------------------------------------------------------------------------------

    def admit(self, transaction: bytes) -> bool:
        found = self._examine(transaction)
        return isinstance(found, Candidate) and super().admit(transaction)

    def _examine(self, envelope: bytes) -> object:
        decoded = self._disk.ledger.decode([envelope])[0]
        if isinstance(decoded, Transaction):
            return self._disk.ledger.examine(decoded, NOW_MS)
        return decoded

    def build(self, now: float) -> tuple[bytes, bytes]:
        found = [self._examine(envelope) for envelope in self.mempool]
        candidates = [candidate for candidate in found if isinstance(candidate, Candidate)]
        proposer = self._disk.ledger.validators.members[self.index].address
        proposal = self._disk.ledger.propose(candidates, proposer, self.wall_ms(now))
        return (b"", b"") if proposal is None else (proposal.digest, proposal.payload)

    def fork(self, digest: bytes, payload: bytes, now: float) -> tuple[bytes, bytes]:
        """Another valid proposal, a little later in time, if this one is for the open height."""
        other = self.build(now + 0.007)
        return other if other[0] not in (b"", digest) else (digest, payload)

    def judge(
        self, digest: bytes, payload: bytes, now: float, is_exempt: bool = False
    ) -> Verdict | None:
        judgement = self._disk.ledger.judge(
            digest, payload, self.wall_ms(now), is_clock_exempt=is_exempt
        )
        if judgement.verdict is LedgerVerdict.EARLY:
            return None
        return Verdict(judgement.verdict.value)

    def is_match(self, digest: bytes, payload: bytes) -> bool:
        return types.Block.decode(payload).header.hash() == digest

    def append(self, block: Block, keep: Sequence[Record]) -> None:
        disk = self._disk
        encoded = block.certificate.encode()
        committed = disk.ledger.commit(block.digest, block.payload, encoded)
        disk.journal.cut(committed.batch, [records.encode(r, self.genesis) for r in keep])
        disk.store.write(committed.batch, sync=True)
        disk.ledger.adopt(committed)
        super().append(block, keep)

    def transactions_of(self, block: Block) -> list[bytes]:
        return [bytes(envelope) for envelope in types.Block.decode(block.payload).envelopes]

    # -- crashes ----------------------------------------------------------------------------------

    def crash(self) -> None:
        super().crash()
        self._disk = self._open(self._disk.store.after_crash(self.dice.randrange(3)))
        self._read_all()

    def roll_back(self, heights: int) -> None:
        """The journal alone is lost, or all of the disk."""
        if heights:
            self._disk = self._open(MemoryStore())
        else:
            batch = WriteBatch()
            self._disk.journal.discard(batch)
            self._disk.store.write(batch, sync=True)
        self._read_all()

    def _read_all(self) -> None:
        """Everything that the host knows, from its disk alone."""
        tables, written = Blocks(self._disk.store), self._disk.journal.read()
        self.journal = [records.decode(data, self.genesis) for data in written]
        accepted = [r.pre_prepare.digest for r in self.journal if isinstance(r, Accepted)]
        found = {digest: tables.body(digest) for digest in accepted}
        self.bodies = {digest: body for digest, body in found.items() if body is not None}
        height = self._disk.ledger.head.height
        del self.chain[height:], self.sets[height:]
        self.final = {t: at for t, at in self.final.items() if at <= height}
        for block in self.chain:
            stored = tables.body(block.digest)
            if stored != block.payload:
                raise AssertionError(f"block {block.certificate.height} is not as it was written")
        if self._disk.ledger.head.height != self.height:
            raise AssertionError(f"the store is at {height}, the host was at {self.height}")

    # -- what must be equal -----------------------------------------------------------------------

    def dump(self) -> dict[bytes, bytes]:
        """All rows that two nodes at one height must share."""
        prefixes = (schema.HEADER, schema.TRANSACTION, schema.RECEIPTS, schema.REPLAY, schema.STATE)
        store = self._disk.store
        return {key: value for p in prefixes for key, value in scan_prefix(store, p)}

    def paid(self) -> int:
        """What bob has received."""
        account = Reader(self.genesis_file, self._disk.store).account(BOB.address)
        return 0 if account is None else account.balance - BALANCE
