"""How many transactions to propose: as many as the validators commit well within a view's time-out.
Pure.

A proposer's policy, not a rule of validity. Blocks that commit fast grow the next, slow ones halve
it, so that a flood on slow machines makes smaller blocks instead of suspected primaries.
"""

FIRST = 500
LEAST = 100
FAST_S = 0.25
SLOW_S = 0.6


class BlockSize:
    """The aim for the next block of ours."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._aim = min(FIRST, count_max)
        self._began_at: float | None = None

    def begin(self, now: float) -> int:
        """A proposal of ours is being built: its greatest number of transactions."""
        self._began_at = now
        return self._aim

    def end(self, now: float) -> None:
        """A block was committed; if it was ours, learn from how long it took."""
        if self._began_at is None:
            return
        took_s, self._began_at = now - self._began_at, None
        if took_s < FAST_S:
            self._aim = min(2 * self._aim, self._count_max)
        elif took_s > SLOW_S:
            self._aim = max(self._aim // 2, min(LEAST, self._count_max))
