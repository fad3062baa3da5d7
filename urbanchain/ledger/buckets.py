"""Agencies' token buckets: fair shares as a rule of validity. Integers only: thousandths of weight,
block time in ms.

Every included transaction spends its call's weight, applied or refused; the bucket refills with
block time up to its burst. A block that spends more than there is is invalid, whoever proposes it.
"""

from urbanchain.contracts.accounts import BUCKET, Getter, read_agency
from urbanchain.encoding import decode, encode

_THOUSAND = 1000


class Buckets:
    """The buckets of one block under construction, filled up to its time."""

    def __init__(self, state: Getter, time_ms: int) -> None:
        self._state = state
        self._time_ms = time_ms
        self._levels: dict[str, int] = {}
        self._touched: set[str] = set()

    def spend(self, agency: str, weight: int) -> bool:
        """Take `weight` from an agency's bucket; False, and nothing taken, if it holds less."""
        level = self.level(agency)
        if level < weight * _THOUSAND:
            return False
        self._levels[agency] = level - weight * _THOUSAND
        self._touched.add(agency)
        return True

    def level(self, agency: str) -> int:
        """Thousandths of weight left for an agency; 0 for one that does not exist."""
        if agency not in self._levels:
            self._levels[agency] = self._filled(agency)
        return self._levels[agency]

    def changes(self) -> list[tuple[bytes, bytes]]:
        """The rows of all buckets that were spent from, in key order."""
        return [
            (BUCKET + agency.encode("ascii"), encode((self._levels[agency], self._time_ms)))
            for agency in sorted(self._touched)
        ]

    def _filled(self, agency: str) -> int:
        terms = read_agency(self._state, agency)
        if terms is None:
            return 0
        full = terms.burst * _THOUSAND
        row = self._state.get(BUCKET + agency.encode("ascii"))
        if row is None:
            return full
        match decode(row):
            case (int(level), int(then_ms)):
                return min(full, level + max(0, self._time_ms - then_ms) * terms.rate_per_s)
            case _:
                raise ValueError(f"the bucket row of {agency} is damaged")
