"""Starting, signalling and watching the validator processes of a devnet."""

import contextlib
import http.client
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import urbanchain
from urbanchain.devnet.errors import NodeFailed
from urbanchain.devnet.ports import HOST
from urbanchain.devnet.processes import (
    ProcessId,
    ProcessState,
    send_signal,
    spawn,
    state_of,
    wait_gone,
)
from urbanchain.devnet.state import DevnetState, NodeEntry, save_state

STOP_TIMEOUT_S = 10.0
"""How long a node may take to stop when it is asked; then it is killed."""
READY_TIMEOUT_S = 30.0
PROBE_TIMEOUT_S = 2.0
POLL_S = 0.02
_RUN_NAME = "run.json"
_TAIL_LINES = 5
_TAIL_BYTES = 16 * 1024

OnReady = Callable[[str, float], None]
"""Called with a node's name and the seconds it took to be ready."""


def start_nodes(state: DevnetState, nodes: Sequence[NodeEntry]) -> DevnetState:
    """Start those that do not run; the state with their processes, saved after each one."""
    for node in nodes:
        if state_of(node.process) is ProcessState.GONE:
            home = state.home(node)
            # The file is the node's promise that it serves; that of a killed one is stale.
            (home / _RUN_NAME).unlink(missing_ok=True)
            process = spawn(_command(home), _environment(), state.log(node))
            state = state.with_process(node.name, process)
            save_state(state)
    return state


def wait_ready(
    state: DevnetState,
    nodes: Sequence[NodeEntry],
    timeout_s: float = READY_TIMEOUT_S,
    on_ready: OnReady = lambda name, seconds: None,
) -> None:
    """Wait until each of the nodes serves, is level with the others, and hears a quorum.

    Raises NodeFailed for the first that ended, or was not ready in time."""
    started = time.monotonic()
    waiting = list(nodes)
    while waiting:
        for node in list(waiting):
            reason = _why_not_ready(state, node)
            elapsed_s = time.monotonic() - started
            if not reason:
                waiting.remove(node)
                on_ready(node.name, elapsed_s)
            elif state_of(node.process) is ProcessState.GONE:
                raise _failed(state, node, "ended before it was ready")
            elif elapsed_s > timeout_s:
                raise _failed(state, node, f"was not ready after {timeout_s:g} s: {reason}")
        if waiting:
            time.sleep(POLL_S)


def stop_nodes(nodes: Sequence[NodeEntry], timeout_s: float = STOP_TIMEOUT_S) -> list[str]:
    """Stop nodes: asked first, killed after a while. The names of those that had to be killed."""
    running = {node.process: node.name for node in nodes if node.process is not None}
    for process in running:
        # A paused process hears SIGTERM only once it goes on.
        if send_signal(process, signal.SIGTERM):
            send_signal(process, signal.SIGCONT)
    stubborn = wait_gone(running, timeout_s)
    kill_processes(stubborn)
    return [running[process] for process in stubborn]


def kill_processes(processes: Sequence[ProcessId]) -> None:
    """SIGKILL, and wait until they are gone."""
    for process in processes:
        send_signal(process, signal.SIGKILL)
    wait_gone(processes, STOP_TIMEOUT_S)


def is_any_running(state: DevnetState) -> bool:
    """Whether a process of the devnet is alive."""
    return any(state_of(node.process) is not ProcessState.GONE for node in state.nodes)


def read_tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - max(_TAIL_BYTES, lines * 2048)))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


def _why_not_ready(state: DevnetState, node: NodeEntry) -> str:
    """Empty if it is ready."""
    if not (state.home(node) / _RUN_NAME).exists():
        return "it does not serve yet"
    connection = http.client.HTTPConnection(HOST, node.ports.ops, timeout=PROBE_TIMEOUT_S)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/readyz?max_behind=0&min_voting=1")
            answer = connection.getresponse()
            text = answer.read(4096).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            return f"its health check does not answer ({error})"
    return "" if answer.status == 200 else text


def _failed(state: DevnetState, node: NodeEntry, reason: str) -> NodeFailed:
    log = state.log(node)
    return NodeFailed(node.name, reason, log, tuple(read_tail(log, _TAIL_LINES)))


def _command(home: Path) -> list[str]:
    return [sys.executable, "-m", "urbanchain", "node", "run", "--home", str(home.resolve())]


def _environment() -> dict[str, str]:
    """Ours, without what would override every node.toml alike, and with the way to our package."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("URBANCHAIN_")}
    root = str(Path(urbanchain.__file__).resolve().parent.parent)
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (root, kept.get("PYTHONPATH", ""))))
    return kept
