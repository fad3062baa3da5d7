"""Why a link is refused or ended, with what both ends log. All but ListenFailed concern one link
only.

    P2PError
    ├── ListenFailed     the port is taken, or the address is not ours
    ├── LinkRefused      authentication or hello failed: who, and why
    └── LinkBroken       the peer broke the framing or fell silent
"""

from enum import Enum


class Reason(Enum):
    """Why a link is refused; the number goes over the wire, the text into logs."""

    STRANGER = 1
    WRONG_PEER = 2
    OTHER_NETWORK = 3
    OTHER_VERSION = 4
    DUPLICATE = 5
    MALFORMED_HELLO = 6
    UNREACHABLE = 7


class P2PError(Exception):
    """The root of this package's errors."""


class ListenFailed(P2PError):
    """The listening socket cannot be had; the message names it."""


class LinkRefused(P2PError):
    """One end will not have the link."""

    def __init__(self, reason: Reason, explanation: str, *, by_peer: bool = False) -> None:
        super().__init__(explanation)
        self.reason = reason
        self.explanation = explanation
        self.by_peer = by_peer


class LinkBroken(P2PError):
    """An established link ended by a fault of the peer or of the wire."""
