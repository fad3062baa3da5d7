"""How much, how fast, how long: every bound of this package in one place, and the bucket that
measures rates."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what peers and strangers can cost."""

    handshake_timeout_s: float = 5.0
    """From TCP accept to hello."""
    handshakes_max: int = 64
    """Inbound connections that have not authenticated yet."""
    handshakes_per_address_max: int = 16
    """Of these, from one IP address."""
    heartbeat_s: float = 2.0
    """Between two pings; three without any answer end the link."""
    dial_backoff_min_s: float = 0.1
    dial_backoff_max_s: float = 5.0
    dial_head_start_s: float = 0.5
    """How long the greater name of a pair lets the smaller one dial first."""
    queue_bytes_max: int = 32 << 20
    """Per peer and priority."""
    bytes_per_s: int = 128 << 20
    """Read from one peer; faster ones are read more slowly."""
    messages_per_s: int = 20_000
    """Likewise."""


class TokenBucket:
    """A rate with some burst; the time comes as an argument, in seconds."""

    __slots__ = ("_burst", "_level", "_rate", "_then")

    def __init__(self, rate_per_s: float, burst: float, now: float) -> None:
        self._rate = rate_per_s
        self._burst = burst
        self._level = burst
        self._then = now

    def spend(self, amount: float, now: float) -> float:
        """Take `amount`; how many seconds to wait until the rate allows it (0 if it does now)."""
        self._level = min(self._burst, self._level + (now - self._then) * self._rate)
        self._then = now
        self._level -= amount
        return 0.0 if self._level >= 0 else -self._level / self._rate
