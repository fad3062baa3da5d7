"""How a contract declares itself, once: calls, arguments, roles, weights, refusals, events.

Admission decodes arguments by it, execution runs by it, and API schema, SDK builders, command line
and docs/contracts.md are made from it. A call whose arguments break their declaration is not
admissible: it never enters a block. What depends on state is a refusal: it is in the block, with a
stable code and its facts.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from urbanchain.contracts.context import Context, Refused
from urbanchain.encoding import Value
from urbanchain.errors import Malformed
from urbanchain.signatures import SUITES

AMOUNT_MAX = (1 << 63) - 1
ROLES = ("admin", "issuer", "operator")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")


class ArgumentKind(Enum):
    """What an argument may be; the value is how it is written in docs and schemas."""

    ADDRESS = "address"
    AMOUNT = "amount"
    NAME = "name"
    DIGEST = "sha256"
    TEXT = "text"
    SUITE = "suite"
    KEY = "key"
    ROLES = "roles"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument, by position."""

    name: str
    kind: ArgumentKind
    summary: str
    bytes_max: int = 0
    """Of a TEXT: its longest UTF-8 encoding."""
    may_be_empty: bool = False

    def check(self, value: Value, place: str) -> None:
        """Raises Malformed, naming `place`, unless the value is of the declared kind."""
        problem = _CHECKS[self.kind](self, value)
        if problem:
            raise Malformed(place, f"{self.name} {problem}")


@dataclass(frozen=True, slots=True)
class RefusalType:
    """A reason not to apply a call: a stable code, and a sentence its facts are filled into."""

    code: str
    sentence: str
    facts: tuple[str, ...]

    def explain(self, facts: tuple[Value, ...]) -> str:
        """The sentence with the facts filled in; bytes as hex."""
        shown = [fact.hex() if isinstance(fact, bytes) else fact for fact in facts]
        return self.sentence.format(**dict(zip(self.facts, shown, strict=False)))


@dataclass(frozen=True, slots=True)
class EventType:
    """Something a call can say happened."""

    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One thing a transaction can ask of a contract."""

    name: str
    summary: str
    role: str
    """The role the caller's account needs; empty for any account."""
    weight: int
    """What it spends of its agency's token bucket and of the block."""
    arguments: tuple[Argument, ...]
    refusals: tuple[RefusalType, ...]
    events: tuple[EventType, ...]
    run: Callable[..., Refused | None] = field(compare=False)
    """`run(context, *arguments)`: lists its refusals first, then writes."""

    def check_arguments(self, arguments: tuple[Value, ...]) -> None:
        """Raises Malformed, naming the argument."""
        if len(arguments) != len(self.arguments):
            expected = len(self.arguments)
            raise Malformed(
                "transaction.arguments", f"{len(arguments)} of them; {self.name} takes {expected}"
            )
        for index, (argument, value) in enumerate(zip(self.arguments, arguments, strict=True)):
            argument.check(value, f"transaction.arguments[{index}]")

    def execute(self, context: Context, arguments: tuple[Value, ...]) -> Refused | None:
        """Run it on a context."""
        return self.run(context, *arguments)


@dataclass(frozen=True, slots=True)
class Contract:
    """A native contract: a namespace of the state and the calls that write it."""

    name: str
    summary: str
    calls: tuple[Call, ...]

    def call(self, name: str) -> Call | None:
        """A call by its name."""
        return next((call for call in self.calls if call.name == name), None)


def _check_address(_: Argument, value: Any) -> str:
    return "" if type(value) is bytes and len(value) == 20 else "must be an address of 20 bytes"


def _check_amount(_: Argument, value: Any) -> str:
    is_amount = type(value) is int and 0 < value <= AMOUNT_MAX
    return "" if is_amount else "must be an integer from 1 to 2^63-1"


def _check_name(_: Argument, value: Any) -> str:
    is_name = type(value) is str and _NAME.match(value) is not None
    return "" if is_name else "must be 1 to 32 of a-z, 0-9 and '-', not beginning with '-'"


def _check_digest(_: Argument, value: Any) -> str:
    return "" if type(value) is bytes and len(value) == 32 else "must be 32 bytes"


def _check_text(argument: Argument, value: Any) -> str:
    if type(value) is not str:
        return "must be text"
    if not value and not argument.may_be_empty:
        return "must not be empty"
    if len(value.encode()) > argument.bytes_max:
        return f"must have at most {argument.bytes_max} bytes of UTF-8"
    if any(character < " " or character == "\x7f" for character in value):
        return "must not hold control characters"
    return ""


def _check_suite(_: Argument, value: Any) -> str:
    return "" if type(value) is int and value in SUITES else "must be a signature suite's number"


def _check_key(_: Argument, value: Any) -> str:
    lengths = {suite.key_bytes for suite in SUITES.values()}
    return "" if type(value) is bytes and len(value) in lengths else "must be a public key"


def _check_roles(_: Argument, value: Any) -> str:
    is_list = type(value) is tuple and all(role in ROLES for role in value)
    is_ordered = is_list and list(value) == sorted(set(value))
    return "" if is_ordered else f"must be a list of {', '.join(ROLES)}: ascending, each once"


_CHECKS: dict[ArgumentKind, Callable[[Argument, Any], str]] = {
    ArgumentKind.ADDRESS: _check_address,
    ArgumentKind.AMOUNT: _check_amount,
    ArgumentKind.NAME: _check_name,
    ArgumentKind.DIGEST: _check_digest,
    ArgumentKind.TEXT: _check_text,
    ArgumentKind.SUITE: _check_suite,
    ArgumentKind.KEY: _check_key,
    ArgumentKind.ROLES: _check_roles,
}
