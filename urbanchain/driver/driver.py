"""The driver's loop: drain the inbox, step the replica, obey it, look at the clock, again.

It awaits the disk, never a peer; and it never puts into a queue that only it drains and waits for.
"""

import asyncio
from typing import assert_never

from consensus import PeerConnected, Received, Tick, WorkPending
from consensus.messages import Signed, Status
from urbanchain.driver.catching_up import CatchingUp
from urbanchain.driver.hosting import Hosting
from urbanchain.driver.inbox import (
    Ahead,
    BlocksAsked,
    BlocksCame,
    Event,
    Heard,
    Judgeable,
    LinkChanged,
    Offered,
    Verified,
)
from urbanchain.driver.ingestion import Ingestion
from urbanchain.driver.parts import Parts

_TURN_S = 0.01
"""How long events are handled before the clock is looked at and others on the loop have their
turn."""
_IDLE_S = 0.5
"""The longest it sleeps: housekeeping is due about twice a second."""


class Driver:
    """Runs one validator. `run` ends only by cancellation or by what must stop the node."""

    def __init__(self, parts: Parts, hosting: Hosting) -> None:
        self.parts = parts
        self._hosting = hosting
        self._ingestion = Ingestion(parts)
        self._catching_up = CatchingUp(parts, hosting)
        self._said_work = WorkPending(False)

    async def run(self) -> None:
        """Drive until cancelled. Raises DivergentState, StorageError: the node must stop."""
        await self._hosting.obey()
        while True:
            await self.parts.inbox.wait(self._sleep_s())
            turn_ends = self.parts.tools.clock.now_s() + _TURN_S
            while (event := self.parts.inbox.next()) is not None:
                await self._handle(event)
                if self.parts.tools.clock.now_s() > turn_ends:
                    await asyncio.sleep(0)
                    break
            await self._turn()

    async def _turn(self) -> None:
        """What every turn ends with."""
        now = self.parts.tools.clock.now_s()
        self._ingestion.spread()
        self._ingestion.offer_again(now)
        self._say_work(now)
        deadline = self.parts.replica.deadline
        if deadline is not None and now >= deadline:
            self._hosting.step(Tick())
        await self._hosting.obey()
        self._catching_up.ask(self.parts.tools.clock.now_s())

    def _sleep_s(self) -> float:
        deadlines = [self.parts.replica.deadline, self.parts.sync.deadline]
        now = self.parts.tools.clock.now_s()
        soonest = min((d for d in deadlines if d is not None), default=now + _IDLE_S)
        return max(0.0, min(soonest - now, _IDLE_S))

    async def _handle(self, event: Event) -> None:
        match event:
            case Heard(message):
                self._note_height(message)
                self._hosting.step(Received(message))
                await self._hosting.obey()
            case Ahead(peer, height):
                self.parts.sync.want(height, [peer])
            case Offered():
                self._ingestion.examine(event)
            case Verified():
                self._ingestion.admit(event)
            case Judgeable():
                self._hosting.judge(event)
                await self._hosting.obey()
            case BlocksAsked():
                self._catching_up.serve(event)
            case BlocksCame():
                await self._catching_up.take(event)
                await self._hosting.obey()
            case LinkChanged(peer, is_up):
                self._link_changed(peer, is_up)
                await self._hosting.obey()
            case _:
                assert_never(event)

    def _note_height(self, message: object) -> None:
        if isinstance(message, Signed) and isinstance(message.statement, Status):
            place = message.statement.place
            name = self.parts.me.name_of.get(place.signer)
            if name is not None:
                self.parts.heights[name] = place.height

    def _link_changed(self, peer: str, is_up: bool) -> None:
        if is_up:
            self._ingestion.offer_to(peer)
            self._hosting.step(PeerConnected(self.parts.me.key_of[peer]))
        else:
            self.parts.heights.pop(peer, None)

    def _say_work(self, now: float) -> None:
        """Tell the replica whether there is anything to order: now, if it is news or we are to
        propose it."""
        work = self._work(now)
        is_ours_to_do = work.is_pending and self.parts.replica.primary == self.parts.me.key
        if work != self._said_work or is_ours_to_do:
            self._said_work = work
            self._hosting.step(work)

    def _work(self, now: float) -> WorkPending:
        parts = self.parts
        wall_ms = parts.tools.clock.wall_ms()
        waiting = [
            entry
            for entry in parts.mempool.oldest()
            if parts.ledger.has_room(entry.candidate.agency, entry.candidate.call.weight, wall_ms)
        ]
        if not waiting:
            return WorkPending(self._hosting.is_expiry_due(wall_ms))
        deadline_s = parts.ledger.genesis.genesis.parameters.inclusion_deadline_ms / 1000
        is_overdue = any(
            entry.received_at + deadline_s < now
            and entry.received_at + deadline_s < parts.roomy_block_at
            for entry in waiting
        )
        return WorkPending(True, is_overdue)
