"""The committed chain for readers: blocks, transactions, accounts, records, over a consistent view
of the store.

Nothing here changes anything or waits for anything, so it may run on the event loop beside a busy
driver.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from storage.blocks import Blocks
from storage.kv import KeyValueStore
from storage.kv import Reader as StoreReader
from storage.state import StateStore
from urbanchain.contracts import records, tokens
from urbanchain.contracts.accounts import (
    AGENCY,
    MEMBER,
    AccountRecord,
    AgencyRecord,
    read_account,
    read_agency,
)
from urbanchain.encoding import Value, decode
from urbanchain.errors import Malformed
from urbanchain.genesis import GenesisFile
from urbanchain.ledger.receipts import (
    BlockTrees,
    ProvenTransaction,
    TreeCache,
    build_receipt,
    build_trees,
)
from urbanchain.receipts import ReceiptFile
from urbanchain.transactions import Transaction, decode_transaction
from urbanchain.types import Block, Header, Receipt, ValidatorSet


@dataclass(frozen=True, slots=True)
class BlockView:
    """A committed block without its transactions."""

    header: Header
    hash: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class TransactionView:
    """A committed transaction."""

    transaction: Transaction
    receipt: Receipt
    height: int
    index: int
    block_hash: bytes
    block_time_ms: int


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account at the head."""

    address: bytes
    record: AccountRecord
    balance: int


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """One version of an anchored document."""

    version: int
    """From 1."""
    sha256: bytes
    metadata: str
    sender: bytes
    agency: str
    height: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class AgencyView:
    """An agency at the head."""

    name: str
    record: AgencyRecord
    account_count: int


@dataclass(frozen=True, slots=True)
class _BlockContent:
    """A committed block with all that is kept of its transactions, in block order."""

    block: BlockView
    envelopes: tuple[bytes, ...]
    receipts: Sequence[bytes]


class Reader:
    """Reads of one moment. Built by `open_reader`, or over any view of a store."""

    def __init__(
        self, genesis: GenesisFile, view: StoreReader, trees: TreeCache | None = None
    ) -> None:
        self._genesis = genesis
        self._trees = TreeCache() if trees is None else trees
        self._blocks = Blocks(view)
        self._state = StateStore(view)

    @property
    def height(self) -> int:
        """The head's height; 0 before the first block."""
        tip = self._blocks.tip()
        return 0 if tip is None else tip[0]

    # -- blocks -----------------------------------------------------------------------------------

    def block(self, height: int) -> BlockView | None:
        """A block by height."""
        header = self._blocks.header(height)
        certificate = self._blocks.certificate(height)
        if header is None or certificate is None:
            return None
        decoded = Header.decode(header)
        return BlockView(decoded, decoded.hash(), certificate)

    def height_of(self, block_hash: bytes) -> int | None:
        """The height of a block by its hash."""
        return self._blocks.height_of(block_hash)

    def envelopes(self, height: int) -> tuple[bytes, ...] | None:
        """The transactions of a block, in order."""
        content = self._content(height)
        return None if content is None else content.envelopes

    def transactions(self, height: int) -> list[TransactionView] | None:
        """A block's transactions with their receipts, in order."""
        content = self._content(height)
        if content is None:
            return None
        return [self._view(content, index) for index in range(len(content.envelopes))]

    def _content(self, height: int) -> _BlockContent | None:
        """All of a block that is kept, each row read once."""
        block = self.block(height)
        payload = None if block is None else self._blocks.body(block.hash)
        receipts = self._blocks.receipts(height)
        if block is None or payload is None or receipts is None:
            return None
        return _BlockContent(block, Block.decode(payload).envelopes, receipts)

    def _view(self, content: _BlockContent, index: int) -> TransactionView:
        header = content.block.header
        return TransactionView(
            transaction=decode_transaction(content.envelopes[index], self._genesis.hash),
            receipt=Receipt.decode(content.receipts[index]),
            height=header.height,
            index=index,
            block_hash=content.block.hash,
            block_time_ms=header.time_ms,
        )

    def validators(self, height: int | None = None) -> ValidatorSet:
        """Who decides `height`: one set for all heights until governance changes it."""
        return self._genesis.genesis.validator_set()

    # -- transactions -----------------------------------------------------------------------------

    def position(self, transaction_id: bytes) -> tuple[int, int] | None:
        """(height, index) of a committed transaction."""
        return self._blocks.position_of(transaction_id)

    def transaction(self, transaction_id: bytes) -> TransactionView | None:
        """A committed transaction."""
        position = self.position(transaction_id)
        if position is None:
            return None
        content = self._content(position[0])
        return None if content is None else self._view(content, position[1])

    def receipt_file(self, transaction_id: bytes) -> ReceiptFile | None:
        """All that proves a committed transaction offline."""
        position = self.position(transaction_id)
        if position is None:
            return None
        content, index = self._content(position[0]), position[1]
        if content is None:
            return None
        block = content.block
        trees = self._trees.get(block.hash, lambda: self._build_trees(content))
        transaction = decode_transaction(content.envelopes[index], self._genesis.hash)
        proven = ProvenTransaction(
            transaction, self._key_of(transaction.sender), content.receipts[index], index
        )
        return build_receipt(block.header, block.certificate, trees, proven)

    def _build_trees(self, content: _BlockContent) -> BlockTrees:
        transactions = [decode_transaction(e, self._genesis.hash) for e in content.envelopes]
        keys = {sender: self._key_of(sender) for sender in {t.sender for t in transactions}}
        return build_trees([(t, keys[t.sender]) for t in transactions], content.receipts)

    # -- state ------------------------------------------------------------------------------------

    def account(self, address: bytes) -> AccountView | None:
        """An account and its balance."""
        record = read_account(self._state, address)
        if record is None:
            return None
        row = self._state.get(b"tokens/" + tokens.BALANCE + address)
        balance = 0 if row is None else decode(row)
        return AccountView(address, record, balance if isinstance(balance, int) else 0)

    def account_transactions(
        self, address: bytes, before: tuple[int, int] | None, limit: int
    ) -> list[TransactionView]:
        """Transactions that concern an account, newest first, from below (height, index) `before`
        on."""
        found: list[TransactionView] = []
        for _, _, transaction_id in self._blocks.of_account(address, before):
            view = self.transaction(transaction_id)
            if view is not None:
                found.append(view)
            if len(found) >= limit:
                break
        return found

    def agencies(self) -> list[AgencyView]:
        """All agencies, by name."""
        return [
            AgencyView(
                name=key[len(AGENCY) :].decode("ascii"),
                record=AgencyRecord.decode(value),
                account_count=self._members(key[len(AGENCY) :]),
            )
            for key, value in self._state.scan(AGENCY)
        ]

    def agency(self, name: str) -> AgencyRecord | None:
        """One agency's terms."""
        return read_agency(self._state, name)

    def record_versions(self, registry: str, key: str) -> list[RecordVersion]:
        """All versions of a record, oldest first; none if there is no such record. Raises
        Malformed."""
        try:
            name = records.record_name(registry, key)
        except UnicodeError as error:
            raise Malformed("record", "a registry's name is ASCII, a key is UTF-8") from error
        prefix = b"records/" + records.VERSION + name + b"\0"
        if len(prefix) + 8 > 128:
            return []
        return [
            _record_version(int.from_bytes(row_key[len(prefix) :], "big"), decode(value))
            for row_key, value in self._state.scan(prefix)
            if len(row_key) == len(prefix) + 8
        ]

    def supply(self) -> int:
        """The sum of all balances."""
        row = self._state.get(b"tokens/" + tokens.SUPPLY)
        value = 0 if row is None else decode(row)
        return value if isinstance(value, int) else 0

    def _members(self, agency: bytes) -> int:
        return sum(1 for _ in self._state.scan(MEMBER + agency + b"\0"))

    def _key_of(self, sender: bytes) -> bytes:
        record = read_account(self._state, sender)
        if record is None:
            raise Malformed("account", "a committed transaction's sender has no account")
        return record.key


def _record_version(version: int, value: Value) -> RecordVersion:
    match value:
        case (
            bytes(sha256),
            str(metadata),
            bytes(sender),
            str(agency),
            int(height),
            int(time_ms),
        ):
            return RecordVersion(version, sha256, metadata, sender, agency, height, time_ms)
        case _:
            raise Malformed("record", f"version {version} is damaged")


@contextmanager
def open_reader(
    genesis: GenesisFile, store: KeyValueStore, trees: TreeCache | None = None
) -> Iterator[Reader]:
    """A reader over a snapshot of the store, released with the block; `trees` outlives it."""
    with store.snapshot() as snapshot:
        yield Reader(genesis, snapshot, trees)
