"""Ports are laid out by rule, checked before use, and found when nobody cares which."""

import socket
from collections.abc import Iterator

import pytest

from urbanchain.devnet.errors import PortsTaken
from urbanchain.devnet.ports import ANY_BASE, API_OFFSET, HOST, find_ports, is_free, ports_from


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_validator_two_listens_two_hundred_above_validator_zero() -> None:
    ports = ports_from(7000, 2)
    assert (ports.p2p, ports.api, ports.ops) == (7270, 7280, 7290)


def test_a_port_that_somebody_listens_on_is_not_free(taken_port: int) -> None:
    assert not is_free(taken_port)


def test_a_base_with_a_taken_port_is_refused_by_name(taken_port: int) -> None:
    with pytest.raises(PortsTaken) as caught:
        find_ports(taken_port - API_OFFSET, 1)
    assert ("validator-0's api", taken_port) in caught.value.taken


def test_any_base_finds_free_ports_no_two_alike() -> None:
    found = find_ports(ANY_BASE, 4)
    numbers = [port for ports in found for port in (ports.p2p, ports.api, ports.ops)]
    assert len(set(numbers)) == 12
    assert all(is_free(port) for port in numbers)
