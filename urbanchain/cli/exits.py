"""Exit codes, and what is said about an error: one table, for every exception a command may meet.

Rows are named by the exception's import path, so that this table imports none of them. The nearest
class of an exception's ancestry decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """How a command ended. Fixed: scripts rely on them."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    TIMED_OUT = 5
    UNREACHABLE = 6
    NOT_AUTHORISED = 7
    CORRUPT = 8
    UNHEALTHY = 9
    CONFIGURATION = 78
    INTERRUPTED = 130


@dataclass
class CommandFailed(Exception):
    """A command's own way to fail: what happened and why, what to try, and the exit code."""

    code: Exit
    sentence: str
    hint: str = ""

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error, for a person."""

    code: int
    sentences: tuple[str, ...]
    hint: str = ""
    """What to try next; empty if the sentence says it."""


def explain(error: BaseException) -> Explanation | None:
    """What to say about an error; None for one that nobody foresaw."""
    for kind in type(error).__mro__:
        rule = RULES.get(f"{kind.__module__}.{kind.__qualname__}")
        if rule is not None:
            return rule(error)
    return None


Rule = Callable[[Any], Explanation]


def _says(code: Exit, hint: str = "") -> Rule:
    return lambda error: Explanation(code, (str(error),), hint)


def _command_failed(error: Any) -> Explanation:
    return Explanation(error.code, (error.sentence,), error.hint)


def _configuration(error: Any) -> Explanation:
    return Explanation(Exit.CONFIGURATION, tuple(str(problem) for problem in error.problems))


def _verification(error: Any) -> Explanation:
    if error.link.value == "document":
        hint = "the receipt is genuine; this is not the file it is for, or no longer"
    else:
        hint = "nothing the receipt says is proven; get it, and genesis.json, from their sources"
    return Explanation(Exit.CORRUPT, (f"verification failed: {error}",), hint)


_PROBLEM_HINTS = {
    "unknown-account": "accounts: urbanchain devnet accounts",
    "forbidden": "roles: urbanchain query account NAME",
    "expired": "send it anew; check this machine's clock",
    "wrong-chain": "which chain a node is of: urbanchain query chain --url URL",
    "mempool-full": "try again in a second",
    "rate-limited": "try again in a second",
    "syncing": "try again shortly, or another node: --url URL",
    "not-ready": "how the node is: urbanchain node status",
}


def _request_failed(error: Any) -> Explanation:
    name = error.problem.name
    sentence = f"{error.problem.title.lower()}: {error.detail}  ({name})"
    return Explanation(error.problem.exit_code, (sentence,), _PROBLEM_HINTS.get(name, ""))


def _unreachable(error: Any) -> Explanation:
    return Explanation(
        Exit.UNREACHABLE,
        (f"no node answers: {'; '.join(error.causes)}",),
        "is one running? urbanchain devnet status; or name another: --url URL",
    )


def _refused(error: Any) -> Explanation:
    return Explanation(Exit.REFUSED, (f"refused: {error}",))


def _file_missing(error: Any) -> Explanation:
    return Explanation(Exit.NOT_FOUND, (_describe_os_error(error),))


def _os_error(error: Any) -> Explanation:
    return Explanation(Exit.UNEXPECTED, (_describe_os_error(error),))


def _describe_os_error(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


RULES: dict[str, Rule] = {
    "urbanchain.cli.exits.CommandFailed": _command_failed,
    "urbanchain.errors.ConfigurationError": _configuration,
    "urbanchain.errors.Malformed": _says(Exit.USAGE),
    "urbanchain.keys.WrongPassword": _says(Exit.NOT_AUTHORISED),
    "urbanchain.keys.KeyFileInvalid": _says(Exit.CONFIGURATION),
    "urbanchain.verify.VerificationFailed": _verification,
    "urbanchain.client.errors.RequestFailed": _request_failed,
    "urbanchain.client.errors.Unreachable": _unreachable,
    "urbanchain.client.errors.BadAnswer": _says(
        Exit.UNREACHABLE, "does --url name the API of a node? see: urbanchain devnet status"
    ),
    "urbanchain.client.errors.Refused": _refused,
    "urbanchain.devnet.errors.DevnetMissing": _says(
        Exit.NOT_FOUND, "start one: urbanchain devnet up --detach"
    ),
    "urbanchain.devnet.errors.DevnetDamaged": _says(
        Exit.CORRUPT, "remove its directory and start another: urbanchain devnet up"
    ),
    "urbanchain.devnet.errors.DevnetBusy": _says(Exit.TIMED_OUT, "try again when it is done"),
    "urbanchain.devnet.errors.NotADevnet": _says(
        Exit.USAGE, "choose an empty directory: --state DIR"
    ),
    "urbanchain.devnet.errors.PortsTaken": _says(
        Exit.UNEXPECTED, "pick free ones with --base-port 0, or others: --base-port 17000"
    ),
    "urbanchain.devnet.errors.UnknownNode": _says(Exit.NOT_FOUND),
    "urbanchain.devnet.errors.NodeFailed": _says(
        Exit.UNHEALTHY, "what it said: urbanchain devnet logs"
    ),
    "urbanchain.devnet.errors.DemoFailed": _says(Exit.UNEXPECTED),
    "builtins.FileNotFoundError": _file_missing,
    "builtins.OSError": _os_error,
    "builtins.KeyboardInterrupt": lambda _: Explanation(Exit.INTERRUPTED, ("interrupted",)),
}
