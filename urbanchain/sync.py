"""Catching up: which certified blocks to ask whom for. Pure: the driver sends, checks and commits.

One request is under way at a time. A peer that answers late, with nothing, or with something that
does not verify is passed over in favour of the next that claims the height; when all have failed,
nothing is believed any longer until fresh claims come.
Trust never comes from the peer: every block must carry a certificate of its height's validators.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

REPLY_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Request:
    """Ask `peer` for blocks from `from_height` upwards."""

    peer: str
    from_height: int


@dataclass(slots=True)
class BlockSync:
    """Where the chain is known to have got to, and who is being asked for what is missing."""

    target_height: int = 0
    deadline: float | None = None
    """When the request under way is given up; None when there is none."""
    _request: Request | None = None
    _claimants: list[str] = field(default_factory=list)
    _failed: set[str] = field(default_factory=set)

    def is_behind(self, head_height: int) -> bool:
        """Whether some peer claims blocks beyond our head."""
        return head_height < self.target_height

    def want(self, height: int, peers: Iterable[str]) -> None:
        """Some peers claim to have committed `height`."""
        self.target_height = max(self.target_height, height)
        for peer in peers:
            if peer not in self._claimants:
                self._claimants.append(peer)

    def next_request(self, now: float, head_height: int) -> Request | None:
        """The request to send now, if any. Call after every change and at the deadline."""
        if not self.is_behind(head_height):
            self._forget()
            return None
        if self.deadline is not None and now < self.deadline:
            return None
        if self._request is not None:
            self._failed.add(self._request.peer)
            self._request = None
        peer = next((p for p in self._claimants if p not in self._failed), None)
        if peer is None:
            self._forget()
            return None
        self._request = Request(peer, head_height + 1)
        self.deadline = now + REPLY_TIMEOUT_S
        return self._request

    def is_expected(self, peer: str, from_height: int) -> bool:
        """Whether this is the answer to the request under way; anything else is unsolicited."""
        return self._request == Request(peer, from_height)

    def answered(self, advanced: bool) -> None:
        """The answer was processed; a peer that did not advance us is passed over this round."""
        if self._request is not None and not advanced:
            self._failed.add(self._request.peer)
        self._request = None
        self.deadline = None

    def _forget(self) -> None:
        self.target_height = 0
        self.deadline = None
        self._request = None
        self._claimants.clear()
        self._failed.clear()
