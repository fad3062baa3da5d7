"""Which ports a devnet's validators listen on, all on loopback, and whether they are free."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from secrets import randbelow

from urbanchain.devnet.errors import PortsTaken

HOST = "127.0.0.1"
P2P_OFFSET, API_OFFSET, OPS_OFFSET, STRIDE = 70, 80, 90, 100
ANY_BASE = 0
"""As a base port: any whose ports are free."""
BASES = range(10_000, 28_000)
"""Where a free base is looked for: below the ports that systems hand to outgoing connections, one
of which could otherwise sit where a stopped node wants to listen again."""
_TRIES = 200


@dataclass(frozen=True, slots=True)
class Ports:
    """Where one validator listens."""

    p2p: int
    api: int
    ops: int


def ports_from(base: int, index: int) -> Ports:
    """Validator i listens on base+70+100i (links), base+80+100i (API), base+90+100i (health)."""
    start = base + STRIDE * index
    return Ports(start + P2P_OFFSET, start + API_OFFSET, start + OPS_OFFSET)


def find_ports(base: int, count: int) -> tuple[Ports, ...]:
    """The ports of `count` validators from a base, or from any free one for ANY_BASE.

    Raises PortsTaken, which names every port in use."""
    if base != ANY_BASE:
        chosen = tuple(ports_from(base, index) for index in range(count))
        taken = find_taken(_name(chosen), is_free)
        if taken:
            raise PortsTaken(taken)
        return chosen
    for _ in range(_TRIES):
        candidate = BASES.start + randbelow(len(BASES))
        chosen = tuple(ports_from(candidate, index) for index in range(count))
        if not find_taken(_name(chosen), is_free):
            return chosen
    raise PortsTaken((("every base that was tried", BASES.start),))


def find_taken(
    chosen: Iterable[tuple[str, Ports]], is_port_free: Callable[[int], bool]
) -> tuple[tuple[str, int], ...]:
    """Which uses of the named validators collide with something, and at which port."""
    return tuple(
        (f"{name}'s {use}", port)
        for name, ports in chosen
        for use, port in (("p2p", ports.p2p), ("api", ports.api), ("ops", ports.ops))
        if not is_port_free(port)
    )


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def _name(chosen: Iterable[Ports]) -> Iterable[tuple[str, Ports]]:
    return ((f"validator-{index}", ports) for index, ports in enumerate(chosen))
