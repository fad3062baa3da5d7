"""All that a contract sees: who calls, when in block time, its own namespace of the state, and whom
accounts belong to.

No clock, no randomness, no I/O, no floats: two validators that run a call on one state write the
same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from storage.state import Overlay
from urbanchain.contracts.accounts import AccountRecord, read_account
from urbanchain.encoding import Encodable, Value, decode, encode
from urbanchain.types import Event


@dataclass(frozen=True, slots=True)
class Refused:
    """The call is not applied; the facts fill the refusal's sentence, in the order of its
    declaration."""

    code: str
    facts: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockMoment:
    """The block a call runs in."""

    height: int
    time_ms: int


@dataclass(slots=True)
class Context:
    """One call's view of the world."""

    caller: bytes
    """The sender's address."""
    agency: str
    """The agency that the sender's account belongs to."""
    block: BlockMoment
    contract: str
    """The namespace: state keys are `contract/` and then what the contract says."""
    overlay: Overlay
    events: list[Event] = field(default_factory=list)

    def get(self, key: bytes) -> Value:
        """The decoded value of a key in the namespace; None if there is none."""
        value = self.overlay.get(self._full(key))
        return None if value is None else decode(value)

    def put(self, key: bytes, value: Encodable) -> None:
        """Set a key in the namespace."""
        self.overlay.put(self._full(key), encode(value))

    def delete(self, key: bytes) -> None:
        """Remove a key from the namespace."""
        self.overlay.delete(self._full(key))

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, Value]]:
        """(key, value) pairs of the namespace by prefix, in key order."""
        full = self._full(prefix)
        skip = len(full) - len(prefix)
        for key, value in self.overlay.scan(full):
            yield key[skip:], decode(value)

    def account(self, address: bytes) -> AccountRecord | None:
        """Any account, read-only."""
        return read_account(self.overlay, address)

    def emit(self, event: str, *fields: Value) -> None:
        """Say that something happened; part of the receipt."""
        self.events.append(Event(self.contract, event, fields))

    def _full(self, key: bytes) -> bytes:
        return self.contract.encode("ascii") + b"/" + key
