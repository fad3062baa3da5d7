"""Accounts and agencies as rows of the state. Everyone may read them; contract `agencies` writes
them.

| state key | value |
|---|---|
| `agencies/agency/` name | `[title, rate per s, burst]` |
| `agencies/bucket/` name | `[level in thousandths of weight, block time in ms]` |
| `agencies/account/` address | `[agency, suite, key, [roles], label, is open]` |
| `agencies/member/` agency 0x00 address | nothing: all accounts of an agency |
"""

from dataclasses import dataclass
from typing import Protocol

from urbanchain.encoding import decode, encode

ACCOUNT = b"agencies/account/"
AGENCY = b"agencies/agency/"
BUCKET = b"agencies/bucket/"
MEMBER = b"agencies/member/"


class Getter(Protocol):
    """Whatever holds state values."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None."""
        ...


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account: whose it is, what it may do, and the key that signs for it now."""

    agency: str
    suite: int
    key: bytes
    roles: tuple[str, ...]
    label: str
    is_open: bool

    def encode(self) -> bytes:
        """The value of its row."""
        return encode((self.agency, self.suite, self.key, self.roles, self.label, self.is_open))

    @classmethod
    def decode(cls, data: bytes) -> "AccountRecord":
        """Of a row's value."""
        fields = decode(data)
        return cls(*fields)  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class AgencyRecord:
    """An agency and the terms of its token bucket."""

    title: str
    rate_per_s: int
    burst: int

    def encode(self) -> bytes:
        """The value of its row."""
        return encode((self.title, self.rate_per_s, self.burst))

    @classmethod
    def decode(cls, data: bytes) -> "AgencyRecord":
        """Of a row's value."""
        fields = decode(data)
        return cls(*fields)  # type: ignore[misc]


def read_account(state: Getter, address: bytes) -> AccountRecord | None:
    """The account of an address."""
    value = state.get(ACCOUNT + address)
    return None if value is None else AccountRecord.decode(value)


def read_agency(state: Getter, name: str) -> AgencyRecord | None:
    """An agency by name."""
    value = state.get(AGENCY + name.encode("ascii"))
    return None if value is None else AgencyRecord.decode(value)


def member_key(agency: str, address: bytes) -> bytes:
    """The row that lists an account under its agency."""
    return MEMBER + agency.encode("ascii") + b"\0" + address
