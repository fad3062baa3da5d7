"""What can be wrong with what peers, clients and operators hand us. Expected outcomes are values,
not errors.

UrbanchainError
├── Malformed            bytes that no honest program sends: where, and what is wrong
└── ConfigurationError   a file an operator wrote: every problem at once (exit code 78)
"""

from dataclasses import dataclass


class UrbanchainError(Exception):
    """The root of this package's errors."""


@dataclass
class Malformed(UrbanchainError):
    """Bytes that do not decode. `place` names the field (`transaction.body`), `reason` the broken
    rule."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file: where, what, and the cure in one sentence."""

    file: str
    pointer: str
    message: str

    def __str__(self) -> str:
        return (
            f"{self.file}: {self.pointer}: {self.message}"
            if self.pointer
            else f"{self.file}: {self.message}"
        )


class ConfigurationError(UrbanchainError):
    """One or more problems with genesis.json, node.toml, a key file or a data directory."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
