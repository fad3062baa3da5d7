"""What a quorum of VIEW-CHANGEs binds the new view to: pure functions, enumerated in the small."""

from itertools import combinations, permutations, product

import pytest

from consensus import authentication
from consensus.messages import Signed
from consensus.view_change import (
    committed_height,
    count_at_or_above,
    quorum_for_new_view,
    select_proposal,
    view_to_join,
)
from tests.unit.consensus.ballots import ANYONE, Ballots, digest, key, members

B = Ballots(members())
ONE = B.committed(b"one")


def held(*messages: Signed) -> dict[bytes, Signed]:
    return {message.statement.place.signer: message for message in messages}


def test_nothing_prepared_leaves_the_primary_free() -> None:
    assert select_proposal([B.view_change(s) for s in range(3)]) == (1, None)


def test_a_prepared_digest_must_be_proposed_again() -> None:
    certificate = B.prepared(b"block")
    shown = [B.view_change(0), B.view_change(1, 1, prepared=certificate), B.view_change(2)]
    assert select_proposal(shown) == (1, certificate)


def test_C29_the_highest_view_wins() -> None:
    old, new = B.prepared(b"old", view=0), B.prepared(b"new", view=1)
    shown = [B.view_change(1, 2, prepared=old), B.view_change(2, 2, prepared=new)]
    assert select_proposal([*shown, B.view_change(3, 2)]) == (1, new)


def test_a_committed_height_proves_those_below_settled() -> None:
    stale = B.view_change(3, 1, prepared=B.prepared(b"stale"))
    shown = [B.view_change(1, 1, ONE), B.view_change(2, 1, ONE), stale]
    assert select_proposal(shown) == (2, None)


def test_one_member_ahead_is_enough_to_raise_the_height() -> None:
    shown = [B.view_change(1, 1, ONE), B.view_change(2), B.view_change(3)]
    assert committed_height(shown) == 1


STANDS = (
    (None, None),
    (None, B.prepared(b"a", view=0)),
    (None, B.prepared(b"b", view=1)),
    (ONE, None),
    (ONE, B.prepared(b"c", height=2, view=1)),
)


@pytest.mark.parametrize("stands", list(product(STANDS, repeat=3)))
def test_C24_the_order_of_the_parts_does_not_matter(stands: tuple) -> None:  # type: ignore[type-arg]
    shown = [B.view_change(seat, 2, *stand) for seat, stand in enumerate(stands)]
    answers = {select_proposal(order) for order in permutations(shown)}
    assert len(answers) == 1


@pytest.mark.parametrize("late", range(4))
@pytest.mark.parametrize("view", [0, 1])
def test_C24_every_quorum_keeps_a_block_that_may_be_committed(late: int, view: int) -> None:
    """Prepared by a quorum in `view`, so that it may be committed: all other quorums must see
    it."""
    new, old = B.prepared(b"block", view=view), B.prepared(b"older", view=0)
    shown = [
        B.view_change(seat, 2, prepared=old if seat == late and view == 1 else new)
        if seat != late or view == 1
        else B.view_change(seat, 2)
        for seat in range(4)
    ]
    for quorum in combinations(shown, 3):
        _, certificate = select_proposal(quorum)
        assert certificate is not None
        assert certificate.digest == digest(b"block")


def test_f_plus_1_higher_views_are_followed_to_the_smallest() -> None:
    assert view_to_join(held(B.view_change(1, 5), B.view_change(2, 3)), 0, 2) == 3


def test_C21_one_alone_is_not_followed() -> None:
    assert view_to_join(held(B.view_change(1, 5)), 0, 2) is None


def test_views_not_above_ours_pull_nowhere() -> None:
    assert view_to_join(held(B.view_change(1, 1), B.view_change(2, 2)), 1, 2) is None


def test_a_new_view_needs_a_quorum_for_exactly_that_view() -> None:
    three = held(B.view_change(0), B.view_change(1), B.view_change(2, 2))
    assert quorum_for_new_view(three, 1, 3) is None


def test_a_new_view_passes_authentication() -> None:
    four = held(*(B.view_change(seat) for seat in range(4)))
    chosen = quorum_for_new_view(four, 1, 3)
    assert chosen is not None
    authentication.check(B.new_view(chosen), B.replica_set, ANYONE)


def test_those_who_are_furthest_are_chosen() -> None:
    four = held(*(B.view_change(seat) for seat in range(3)), B.view_change(3, 1, ONE))
    chosen = quorum_for_new_view(four, 1, 3)
    assert chosen is not None
    assert key(3) in {message.statement.place.signer for message in chosen}


def test_the_quorum_of_departed_counts_higher_views_too() -> None:
    messages = held(B.view_change(0, 1), B.view_change(1, 2), B.view_change(2, 9))
    assert [count_at_or_above(messages, view) for view in (1, 2, 3, 10)] == [3, 2, 1, 0]
