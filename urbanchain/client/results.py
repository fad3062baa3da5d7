"""What the SDK returns: frozen, typed, read from the API's JSON in one place.

Ids and hashes are lower-case hex, addresses `uc1…`, amounts integers in minor units, times ms since
the epoch. A field that the API lacks or mistypes is a `BadAnswer`, not a KeyError in the caller.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanchain.client.errors import BadAnswer
from urbanchain.errors import Malformed
from urbanchain.receipts import parse
from urbanchain.types import Header, Outcome, compute_header_hash

if TYPE_CHECKING:
    from urbanchain.verify import Verdict


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a transaction, as far as one node knows."""

    id: str
    state: str
    """unknown, pending, proposed, final, expired or evicted."""
    outcome: str | None
    """applied or refused, once final."""
    code: str
    reason: str
    height: int | None
    block_hash: str | None
    finality_ms: int | None
    expires_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of a final transaction and its proof."""

    id: str
    height: int
    index: int
    block_hash: str
    time_ms: int
    outcome: str
    code: str
    file: bytes
    """The receipt file, byte for byte as it is to be kept."""
    finality_ms: int | None = None
    """How long it took from the node's receiving it, if that node saw both ends."""

    def save(self, path: str | Path) -> None:
        """Write the receipt file."""
        Path(path).write_bytes(self.file)

    def verify(self, genesis: bytes, document: bytes | None = None) -> "Verdict":
        """Check every link from the bytes of genesis.json, offline, with no trust in the node.

        Raises urbanchain.verify.VerificationFailed."""
        from urbanchain.verify import verify_receipt

        return verify_receipt(self.file, genesis, document)


@dataclass(frozen=True, slots=True)
class Submission:
    """The node's answer for one transaction of a batch."""

    id: str | None
    """None if the bytes were not even a transaction."""
    duplicate: bool
    problem: str | None
    """The catalogue's name of why it was not taken; None if it was."""
    detail: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account as of the node's head."""

    address: str
    agency: str
    label: str
    roles: tuple[str, ...]
    open: bool
    suite: int
    key: str
    balance: int


@dataclass(frozen=True, slots=True)
class Block:
    """A committed block's header, its hash, and the ids it orders."""

    hash: str
    height: int
    epoch: int
    parent: str
    time_ms: int
    proposer: str
    transactions_root: str
    receipts_root: str
    state_root: str
    transaction_count: int
    transactions: tuple[str, ...]
    """Empty in a listing of blocks."""


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """One anchoring of a document."""

    version: int
    """1 is the oldest."""
    sha256: str
    metadata: str
    recorded_by: str
    """The account's address."""
    agency: str
    height: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class Record:
    """All versions anchored under registry/key, oldest first."""

    registry: str
    key: str
    versions: tuple[RecordVersion, ...]


@dataclass(frozen=True, slots=True)
class ValidatorInfo:
    """A seat of the current epoch."""

    seat: int
    name: str
    agency: str
    address: str
    key: str


@dataclass(frozen=True, slots=True)
class Status:
    """A node at one moment."""

    chain: str
    genesis: str
    node: str
    agency: str
    version: str
    state: str
    height: int
    hash: str
    state_root: str
    epoch: int
    view: int
    primary: str
    pending: int


class Fields:
    """Typed reading of one JSON object. Raises BadAnswer naming the field."""

    def __init__(self, url: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise BadAnswer(url, "answered with JSON of another shape")
        self._url = url
        self._values: Mapping[str, Any] = value

    def _get(self, name: str, is_right: Callable[[Any], bool]) -> Any:
        value = self._values.get(name)
        if not is_right(value):
            raise BadAnswer(self._url, f"answered without a proper field {name!r}")
        return value

    def text(self, name: str) -> str:
        """A string."""
        return str(self._get(name, lambda v: isinstance(v, str)))

    def text_or_none(self, name: str) -> str | None:
        """A string or null."""
        value = self._get(name, lambda v: v is None or isinstance(v, str))
        return None if value is None else str(value)

    def number(self, name: str) -> int:
        """An integer."""
        return int(self._get(name, lambda v: type(v) is int))

    def number_or_none(self, name: str) -> int | None:
        """An integer or null."""
        value = self._get(name, lambda v: v is None or type(v) is int)
        return None if value is None else int(value)

    def flag(self, name: str) -> bool:
        """A boolean."""
        return bool(self._get(name, lambda v: isinstance(v, bool)))

    def amount(self, name: str) -> int:
        """A decimal string."""
        return int(self._get(name, lambda v: isinstance(v, str) and v.isdecimal()))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._get(
            name, lambda v: isinstance(v, list) and all(isinstance(item, str) for item in v)
        )
        return tuple(value)

    def objects(self, name: str) -> list["Fields"]:
        """A list of objects."""
        value = self._get(name, lambda v: isinstance(v, list))
        return [Fields(self._url, item) for item in value]

    def object_or_none(self, name: str) -> "Fields | None":
        """An object or null."""
        value = self._values.get(name)
        return None if value is None else Fields(self._url, value)

    def time_ms(self, name: str) -> int:
        """An RFC 3339 time, in ms since the epoch."""
        text = self.text(name)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise BadAnswer(self._url, f"answered with {text!r} as a time") from error
        return round(moment.timestamp() * 1000)

    def time_ms_or_none(self, name: str) -> int | None:
        """A time or null."""
        return None if self._values.get(name) is None else self.time_ms(name)

    def json(self, name: str) -> Any:
        """Whatever is there, or None."""
        return self._values.get(name)


def read_fate(item: Fields) -> Fate:
    """From a transaction document."""
    return Fate(
        id=item.text("id"),
        state=item.text("fate"),
        outcome=item.text_or_none("outcome"),
        code=item.text_or_none("code") or "",
        reason=item.text_or_none("reason") or "",
        height=item.number_or_none("height"),
        block_hash=item.text_or_none("block_hash"),
        finality_ms=item.number_or_none("finality_ms"),
        expires_at_ms=item.time_ms_or_none("expires_at"),
    )


def read_receipt(url: str, file: bytes, finality_ms: int | None = None) -> Receipt:
    """From a receipt file; read, not verified. Raises BadAnswer."""
    try:
        summary, content = parse(file)
        header = Header.decode(content.header)
    except Malformed as error:
        raise BadAnswer(url, f"answered with a broken receipt: {error}") from error
    return Receipt(
        id=summary.id.hex(),
        height=summary.height,
        index=content.index,
        block_hash=compute_header_hash(content.header).hex(),
        time_ms=header.time_ms,
        outcome="applied" if summary.outcome is Outcome.APPLIED else "refused",
        code=summary.code,
        file=file,
        finality_ms=finality_ms,
    )


def read_submission(item: Fields) -> Submission:
    """From an item of a batch's results."""
    problem = item.object_or_none("problem")
    return Submission(
        id=item.text_or_none("id"),
        duplicate=problem is None and item.flag("duplicate"),
        problem=problem.text("type").rpartition("/")[2] if problem else None,
        detail=problem.text("detail") if problem else "",
    )


def read_account(item: Fields) -> Account:
    """From an account document."""
    return Account(
        address=item.text("address"),
        agency=item.text("agency"),
        label=item.text("label"),
        roles=item.texts("roles"),
        open=item.flag("open"),
        suite=item.number("suite"),
        key=item.text("key"),
        balance=item.amount("balance"),
    )


def read_block(item: Fields) -> Block:
    """From a block document, or an item of a listing."""
    is_listed = item.json("transactions") is None
    return Block(
        hash=item.text("hash"),
        height=item.number("height"),
        epoch=item.number("epoch"),
        parent=item.text("parent"),
        time_ms=item.time_ms("time"),
        proposer=item.text("proposer"),
        transactions_root=item.text("transactions_root"),
        receipts_root=item.text("receipts_root"),
        state_root=item.text("state_root"),
        transaction_count=item.number("transaction_count"),
        transactions=() if is_listed else item.texts("transactions"),
    )


def read_record(item: Fields) -> Record:
    """From a record document."""
    versions = tuple(
        RecordVersion(
            version=v.number("version"),
            sha256=v.text("sha256"),
            metadata=v.text("metadata"),
            recorded_by=v.text("recorded_by"),
            agency=v.text("agency"),
            height=v.number("height"),
            time_ms=v.time_ms("time"),
        )
        for v in item.objects("versions")
    )
    return Record(item.text("registry"), item.text("key"), versions)


def read_validator(item: Fields) -> ValidatorInfo:
    """From an item of the validators' list."""
    return ValidatorInfo(
        seat=item.number("seat"),
        name=item.text("name"),
        agency=item.text("agency"),
        address=item.text("address"),
        key=item.text("key"),
    )


def read_status(item: Fields) -> Status:
    """From the status document."""
    return Status(
        chain=item.text("chain"),
        genesis=item.text("genesis"),
        node=item.text("node"),
        agency=item.text("agency"),
        version=item.text("version"),
        state=item.text("state"),
        height=item.number("height"),
        hash=item.text("hash"),
        state_root=item.text("state_root"),
        epoch=item.number("epoch"),
        view=item.number("view"),
        primary=item.text("primary"),
        pending=item.number("pending"),
    )
