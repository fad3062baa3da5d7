"""One life from beginning to end: faults without mercy, then healing and the demand for progress.

While faults last only safety is asked for. Then a core of honest hosts is healed, the rest stays
broken for ever, and all that was submitted must become final in the core, in bounded time and
views; last, all restart and every chain is verified from its first block by independent code.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from consensus import ReplicaSet, Timeouts
from tests.simulation.cluster import Cluster
from tests.simulation.hosts import MEMBERS, Clock, Host
from tests.simulation.invariants import require
from tests.simulation.ledger_host import LedgerHost, genesis_of, transfer, validator_key
from tests.simulation.liars import STRATEGIES, LiarsCluster, Message
from tests.simulation.options import Options

VIEW_S = 1.0
VIEW_MAX_S = 8.0
LIVE_WITHIN_S = 20 * VIEW_MAX_S
MESSAGES_PER_BLOCK_MAX = 12
"""Times n squared, Status included."""
Deed = Callable[[int], bytes]


class LevelA(LiarsCluster):
    """The core alone: messages travel as they are, and honest ones are not checked again."""

    def is_heard(self, source: Host, target: Host, message: Message) -> bool:
        """Only what comes from a liar is authenticated."""
        return source.index not in self.liars or super().is_heard(source, target, message)


class LevelB(LiarsCluster):
    """Core, codec, real signatures, journal and ledger on a store that crashes."""

    def make_keys(self, n: int) -> tuple[bytes, ...]:
        return tuple(validator_key(index).public_key for index in range(n))

    def make_host(self, index: int, keys: tuple[bytes, ...], first_set: ReplicaSet) -> Host:
        genesis = genesis_of(len(keys), first_set.rotation_blocks)
        self.genesis = genesis.hash
        return LedgerHost(index, keys, genesis, self.random)

    def deed(self, number: int) -> bytes:
        return transfer(self.genesis, number)


@dataclass
class Life:
    """A cluster, what befalls it, and what was asked of it."""

    options: Options
    cluster: LiarsCluster
    dice: random.Random
    deed: Deed
    submitted: list[bytes]

    def run(self) -> Cluster:
        """Raises InvariantBroken, with the seed and the step."""
        self._suffer()
        core = self._heal()
        self._demand(core)
        self._start_all_again(core)
        return self.cluster

    # -- safety -----------------------------------------------------------------------------------

    def _suffer(self) -> None:
        options, cluster, dice = self.options, self.cluster, self.dice
        for number in range(options.deeds):
            self._submit(number)
            if options.partitions != "none" and dice.random() < 0.5:
                self._partition()
            if dice.random() < options.kills:
                cluster.kill(dice.randrange(options.n))
            elif options.kills and dice.random() < 0.5:
                cluster.restart(dice.randrange(options.n))
            if dice.random() < options.pauses:
                cluster.pause(dice.randrange(options.n), dice.choice([0.5, 3, 10]))
            if options.forgetful and number == options.deeds // 2:
                self._forget(options.forgetful[0])
            cluster.run(dice.choice([0.005, 0.05, 0.5, 0.5, 3]))

    def _submit(self, number: int) -> None:
        options, cluster, dice = self.options, self.cluster, self.dice
        deed = self.deed(number)
        if dice.random() < options.reconfigurations:
            deed = self._draw_members()
        if deed in self.submitted:
            return
        self.submitted.append(deed)
        if dice.random() < options.lone_deeds:
            cluster.submit(deed, to=[dice.randrange(options.n)])
        else:
            cluster.submit(deed)

    def _draw_members(self) -> bytes:
        """A new order of the seats, and one seat fewer where f stays the same."""
        seats = self.dice.sample(range(self.options.n), self.options.n)
        if self.options.n in (5, 6, 8, 9) and self.dice.random() < 0.5:
            seats.pop()
        return MEMBERS + b",".join(b"%d" % seat for seat in seats)

    def _partition(self) -> None:
        links, dice, everyone = self.cluster.links, self.dice, set(range(self.options.n))
        links.join_all()
        if dice.random() < 0.3:
            return
        match self.options.partitions:
            case "uniform":
                part = {index for index in everyone if dice.random() < 0.5}
                links.split([part, everyone - part])
            case "isolate":
                alone = dice.choice(sorted(everyone))
                links.split([{alone}, everyone - {alone}])
            case "one way":
                deaf = dice.choice(sorted(everyone))
                ways = [(other, deaf) for other in everyone if other != deaf]
                links.cuts = set(ways if dice.random() < 0.5 else [(b, a) for a, b in ways])
            case _:
                pairs = [(a, b) for a in everyone for b in everyone if a != b]
                links.cuts = {pair for pair in pairs if dice.random() < 0.3}

    def _forget(self, index: int) -> None:
        """Its journal is lost, and some blocks with it."""
        host = self.cluster.hosts[index]
        self.cluster.kill(index)
        host.roll_back(self.dice.choice([0, 0, 1, 3]))
        self.cluster.restart(index, is_whole=False)

    # -- liveness ---------------------------------------------------------------------------------

    def _heal(self) -> list[int]:
        """Heal the core and break the rest for ever; the core."""
        options, cluster = self.options, self.cluster
        faulty = {*options.liars, *options.forgetful}
        honest = [index for index in range(options.n) if index not in faulty]
        lost = self.dice.sample(honest, options.lost_for_ever)
        core = [index for index in honest if index not in lost]
        for host in cluster.hosts:
            host.paused_until = 0.0
        cluster.heal()
        for index in range(options.n):
            if index in lost:
                cluster.kill(index)
            else:
                cluster.restart(index)
        for deed in self.submitted:
            cluster.submit(deed)
        return core

    def _demand(self, core: list[int]) -> None:
        options, cluster = self.options, self.cluster
        f = (options.n - 1) // 3
        before, epoch, height = self._view(core), self._epoch(core), cluster.height()
        cluster.expect_final_on(core, self.submitted, LIVE_WITHIN_S)
        first = cluster.invariants.canonical.get(height + 1)
        if first is not None and first.certificate.epoch == epoch:
            views = first.certificate.view - before
            if views > f + 2:
                cluster.fail(f"L2: {views} views until the first commit, more than f + 2")
        heights = {cluster.hosts[index].height for index in core}
        cluster.expect_height(max(heights), LIVE_WITHIN_S) if not options.liars else None
        if not options.liars and not options.lost_for_ever:
            self._count_messages(core)

    def _count_messages(self, core: list[int]) -> None:
        """L3: what a block costs when nothing goes wrong."""
        cluster, sent, height = self.cluster, self.cluster.traffic, self.cluster.height()
        for number in range(3):
            cluster.submit(self.deed(1000 + number))
            cluster.expect_final_on(core, [self.deed(1000 + number)], LIVE_WITHIN_S)
        blocks = cluster.height() - height
        most = MESSAGES_PER_BLOCK_MAX * self.options.n**2 * blocks
        if cluster.traffic - sent > most:
            cluster.fail(f"L3: {cluster.traffic - sent} messages for {blocks} blocks")

    def _start_all_again(self, core: list[int]) -> None:
        cluster = self.cluster
        for index in core:
            cluster.kill(index)
        for index in core:
            cluster.restart(index)
        cluster.submit(self.deed(2000))
        cluster.expect_final_on(core, [self.deed(2000)], LIVE_WITHIN_S)
        for index in core:
            verify_chain(cluster.hosts[index])
        compare_ledgers([cluster.hosts[index] for index in core])

    def _view(self, core: list[int]) -> int:
        replicas = [self.cluster.hosts[index].replica for index in core]
        return max((replica.view for replica in replicas if replica is not None), default=0)

    def _epoch(self, core: list[int]) -> int:
        return max(self.cluster.hosts[index].replica_set.epoch for index in core)


def compare_ledgers(hosts: list[Host]) -> None:
    """I8: equal rows at equal heights, and the balance that the transactions add up to."""
    dumps: dict[int, dict[bytes, bytes]] = {}
    for host in hosts:
        if isinstance(host, LedgerHost):
            first = dumps.setdefault(host.height, host.dump())
            require(host.dump() == first, f"I8: the rows of {host.index} differ from another's")
            require(host.paid() == len(host.final), f"I8: bob has {host.paid()} too many")


def verify_chain(host: Host) -> None:
    """I5, by code that shares nothing with the certificates' own: every block follows its parent
    and has a quorum's signatures."""
    parent, replica_set = host.genesis, host.first_set
    for height, block in enumerate(host.chain, 1):
        certificate = block.certificate
        require(host.parent_of(block) == parent, f"block {height} does not follow its parent")
        require(certificate.digest == block.digest, f"block {height} has another's certificate")
        require(certificate.height == height, f"block {height} is certified elsewhere")
        signers = set()
        for seat, signature in certificate.signatures:
            key = replica_set.members[seat]
            numbers = (replica_set.epoch, height, certificate.view)
            place = b"".join(number.to_bytes(8, "big") for number in numbers)
            tag = b"urbanchain/vote/commit"
            said = bytes([len(tag)]) + tag + host.genesis + place + bytes([len(key)]) + key
            require(
                all(host.scheme.verify([(key, said + block.digest, signature)])),
                f"block {height}: seat {seat} did not sign",
            )
            signers.add(key)
        f = (len(replica_set.members) - 1) // 3
        quorum = -(-(len(replica_set.members) + f + 1) // 2)
        require(len(signers) >= quorum, f"block {height} has {len(signers)} signers")
        parent, replica_set = block.digest, host.sets[height - 1]


def begin(seed: int, options: Options, make: type[LiarsCluster] = LevelA) -> Life:
    """The life of a seed under some options, not yet lived."""
    dice = random.Random(f"life {seed}")
    strategies = [strategy for strategy in STRATEGIES if strategy.__name__ in options.strategies]
    cluster = make(
        options.liars, strategies, options.n, seed, options.faults, options.rotation_blocks
    )
    cluster.invariants.liars |= set(options.forgetful)
    cluster.timeouts = Timeouts(view_s=VIEW_S, view_max_s=VIEW_MAX_S)
    if options.drift_ppm:
        for host in cluster.hosts:
            rate = 1 + dice.uniform(-options.drift_ppm, options.drift_ppm) / 1_000_000
            host.clock = Clock(dice.uniform(0, 1000), rate)
    return Life(options, cluster, dice, cluster.deed, [])
