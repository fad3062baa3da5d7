"""Arguments of transactions, from text: each kind that a contract's declaration knows."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanchain.cli.context import Chain

if TYPE_CHECKING:
    from urbanchain.contracts.declaration import Argument, Call
    from urbanchain.encoding import Encodable

AMOUNT_MAX = (1 << 63) - 1
AMOUNT_DIGITS_MAX = 19


def parse_amount(text: str) -> int:
    """Minor units, from 1 to 2^63-1. Raises BadParameter."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise click.BadParameter(f"{text!r} is no whole number of minor units")
    if len(text) > AMOUNT_DIGITS_MAX or not 0 < int(text) <= AMOUNT_MAX:
        raise click.BadParameter(f"{text} is not from 1 to 2^63-1")
    return int(text)


def read_arguments(chain: Chain, call: "Call", texts: tuple[str, ...]) -> list["Encodable"]:
    """The arguments of a declared call. Raises UsageError, and what resolving a name raises."""
    if len(texts) != len(call.arguments):
        names = " ".join(argument.name.upper() for argument in call.arguments)
        raise click.UsageError(
            f"{call.name} takes {len(call.arguments)} arguments ({names}), not {len(texts)}"
        )
    values = []
    for argument, text in zip(call.arguments, texts, strict=True):
        try:
            values.append(_read(chain, argument, text))
        except ValueError as error:
            raise click.UsageError(f"{argument.name}: {error}") from error
    return values


def _read(chain: Chain, argument: "Argument", text: str) -> "Encodable":
    from urbanchain.contracts.declaration import ArgumentKind

    match argument.kind:
        case ArgumentKind.ADDRESS:
            return parse(chain.find_address(text))
        case ArgumentKind.AMOUNT:
            return parse_amount(text)
        case ArgumentKind.SUITE:
            return int(text)
        case ArgumentKind.KEY:
            return bytes.fromhex(text)
        case ArgumentKind.DIGEST:
            return read_digest(text)
        case ArgumentKind.ROLES:
            return tuple(sorted(filter(None, text.split(","))))
        case ArgumentKind.NAME | ArgumentKind.TEXT:
            return text


def parse(address: str) -> bytes:
    """The 20 bytes of an address that was checked before."""
    from urbanchain.addresses import parse_address

    return parse_address(address)


def read_digest(text: str) -> bytes:
    """64 hex digits, or @FILE for the SHA-256 of a file."""
    if text.startswith("@"):
        return compute_digest(Path(text[1:]))
    return bytes.fromhex(text)


def compute_digest(path: Path) -> bytes:
    """The SHA-256 of a file, however large."""
    from hashlib import file_digest

    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()
