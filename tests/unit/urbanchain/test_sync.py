"""Catching up: one request at a time, from whoever claims the height and has not failed us."""

from urbanchain.sync import REPLY_TIMEOUT_S, BlockSync, Request


def test_a_level_node_asks_nobody() -> None:
    sync = BlockSync()
    assert sync.next_request(0, head_height=5) is None
    sync.want(5, ["a"])
    assert sync.next_request(0, head_height=5) is None


def test_the_missing_blocks_are_asked_of_one_claimant_at_a_time() -> None:
    sync = BlockSync()
    sync.want(9, ["a", "b"])
    assert sync.next_request(0, 5) == Request("a", 6)
    assert sync.next_request(1, 5) is None
    assert sync.is_expected("a", 6)
    assert not sync.is_expected("b", 6)
    assert not sync.is_expected("a", 7)


def test_progress_goes_on_with_the_same_peer_until_level() -> None:
    sync = BlockSync()
    sync.want(9, ["a", "b"])
    sync.next_request(0, 5)
    sync.answered(advanced=True)
    assert sync.next_request(1, 7) == Request("a", 8)
    sync.answered(advanced=True)
    assert sync.next_request(2, 9) is None
    assert not sync.is_behind(9)


def test_N15_a_peer_that_does_not_answer_or_does_not_help_is_passed_over() -> None:
    sync = BlockSync()
    sync.want(9, ["a", "b", "c"])
    sync.next_request(0, 5)
    assert sync.next_request(REPLY_TIMEOUT_S, 5) == Request("b", 6)
    sync.answered(advanced=False)
    assert sync.next_request(REPLY_TIMEOUT_S + 1, 5) == Request("c", 6)


def test_when_all_have_failed_their_claims_are_forgotten() -> None:
    sync = BlockSync()
    sync.want(10**12, ["liar"])
    sync.next_request(0, 5)
    sync.answered(advanced=False)
    assert sync.next_request(1, 5) is None
    assert not sync.is_behind(5)
    sync.want(6, ["honest"])
    assert sync.next_request(2, 5) == Request("honest", 6)
