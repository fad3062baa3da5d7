"""The ledger: build a proposal, judge one, commit one. Knows no clock, no keys, no consensus.

A block is executed once on a node: what a proposer or judge computed is kept by digest until its
height is decided. `commit` only prepares the one batch of a block; the ledger moves on when `adopt`
says that it is durable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from storage import schema
from storage.blocks import (
    BlockRows,
    Blocks,
    TransactionRow,
    add_block,
    add_body,
    sweep_bodies,
    sweep_replay_index,
)
from storage.kv import KeyValueStore, WriteBatch
from storage.state import StateStore, add_changes
from storage.trie import Trie
from urbanchain.contracts.context import BlockMoment
from urbanchain.errors import Malformed, UrbanchainError
from urbanchain.genesis import GenesisFile
from urbanchain.ledger.admission import (
    Candidate,
    Moment,
    Rejection,
    check_all,
    decode_envelope,
    examine,
    expiry_bucket,
)
from urbanchain.ledger.buckets import Buckets
from urbanchain.ledger.execution import Executed, ExecutionFailed, execute
from urbanchain.ledger.marker import check_marker
from urbanchain.signatures import SignatureCache, SignatureItem
from urbanchain.transactions import Transaction
from urbanchain.types import HEADER_BYTES, HEADER_VERSION, Block, Header, ValidatorSet

_REPLAY_SWEEP_MAX = 20_000
_EMPTY_BLOCK_BYTES = 1 + HEADER_BYTES


class DivergentState(UrbanchainError):
    """A certified block does not execute to its header: this node is not like the others and must
    stop."""


class Verdict(Enum):
    """What judging a proposal found."""

    VALID = "valid"
    INVALID = "invalid"
    MISMATCH = "mismatch"
    EARLY = "early"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why, and for EARLY the clock reading from which on it is VALID."""

    verdict: Verdict
    reason: str = ""
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last committed block."""

    height: int
    hash: bytes
    """The genesis hash at height 0."""
    time_ms: int
    state_root: bytes


@dataclass(frozen=True, slots=True)
class Proposal:
    """A block we built; empty handed when nothing was admissible."""

    digest: bytes
    payload: bytes
    left_out: tuple[tuple[bytes, Rejection], ...]
    """Transactions that can no longer be included, with the reason."""


@dataclass(frozen=True, slots=True)
class PreparedBlock:
    """A block and what its execution produced."""

    block: Block
    digest: bytes
    payload: bytes
    candidates: tuple[Candidate, ...]
    executed: Executed


@dataclass(frozen=True, slots=True)
class CommittedBlock:
    """A certified block, ready to be written in one synced batch."""

    prepared: PreparedBlock
    certificate: bytes
    batch: WriteBatch

    @property
    def ids(self) -> list[bytes]:
        """The transactions' ids, in block order."""
        return [candidate.id for candidate in self.prepared.candidates]


class Ledger:
    """The chain's state on this node, from the head on."""

    def __init__(self, genesis: GenesisFile, store: KeyValueStore, cache: SignatureCache) -> None:
        self.genesis = genesis
        self.validators: ValidatorSet = genesis.genesis.validator_set()
        self.epoch = 0
        self._store = store
        self._state = StateStore(store)
        self._blocks = Blocks(store)
        self._cache = cache
        self._trie = Trie()
        self._prepared: dict[bytes, PreparedBlock] = {}
        self._validators_hash = self.validators.hash()
        self.head = ChainHead(0, genesis.hash, genesis.genesis.time_ms, b"")

    @classmethod
    def open(cls, genesis: GenesisFile, store: KeyValueStore, cache: SignatureCache) -> "Ledger":
        """The ledger of a store; an empty store becomes this chain's.

        Raises ConfigurationError for the store of another chain or format, DivergentState if the
        state is not the one that the last header names."""
        check_marker(genesis, store)
        ledger = cls(genesis, store, cache)
        ledger._trie = ledger._state.load_trie()
        tip = ledger._blocks.tip()
        if tip is None:
            ledger.head = ChainHead(0, genesis.hash, genesis.genesis.time_ms, ledger._trie.root)
            return ledger
        height, block_hash = tip
        data = ledger._blocks.header(height)
        if data is None or Header.decode(data).state_root != ledger._trie.root:
            raise DivergentState(f"the stored state is not that of block {height}")
        time_ms = Header.decode(data).time_ms
        ledger.head = ChainHead(height, block_hash, time_ms, ledger._trie.root)
        return ledger

    # -- admission --------------------------------------------------------------------------------

    def decode(self, envelopes: Sequence[bytes]) -> list[Transaction | Rejection]:
        """Envelopes as transactions, each by itself."""
        return [decode_envelope(envelope, self.genesis.hash) for envelope in envelopes]

    def examine(self, transaction: Transaction, now_ms: int) -> Candidate | Rejection:
        """Whether the mempool may hold a transaction, its signature apart."""
        return examine(transaction, self._moment(now_ms), self._state, self._blocks)

    def is_included(self, transaction: Transaction) -> bool:
        """Whether a transaction is in a block already."""
        bucket = expiry_bucket(transaction.expires_at_ms)
        return self._blocks.is_included(bucket, transaction.id)

    def has_room(self, agency: str, weight: int, now_ms: int) -> bool:
        """Whether a block proposed now could hold so much weight of an agency's."""
        return Buckets(self._state, self._next_time(now_ms)).level(agency) >= weight * 1000

    # -- proposing and judging --------------------------------------------------------------------

    def propose(
        self, candidates: Sequence[Candidate], proposer: bytes, now_ms: int
    ) -> Proposal | None:
        """Build and execute a block of what is admissible; None if it would be empty.

        Raises ExecutionFailed, naming the transaction to set aside."""
        time_ms = self._next_time(now_ms)
        buckets = Buckets(self._state, time_ms)
        chosen, left_out = self._choose(candidates, self._moment(time_ms), buckets)
        if not chosen:
            return Proposal(b"", b"", tuple(left_out)) if left_out else None
        prepared = self._build(chosen, proposer, time_ms, buckets)
        self._prepared[prepared.digest] = prepared
        return Proposal(prepared.digest, prepared.payload, tuple(left_out))

    def propose_empty(self, proposer: bytes, now_ms: int) -> Proposal:
        """A block without transactions, which moves block time on: an expiry is waiting for it."""
        time_ms = self._next_time(now_ms)
        prepared = self._build([], proposer, time_ms, Buckets(self._state, time_ms))
        self._prepared[prepared.digest] = prepared
        return Proposal(prepared.digest, prepared.payload, ())

    def signature_items(self, payload: bytes) -> list[SignatureItem]:
        """What judging the payload will ask of the signature cache: to be verified in a thread
        before."""
        try:
            block = Block.decode(payload)
        except Malformed:
            return []
        found = self._candidates(block)
        return [] if isinstance(found, Rejection) else [c.signature_item() for c in found]

    def judge(
        self, digest: bytes, payload: bytes, now_ms: int, *, is_clock_exempt: bool
    ) -> Judgement:
        """Whether to vote for a proposal: re-executes it and compares every root."""
        prepared = self._prepared.get(digest)
        if prepared is None:
            judgement = self._execute_proposal(digest, payload)
            if judgement is not None:
                return judgement
            prepared = self._prepared[digest]
        ahead_ms = prepared.block.header.time_ms - now_ms
        limit_ms = self.genesis.genesis.parameters.clock_ahead_max_ms
        if ahead_ms > limit_ms and not is_clock_exempt:
            until_ms = now_ms + ahead_ms - limit_ms
            return Judgement(Verdict.EARLY, f"{ahead_ms} ms ahead of this clock", until_ms)
        return Judgement(Verdict.VALID)

    def is_prepared(self, digest: bytes) -> bool:
        """Whether the block was executed here already."""
        return digest in self._prepared

    # -- committing -------------------------------------------------------------------------------

    def commit(self, digest: bytes, payload: bytes, certificate: bytes) -> CommittedBlock:
        """The batch of a certified block. Raises DivergentState if it does not execute to its
        header."""
        prepared = self._prepared.get(digest)
        if prepared is None:
            judgement = self._execute_proposal(digest, payload, check_signatures=False)
            if judgement is not None:
                raise DivergentState(
                    f"certified block {self.head.height + 1} ({digest.hex()[:16]}…) is"
                    f" {judgement.verdict.value} here: {judgement.reason}"
                )
            prepared = self._prepared[digest]
        return CommittedBlock(prepared, certificate, self._commit_batch(prepared, certificate))

    def adopt(self, committed: CommittedBlock) -> None:
        """The batch is durable: the block is the head."""
        prepared = committed.prepared
        header = prepared.block.header
        self._trie = prepared.executed.trie
        self._prepared.clear()
        self.head = ChainHead(header.height, prepared.digest, header.time_ms, header.state_root)

    def _commit_batch(self, prepared: PreparedBlock, certificate: bytes) -> WriteBatch:
        header, batch = prepared.block.header, WriteBatch()
        if self._blocks.body(prepared.digest) is None:
            add_body(batch, header.height, prepared.digest, prepared.payload)
        rows = [
            TransactionRow(c.id, expiry_bucket(c.transaction.expires_at_ms), _accounts(c))
            for c in prepared.candidates
        ]
        add_block(
            batch,
            BlockRows(
                height=header.height,
                hash=prepared.digest,
                header=header.encode(),
                certificate=certificate,
                receipts=prepared.executed.receipts,
                transactions=rows,
            ),
        )
        add_changes(batch, header.height, prepared.executed.changes)
        sweep_bodies(batch, self._store, header.height, prepared.digest)
        batch.delete(schema.UNDECIDED + schema.u64(header.height) + prepared.digest)
        past = expiry_bucket(header.time_ms)
        sweep_replay_index(batch, self._store, past, _REPLAY_SWEEP_MAX)
        return batch

    # -- one execution path for proposer, judge and catch-up --------------------------------------

    def _moment(self, time_ms: int) -> Moment:
        window_ms = self.genesis.genesis.parameters.expiry_window_ms
        return Moment(self.genesis.hash, time_ms, window_ms)

    def _next_time(self, now_ms: int) -> int:
        return max(now_ms, self.head.time_ms + 1)

    def _choose(
        self, candidates: Sequence[Candidate], moment: Moment, buckets: Buckets
    ) -> tuple[list[Candidate], list[tuple[bytes, Rejection]]]:
        """What fits into a block, in order; and what can no longer be in any."""
        limits = self.genesis.genesis.parameters
        chosen: list[Candidate] = []
        left_out = []
        bytes_left = limits.block_bytes_max - _EMPTY_BLOCK_BYTES
        weight_left = limits.block_weight_max
        for candidate in candidates:
            found = examine(candidate.transaction, moment, self._state, self._blocks)
            if isinstance(found, Rejection):
                left_out.append((candidate.id, found))
                continue
            if found.account.key != candidate.account.key:
                continue
            is_full = len(chosen) >= limits.block_transactions_max
            if is_full or found.size_bytes > bytes_left or found.call.weight > weight_left:
                break
            if buckets.spend(found.agency, found.call.weight):
                bytes_left -= found.size_bytes
                weight_left -= found.call.weight
                chosen.append(found)
        return chosen, left_out

    def _build(
        self, chosen: Sequence[Candidate], proposer: bytes, time_ms: int, buckets: Buckets
    ) -> PreparedBlock:
        executed = self._execute(chosen, time_ms, buckets)
        header = Header(
            version=HEADER_VERSION,
            genesis_hash=self.genesis.hash,
            epoch=self.epoch,
            height=self.head.height + 1,
            parent=self.head.hash,
            time_ms=time_ms,
            proposer=proposer,
            validators_hash=self._validators_hash,
            next_validators_hash=self._validators_hash,
            transactions_root=executed.transactions_root,
            receipts_root=executed.receipts_root,
            state_root=executed.trie.root,
            transaction_count=len(chosen),
        )
        block = Block(header, tuple(c.transaction.envelope for c in chosen))
        return PreparedBlock(block, header.hash(), block.encode(), tuple(chosen), executed)

    def _execute(self, candidates: Sequence[Candidate], time_ms: int, buckets: Buckets) -> Executed:
        moment = BlockMoment(self.head.height + 1, time_ms)
        return execute(candidates, moment, self._state, self._trie, buckets)

    def _candidates(self, block: Block) -> list[Candidate] | Rejection:
        transactions = []
        for decoded in self.decode(block.envelopes):
            if isinstance(decoded, Rejection):
                return decoded
            transactions.append(decoded)
        return check_all(
            transactions, self._moment(block.header.time_ms), self._state, self._blocks
        )

    def _execute_proposal(
        self, digest: bytes, payload: bytes, *, check_signatures: bool = True
    ) -> Judgement | None:
        """Execute a payload and keep the result; a judgement if it is not to be voted for."""
        try:
            block = Block.decode(payload)
        except Malformed as error:
            return Judgement(Verdict.MISMATCH, str(error))
        if block.header.hash() != digest:
            return Judgement(Verdict.MISMATCH, "the payload is not that of the digest")
        reason = self._check_header(block.header, len(payload))
        if reason:
            return Judgement(Verdict.INVALID, reason)
        candidates = self._candidates(block)
        if isinstance(candidates, Rejection):
            return Judgement(Verdict.INVALID, candidates.detail)
        if check_signatures:
            verdicts = self._cache.verify([c.signature_item() for c in candidates])
            if not all(verdicts):
                return Judgement(Verdict.INVALID, "a transaction's signature does not verify")
        buckets = Buckets(self._state, block.header.time_ms)
        weight = sum(c.call.weight for c in candidates)
        if weight > self.genesis.genesis.parameters.block_weight_max:
            return Judgement(Verdict.INVALID, f"weighs {weight}")
        if not all(buckets.spend(c.agency, c.call.weight) for c in candidates):
            return Judgement(Verdict.INVALID, "spends more than an agency's token bucket holds")
        return self._compare(block, digest, payload, candidates, buckets)

    def _compare(
        self,
        block: Block,
        digest: bytes,
        payload: bytes,
        candidates: Sequence[Candidate],
        buckets: Buckets,
    ) -> Judgement | None:
        header = block.header
        try:
            executed = self._execute(candidates, header.time_ms, buckets)
        except ExecutionFailed as error:
            return Judgement(Verdict.INVALID, f"{error}: {error.__cause__!r}")
        roots = (executed.transactions_root, executed.receipts_root, executed.trie.root)
        if roots != (header.transactions_root, header.receipts_root, header.state_root):
            names = ("transactions", "receipts", "state")
            stated = (header.transactions_root, header.receipts_root, header.state_root)
            wrong = [n for n, a, b in zip(names, roots, stated, strict=True) if a != b]
            return Judgement(Verdict.INVALID, f"another {' and '.join(wrong)} root here")
        self._prepared[digest] = PreparedBlock(block, digest, payload, tuple(candidates), executed)
        return None

    def _check_header(self, header: Header, payload_bytes: int) -> str:
        """What is wrong with a header on top of the head; empty if nothing is."""
        limits = self.genesis.genesis.parameters
        seats = {member.address for member in self.validators.members}
        rules = (
            (header.genesis_hash == self.genesis.hash, "is of another chain"),
            (header.epoch == self.epoch, f"is of epoch {header.epoch}, not {self.epoch}"),
            (header.height == self.head.height + 1, f"has height {header.height}"),
            (header.parent == self.head.hash, "has another parent than our head"),
            (header.time_ms > self.head.time_ms, "is not later than its parent"),
            (header.proposer in seats, "names a proposer that is no validator"),
            (header.validators_hash == self._validators_hash, "names other validators"),
            (header.next_validators_hash == self._validators_hash, "names other next validators"),
            (payload_bytes <= limits.block_bytes_max, f"has {payload_bytes} bytes"),
            (
                header.transaction_count <= limits.block_transactions_max,
                f"has {header.transaction_count} transactions",
            ),
        )
        return next((reason for holds, reason in rules if not holds), "")


def _accounts(candidate: Candidate) -> tuple[bytes, ...]:
    """Whose history a transaction belongs to: its sender's, and every account that its arguments
    name."""
    transaction = candidate.transaction
    named = [
        value
        for argument, value in zip(candidate.call.arguments, transaction.arguments, strict=True)
        if argument.kind.value == "address" and isinstance(value, bytes)
    ]
    return tuple(dict.fromkeys([transaction.sender, *named]))
