"""Logs of several nodes are one story."""

from pathlib import Path

import pytest

from urbanchain.cli.devnet_logs import format_line, print_logs
from urbanchain.devnet.nodes import read_tail
from urbanchain.devnet.ports import Ports
from urbanchain.devnet.state import DevnetState, NodeEntry


def event(second: int, text: str) -> str:
    return f'{{"time": "2026-11-24T12:00:0{second}.000Z", "level": "info", "event": "{text}"}}\n'


@pytest.fixture
def state(tmp_path: Path) -> DevnetState:
    nodes = tuple(NodeEntry(f"validator-{i}", "water", Ports(1, 2, 3), None) for i in range(2))
    state = DevnetState(tmp_path, "dev", "dev", "00" * 32, nodes, ())
    for node, seconds in zip(nodes, ((1, 4), (2, 3)), strict=True):
        state.home(node).mkdir()
        state.log(node).write_text("".join(event(s, f"at {s}") for s in seconds))
    return state


def test_events_of_all_nodes_come_in_the_order_of_time(
    state: DevnetState, capsys: pytest.CaptureFixture[str]
) -> None:
    print_logs(state, state.nodes, 20, is_raw=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("at ")[1] for line in lines] == ["1", "2", "3", "4"]


def test_the_last_lines_are_the_tail(state: DevnetState) -> None:
    assert read_tail(state.log(state.nodes[0]), 1) == [event(4, "at 4").rstrip()]


def test_a_log_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert read_tail(tmp_path / "none", 5) == []


def test_an_event_is_told_with_its_fields() -> None:
    line = '{"time": "2026-11-24T12:00:01.500Z", "level": "info", "logger": "driver",'
    line += ' "event": "block committed", "height": 3}'
    told = format_line(line, "validator-0")
    assert told == "12:00:01.500  validator-0  info    driver  block committed  height=3"


def test_a_line_that_is_no_event_is_told_as_it_is() -> None:
    assert format_line("Traceback", "validator-0") == "validator-0  Traceback"
