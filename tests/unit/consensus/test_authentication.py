"""Which messages a host may step its replica with."""

from dataclasses import replace

import pytest

from consensus import NotAuthentic, WrongEpoch, authentication
from consensus.messages import Body, NewView, Prepare, PrePrepare, Signed, ViewChange
from tests.unit.consensus.ballots import ANYONE, Ballots, digest, members

B = Ballots(members())
STRANGERS = Ballots(members(5))


def check(message: Signed | Body, ballots: Ballots = B) -> None:
    authentication.check(message, ballots.replica_set, ANYONE)


def refuse(message: Signed | Body, ballots: Ballots = B) -> str:
    """Why the message is refused."""
    with pytest.raises(NotAuthentic) as caught:
        check(message, ballots)
    return f"{caught.value.part}: {caught.value.reason}"


GOOD: dict[str, Signed | Body] = {
    "pre-prepare": B.pre_prepare(b"block"),
    "prepare": B.prepare(1, b"block"),
    "commit": B.commit(0, b"block"),
    "view-change": B.view_change(2),
    "view-change with both": B.view_change(2, 1, B.committed(b"one"), B.prepared(b"two", height=2)),
    "new-view": B.new_view(B.view_change(s) for s in range(3)),
    "new-view above": B.new_view(
        [B.view_change(0), B.view_change(1, 1, B.committed(b"one")), B.view_change(3)]
    ),
    "status": B.status(3),
    "body": Body(digest(b"block"), b"block"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_an_honest_member_says_passes(name: str) -> None:
    check(GOOD[name])


@pytest.mark.parametrize("name", [name for name in GOOD if name != "body"])
def test_a_forged_signature_does_not(name: str) -> None:
    message = GOOD[name]
    assert isinstance(message, Signed)
    assert "its own signature" in refuse(replace(message, signature=b"forged"))


@pytest.mark.parametrize("name", [name for name in GOOD if name != "body"])
def test_C08_a_member_of_another_epoch_is_told_apart(name: str) -> None:
    later = Ballots(members(epoch=1, first_height=7))
    with pytest.raises(WrongEpoch) as caught:
        check(GOOD[name], later)
    assert caught.value.epoch == 0


def test_C08_a_stranger_is_refused() -> None:
    assert "not a member" in refuse(STRANGERS.commit(4, b"block"))


def test_only_the_primary_proposes() -> None:
    statement = PrePrepare(B.place(1), digest(b"block"))
    assert "only the primary" in refuse(B.seal(statement))


def test_C06_the_primary_sends_no_prepare() -> None:
    assert "only the primary" in refuse(B.seal(Prepare(B.place(0), digest(b"block"))))


def test_the_primary_of_the_place_counts_not_that_of_now() -> None:
    check(B.pre_prepare(b"block", height=300, view=2))


def test_nobody_changes_to_view_0() -> None:
    assert "view 0" in refuse(B.view_change(1, 0))


def test_a_committed_height_needs_its_certificate() -> None:
    statement = ViewChange(B.place(1, 5, 1), None, None)
    assert "without its certificate" in refuse(B.seal(statement))


def test_the_certificate_must_be_of_the_height_claimed() -> None:
    statement = ViewChange(B.place(1, 5, 1), B.committed(b"block", height=4), None)
    assert "another height" in refuse(B.seal(statement))


@pytest.mark.parametrize(("height", "view"), [(1, 1), (1, 2), (2, 0)])
def test_a_prepared_certificate_is_for_the_height_above_and_a_view_below(
    height: int, view: int
) -> None:
    assert "out of place" in refuse(
        B.view_change(2, 1, prepared=B.prepared(b"block", height, view))
    )


def test_C23_a_fabricated_prepared_certificate_is_found() -> None:
    forged = replace(B.prepared(b"block"), digest=digest(b"other"))
    assert "nested signature" in refuse(B.view_change(2, 1, prepared=forged))


def test_C23_too_few_prepares_are_found() -> None:
    assert "fewer PREPAREs" in refuse(B.view_change(2, 1, prepared=B.prepared(b"block", by=[1])))


def new_view(*view_changes: Signed, view: int = 1, seat: int = 1, height: int = 0) -> Signed:
    """A NEW-VIEW with its parts in the order given."""
    return B.seal(NewView(B.place(seat, height, view), view_changes))


def sorted_parts(*seats: int, view: int = 1) -> list[Signed]:
    parts = [B.view_change(seat, view) for seat in seats]
    return sorted(parts, key=lambda part: part.statement.place.signer)


@pytest.mark.parametrize("seats", [(), (0,), (0, 2), (0, 1, 2, 3)])
def test_C25_a_new_view_shows_exactly_a_quorum(seats: tuple[int, ...]) -> None:
    assert "quorum" in refuse(new_view(*sorted_parts(*seats)))


def test_C25_a_signer_counts_once() -> None:
    parts = sorted_parts(0, 1)
    assert "quorum" in refuse(new_view(parts[0], *parts))


def test_C25_parts_ascend_by_signer() -> None:
    assert "quorum" in refuse(new_view(*reversed(sorted_parts(0, 1, 2))))


def test_C25_parts_are_for_the_view_they_open() -> None:
    parts = [B.view_change(0, 2), B.view_change(1), B.view_change(2)]
    parts.sort(key=lambda part: part.statement.place.signer)
    assert "another view" in refuse(new_view(*parts))


def test_C25_only_the_primary_of_the_view_opens_it() -> None:
    assert "its primary" in refuse(new_view(*sorted_parts(0, 1, 2), seat=2))


def test_C25_the_height_is_the_one_the_parts_prove() -> None:
    assert "the height it proves" in refuse(new_view(*sorted_parts(0, 1, 2), height=1))


def test_C25_a_stranger_among_the_parts_spoils_it() -> None:
    parts = [STRANGERS.view_change(seat) for seat in (0, 1, 4)]
    parts.sort(key=lambda part: part.statement.place.signer)
    assert "not a member" in refuse(new_view(*parts))


def test_C25_one_forged_part_spoils_it() -> None:
    parts = sorted_parts(0, 1, 2)
    parts[1] = replace(parts[1], signature=b"forged")
    assert "nested signature" in refuse(new_view(*parts))


def test_C25_a_part_with_a_fabricated_certificate_spoils_it() -> None:
    forged = replace(B.prepared(b"block"), digest=digest(b"other"))
    parts = [B.view_change(0, 1, prepared=forged), B.view_change(1), B.view_change(2)]
    assert "nested signature" in refuse(B.new_view(parts))


def test_the_scheduled_primary_of_the_height_above_opens_the_view() -> None:
    rotating = Ballots(members(rotation_blocks=1))
    parts = [rotating.view_change(s, 1, rotating.committed(b"one", 1)) for s in range(3)]
    opened = rotating.new_view(parts)
    assert opened.statement.place.signer == rotating.replica_set.members[3]
    check(opened, rotating)


def test_all_signatures_are_handed_over_in_one_batch_the_messages_own_first() -> None:
    message = B.view_change(2, 1, B.committed(b"one"), B.prepared(b"two", height=2))
    items = authentication.signature_items(message, B.replica_set)
    assert len(items) == 1 + 3 + 3
    assert (items[0][0], items[0][2]) == (B.replica_set.members[2], message.signature)
