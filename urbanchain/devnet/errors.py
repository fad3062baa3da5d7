"""Why a devnet cannot do what was asked.

DevnetError
├── DevnetMissing     there is none in that directory
├── DevnetDamaged     its state file is not one of ours
├── DevnetBusy        another command is at work on it
├── NotADevnet        the directory holds something else, which is left alone
├── PortsTaken        other programs listen where its nodes would
├── UnknownNode       it has no such validator
├── NodeFailed        a node ended, or would not become ready
└── DemoFailed        the demonstration did not show what it should
"""

from dataclasses import dataclass
from pathlib import Path

from urbanchain.errors import UrbanchainError


class DevnetError(UrbanchainError):
    """The root of this package's errors."""


@dataclass
class DevnetMissing(DevnetError):
    """There is no devnet in the directory."""

    directory: Path

    def __str__(self) -> str:
        return f"there is no devnet in {self.directory}"


@dataclass
class DevnetDamaged(DevnetError):
    """The state file cannot be read."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path} is damaged: {self.reason}"


@dataclass
class DevnetBusy(DevnetError):
    """Another command holds the directory's lock."""

    directory: Path

    def __str__(self) -> str:
        return f"another command is at work on the devnet in {self.directory}"


@dataclass
class NotADevnet(DevnetError):
    """The directory is in use for something else."""

    directory: Path

    def __str__(self) -> str:
        return f"{self.directory} is not empty and holds no devnet; nothing in it was touched"


@dataclass
class PortsTaken(DevnetError):
    """Who would have listened where something listens already: ("validator-0's api", 7080), …"""

    taken: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        listed = ", ".join(f"{port} ({use})" for use, port in self.taken)
        return f"already in use: port{'s' if len(self.taken) > 1 else ''} {listed}"


@dataclass
class UnknownNode(DevnetError):
    """No validator has that number or name."""

    wanted: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"there is no validator {self.wanted!r}; there are {', '.join(self.names)}"


@dataclass
class NodeFailed(DevnetError):
    """A node ended, or was not ready in time."""

    name: str
    reason: str
    log: Path
    tail: tuple[str, ...] = ()
    """The last lines of its log."""

    def __str__(self) -> str:
        lines = "".join(f"\n    {line}" for line in self.tail)
        return f"{self.name} {self.reason}; its log is {self.log}{lines}"


@dataclass
class DemoFailed(DevnetError):
    """A promise of the demonstration did not hold."""

    reason: str

    def __str__(self) -> str:
        return self.reason
