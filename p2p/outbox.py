"""What waits to be sent to one peer: a bounded queue per priority, strict priority between them.
Pure.

`offer` never waits. A queue that is full gives up its oldest messages or refuses the newest, as the
kind says, and counts what it dropped. A message whose first fragment has left is never given up:
the peer holds half of it.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from p2p.frames import CONTROL, FRAGMENT_BYTES_MAX, Drop, MessageKind, encode_fragment


@dataclass(slots=True)
class _Queue:
    waiting: deque[tuple[MessageKind, bytes]] = field(default_factory=deque)
    bytes_waiting: int = 0
    sent_of_first: int = 0


class Outbox:
    """Messages for one peer."""

    def __init__(self, kinds: Iterable[MessageKind], queue_bytes_max: int) -> None:
        self._kinds = {kind.number: kind for kind in (*kinds, *CONTROL)}
        self._queue_bytes_max = queue_bytes_max
        self._queues = {
            priority: _Queue() for priority in sorted({k.priority for k in self._kinds.values()})
        }
        self.dropped = 0
        """Messages given up or refused so far."""

    def __len__(self) -> int:
        return sum(len(queue.waiting) for queue in self._queues.values())

    @property
    def bytes_waiting(self) -> int:
        """Payload bytes not yet taken."""
        return sum(queue.bytes_waiting for queue in self._queues.values())

    def offer(self, number: int, payload: bytes) -> bool:
        """Queue a message; False if it was refused. Raises ValueError for one beyond its kind's
        limit."""
        kind = self._kinds[number]
        if len(payload) > kind.bytes_max:
            raise ValueError(
                f"a {kind.name} message of {len(payload)} bytes; at most {kind.bytes_max}"
            )
        queue = self._queues[kind.priority]
        if kind.drop is Drop.OLDEST:
            self._give_up_oldest(queue, len(payload))
        if queue.waiting and queue.bytes_waiting + len(payload) > self._queue_bytes_max:
            self.dropped += 1
            return False
        queue.waiting.append((kind, payload))
        queue.bytes_waiting += len(payload)
        return True

    def take(self, bytes_max: int) -> bytes:
        """Frames to write now: the most urgent first, about `bytes_max` bytes, at least one if any
        waits."""
        frames: list[bytes] = []
        taken = 0
        for queue in self._queues.values():
            while queue.waiting and taken < bytes_max:
                frame = self._next_frame(queue)
                frames.append(frame)
                taken += len(frame)
        return b"".join(frames)

    def _give_up_oldest(self, queue: _Queue, needed: int) -> None:
        kept_first = 1 if queue.sent_of_first else 0
        while (
            len(queue.waiting) > kept_first and queue.bytes_waiting + needed > self._queue_bytes_max
        ):
            _, payload = queue.waiting[kept_first]
            del queue.waiting[kept_first]
            queue.bytes_waiting -= len(payload)
            self.dropped += 1

    def _next_frame(self, queue: _Queue) -> bytes:
        kind, payload = queue.waiting[0]
        start = queue.sent_of_first
        fragment = payload[start : start + FRAGMENT_BYTES_MAX]
        queue.bytes_waiting -= len(fragment)
        queue.sent_of_first = start + len(fragment)
        is_last = queue.sent_of_first >= len(payload)
        if is_last:
            queue.waiting.popleft()
            queue.sent_of_first = 0
        return encode_fragment(kind.number, fragment, is_last)
