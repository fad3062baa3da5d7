"""The outbox: the urgent first, bounded, and honest about what it dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.frames import Decoder, Drop, MessageKind
from p2p.limits import TokenBucket
from p2p.outbox import Outbox

VOTE = MessageKind(1, "vote", 0, 1000, Drop.OLDEST)
BULK = MessageKind(2, "bulk", 1, 500_000)
KINDS = (VOTE, BULK)


def taken(outbox: Outbox, bytes_max: int = 1 << 30) -> list[tuple[int, bytes]]:
    return [(m.kind, m.payload) for m in Decoder(KINDS).feed(outbox.take(bytes_max))]


def test_the_urgent_overtakes_and_each_priority_keeps_its_order() -> None:
    outbox = Outbox(KINDS, 1 << 20)
    for kind, payload in ((2, b"x"), (1, b"a"), (2, b"y"), (1, b"b")):
        assert outbox.offer(kind, payload)
    assert taken(outbox) == [(1, b"a"), (1, b"b"), (2, b"x"), (2, b"y")]
    assert (len(outbox), outbox.bytes_waiting) == (0, 0)


def test_a_vote_leaves_between_the_fragments_of_a_block() -> None:
    outbox, decoder = Outbox(KINDS, 1 << 20), Decoder(KINDS)
    outbox.offer(2, bytes(200_000))
    first = list(decoder.feed(outbox.take(1)))
    outbox.offer(1, b"vote")
    rest = list(decoder.feed(outbox.take(1 << 30)))
    assert first == []
    assert [(m.kind, len(m.payload)) for m in rest] == [(1, 4), (2, 200_000)]


def test_a_full_queue_refuses_the_newest_and_counts_it() -> None:
    outbox = Outbox(KINDS, 100)
    assert outbox.offer(2, bytes(80))
    assert not outbox.offer(2, bytes(80))
    assert outbox.dropped == 1
    assert taken(outbox) == [(2, bytes(80))]


def test_a_full_queue_of_votes_gives_up_the_oldest() -> None:
    outbox = Outbox(KINDS, 100)
    for number in range(5):
        assert outbox.offer(1, bytes([number]) * 40)
    assert outbox.dropped == 3
    assert [payload[0] for _, payload in taken(outbox)] == [3, 4]


def test_a_message_half_sent_is_never_given_up() -> None:
    kinds = (MessageKind(1, "long vote", 0, 500_000, Drop.OLDEST),)
    outbox, decoder = Outbox(kinds, 150_000), Decoder(kinds)
    outbox.offer(1, b"a" * 100_000)
    received = list(decoder.feed(outbox.take(1)))
    for _ in range(3):
        outbox.offer(1, b"b" * 100_000)
    received += decoder.feed(outbox.take(1 << 30))
    assert received[0].payload == b"a" * 100_000


def test_a_message_beyond_its_kind_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="vote"):
        Outbox(KINDS, 1 << 20).offer(1, bytes(1001))


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(0, 900)), max_size=60))
def test_what_waits_is_bounded_whatever_is_offered(offers: list[tuple[int, int]]) -> None:
    outbox = Outbox(KINDS, 2_000)
    for kind, size in offers:
        outbox.offer(kind, bytes(size))
        assert outbox.bytes_waiting <= 2 * 2_000
    received = taken(outbox)
    assert len(received) + outbox.dropped == len(offers)


def test_a_token_bucket_allows_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate_per_s=10, burst=20, now=0)
    assert bucket.spend(20, 0) == 0
    assert bucket.spend(5, 0) == 0.5
    assert bucket.spend(0, 0.5) == 0
    assert bucket.spend(20, 100) == 0
