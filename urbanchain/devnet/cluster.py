"""What can be done to a devnet as a whole: create, start, stop, remove, look at.

Everything that changes one holds its lock; so two commands never work against each other.
"""

import http.client
import json
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urbanchain.devnet import lock
from urbanchain.devnet.errors import DevnetMissing, NodeFailed, PortsTaken
from urbanchain.devnet.nodes import (
    POLL_S,
    PROBE_TIMEOUT_S,
    READY_TIMEOUT_S,
    OnReady,
    is_any_running,
    kill_processes,
    start_nodes,
    stop_nodes,
    wait_ready,
)
from urbanchain.devnet.ports import HOST, find_ports, find_taken, is_free
from urbanchain.devnet.processes import ProcessState, send_signal, state_of
from urbanchain.devnet.state import DevnetState, NodeEntry, load_state

STOPPED, PAUSED, UNREACHABLE = "stopped", "paused", "unreachable"
"""States of a node that it cannot tell itself; the others are the API's."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """How to start a devnet."""

    validators: int = 4
    accounts: int = 10
    seed: str = "dev"
    base_port: int = 7000
    """0: any whose ports are free."""
    timeout_s: float = READY_TIMEOUT_S
    on_ready: OnReady = field(default=lambda name, seconds: None)


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node as it is now."""

    entry: NodeEntry
    pid: int | None
    """None if it does not run."""
    state: str
    status: dict[str, Any]
    """The API's status document; empty if it gave none."""


def bring_up(directory: Path, options: UpOptions) -> tuple[DevnetState, bool]:
    """The devnet of a directory, made if there is none, with every node running and ready; and
    whether it ran already.

    Raises PortsTaken, NotADevnet, NodeFailed (and then stops what it started), DevnetBusy."""
    directory.mkdir(parents=True, exist_ok=True)
    with lock.hold(directory, options.timeout_s + lock.TIMEOUT_S):
        try:
            state = load_state(directory)
        except DevnetMissing:
            state = _create(directory, options)
        else:
            if all(state_of(node.process) is not ProcessState.GONE for node in state.nodes):
                return state, True
            _check_ports(state)
        was_idle = not is_any_running(state)
        state = start_nodes(state, state.nodes)
        try:
            wait_ready(state, state.nodes, options.timeout_s, options.on_ready)
        except BaseException:
            if was_idle:
                stop_nodes(state.nodes)
            raise
    return state, False


def _create(directory: Path, options: UpOptions) -> DevnetState:
    # Only here: the models and curves this needs take longer to load than most commands run.
    from urbanchain.devnet.files import Blueprint, write_devnet

    blueprint = Blueprint(options.validators, options.accounts, options.seed)
    try:
        ports = find_ports(options.base_port, options.validators)
        return write_devnet(directory, blueprint, ports)
    except BaseException:
        (directory / lock.FILE_NAME).unlink(missing_ok=True)
        if not any(directory.iterdir()):
            directory.rmdir()
        raise


def _check_ports(state: DevnetState) -> None:
    """Raises PortsTaken if someone else listens where a stopped node would."""
    stopped = [n for n in state.nodes if state_of(n.process) is ProcessState.GONE]
    taken = find_taken(((node.name, node.ports) for node in stopped), is_free)
    if taken:
        raise PortsTaken(taken)


def take_down(directory: Path, *, keep: bool = False) -> list[str]:
    """Stop every node and, unless `keep`, remove the devnet. The names of nodes that had to be
    killed. Raises DevnetMissing."""
    from urbanchain.devnet.files import remove_devnet

    load_state(directory)
    with lock.hold(directory):
        state = load_state(directory)
        killed = stop_nodes(state.nodes)
        if not keep:
            remove_devnet(directory)
    return killed


def kill_nodes(directory: Path, wanted: Sequence[str]) -> list[tuple[NodeEntry, bool]]:
    """SIGKILL nodes, and whether each was alive. Raises UnknownNode, DevnetMissing."""
    load_state(directory)
    with lock.hold(directory):
        state = load_state(directory)
        nodes = [state.find_node(one) for one in wanted]
        alive = [n.process for n in nodes if n.process and _is_alive(n)]
        kill_processes(alive)
        return [(node, node.process in alive) for node in nodes]


def signal_nodes(
    directory: Path, wanted: Sequence[str], number: signal.Signals
) -> list[tuple[NodeEntry, bool]]:
    """Send a signal to nodes, and whether each was alive. Raises UnknownNode, DevnetMissing."""
    load_state(directory)
    with lock.hold(directory):
        state = load_state(directory)
        nodes = [state.find_node(one) for one in wanted]
        return [(n, n.process is not None and send_signal(n.process, number)) for n in nodes]


def restart_nodes(
    directory: Path, wanted: Sequence[str], timeout_s: float, on_ready: OnReady
) -> list[NodeEntry]:
    """Stop nodes that run, start them again, and wait until they are level with the others.

    Raises UnknownNode, NodeFailed, DevnetMissing."""
    load_state(directory)
    with lock.hold(directory):
        state = load_state(directory)
        names = [state.find_node(one).name for one in wanted]
        stop_nodes([state.find_node(name) for name in names])
        state = start_nodes(state, [state.find_node(name) for name in names])
        nodes = [state.find_node(name) for name in names]
        target = max((_height(v) for v in view_nodes(state) if v.entry not in nodes), default=0)
        wait_ready(state, nodes, timeout_s, on_ready)
        wait_height(state, nodes, target, timeout_s)
        return nodes


def wait_height(
    state: DevnetState, nodes: Sequence[NodeEntry], height: int, timeout_s: float
) -> None:
    """Wait until nodes have reached a height. Raises NodeFailed."""
    deadline = time.monotonic() + timeout_s
    for node in nodes:
        while _height(_view(node)) < height:
            if time.monotonic() > deadline or not _is_alive(node):
                reason = f"did not reach height {height} within {timeout_s:g} s"
                raise NodeFailed(node.name, reason, state.log(node))
            time.sleep(POLL_S)


def view_nodes(state: DevnetState) -> list[NodeView]:
    """Every node as it is now, asked at the same time."""
    with ThreadPoolExecutor(len(state.nodes)) as pool:
        return list(pool.map(_view, state.nodes))


def _view(node: NodeEntry) -> NodeView:
    process_state = state_of(node.process)
    if node.process is None or process_state is ProcessState.GONE:
        return NodeView(node, None, STOPPED, {})
    if process_state is ProcessState.PAUSED:
        return NodeView(node, node.process.pid, PAUSED, {})
    status = _fetch_status(node)
    return NodeView(node, node.process.pid, str(status.get("state", UNREACHABLE)), status)


def _fetch_status(node: NodeEntry) -> dict[str, Any]:
    connection = http.client.HTTPConnection(HOST, node.ports.api, timeout=PROBE_TIMEOUT_S)
    with closing(connection):
        try:
            connection.request("GET", "/v1/status")
            answer = connection.getresponse()
            document = json.loads(answer.read(1 << 20))
        except (OSError, http.client.HTTPException, ValueError):
            return {}
    return document if isinstance(document, dict) and answer.status == 200 else {}


def _height(view: NodeView) -> int:
    return int(view.status.get("height", 0))


def _is_alive(node: NodeEntry) -> bool:
    return state_of(node.process) is not ProcessState.GONE
