"""Logs of a devnet's nodes, merged by time, for people or as they were written."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from urbanchain.devnet.nodes import read_tail
from urbanchain.devnet.state import DevnetState, NodeEntry

_POLL_S = 0.2
_STANDARD = ("time", "level", "logger", "event", "exception")


def print_logs(
    state: DevnetState, nodes: Sequence[NodeEntry], lines: int, *, is_raw: bool
) -> dict[str, int]:
    """Print the last lines of each node in the order of time; where each log ended."""
    places = {node.name: _size(state.log(node)) for node in nodes}
    found = [(line, node.name) for node in nodes for line in read_tail(state.log(node), lines)]
    for line, name in sorted(found, key=lambda item: _time(item[0])):
        _print(line, name, is_raw=is_raw)
    return places


def follow_logs(state: DevnetState, places: dict[str, int], *, is_raw: bool) -> None:
    """Print what is written from these places on, until interrupted or the devnet is gone."""
    partial = dict.fromkeys(places, b"")
    while state.directory.exists():
        for name in places:
            path = state.log(state.find_node(name))
            data = _read_from(path, places[name])
            places[name] += len(data)
            *whole, partial[name] = (partial[name] + data).split(b"\n")
            for line in whole:
                _print(line.decode("utf-8", "replace"), name, is_raw=is_raw)
        time.sleep(_POLL_S)


def format_line(line: str, name: str) -> str:
    """One event for a person; a line that is no event, as it is."""
    event = _parse(line)
    if event is None:
        return f"{name}  {line}"
    fields = "  ".join(f"{key}={value}" for key, value in event.items() if key not in _STANDARD)
    text = (
        f"{str(event.get('time', ''))[11:23]}  {name}  {event.get('level', ''):7}"
        f" {event.get('logger', '')}  {event.get('event', '')}  {fields}".rstrip()
    )
    return f"{text}\n{event['exception']}" if "exception" in event else text


def _print(line: str, name: str, *, is_raw: bool) -> None:
    sys.stdout.write((line if is_raw else format_line(line, name)) + "\n")
    sys.stdout.flush()


def _parse(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _time(line: str) -> str:
    event = _parse(line)
    return "" if event is None else str(event.get("time", ""))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read_from(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return b""
