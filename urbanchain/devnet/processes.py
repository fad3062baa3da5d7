"""Processes by an identity that outlives this one: a number, and when that process was born.

A number alone is recycled. So nothing is signalled unless its birth is the recorded one, checked
while a file descriptor holds on to the very process that then gets the signal.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

POLL_S = 0.01
_BIRTH_FIELD = 19
"""Of /proc/PID/stat behind the command's name: starttime (proc_pid_stat(5) field 22)."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process, and never another."""

    pid: int
    birth: str
    """The system's boot and the ticks since then: opaque, only ever compared."""


class ProcessState(Enum):
    """What a process is doing."""

    RUNNING = "running"
    PAUSED = "paused"
    GONE = "gone"


def identify(pid: int) -> ProcessId | None:
    """The process that has this number now; None if there is none."""
    found = _look(pid)
    return None if found is None else ProcessId(pid, found[1])


def state_of(process: ProcessId | None) -> ProcessState:
    """What became of a process. One that ended and was not waited for is gone."""
    if process is None:
        return ProcessState.GONE
    _reap(process.pid)
    found = _look(process.pid)
    if found is None or found[1] != process.birth or found[0] in "ZX":
        return ProcessState.GONE
    return ProcessState.PAUSED if found[0] in "Tt" else ProcessState.RUNNING


def send_signal(process: ProcessId, number: signal.Signals) -> bool:
    """Signal exactly this process; False if it is gone."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    except (AttributeError, OSError):
        return _signal_by_number(process, number)
    try:
        if state_of(process) is ProcessState.GONE:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def _signal_by_number(process: ProcessId, number: signal.Signals) -> bool:
    """For systems without process descriptors: check, then signal at once."""
    if state_of(process) is ProcessState.GONE:
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def wait_gone(processes: Iterable[ProcessId], timeout_s: float) -> list[ProcessId]:
    """Wait until they have all ended; those that have not after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    left = list(processes)
    while True:
        left = [process for process in left if state_of(process) is not ProcessState.GONE]
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(POLL_S)


def spawn(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> ProcessId:
    """Start a process in a session of its own, so that it outlives the terminal; what it says is
    appended to `log`. Raises OSError."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        arguments[0],
        list(arguments),
        dict(environment),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    process = identify(pid)
    if process is None:
        raise ProcessLookupError(f"process {pid} ended before it began")
    return process


def _reap(pid: int) -> None:
    """Take note of the end of a child of ours; another's child is not ours to wait for."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _look(pid: int) -> tuple[str, str] | None:
    """(state letter, birth) of the process of this number."""
    if not sys.platform.startswith("linux"):
        return _look_with_ps(pid)
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name stands in brackets and may hold anything, brackets too.
    fields = text.rpartition(")")[2].split()
    return fields[0], f"{boot}:{fields[_BIRTH_FIELD]}"


def _look_with_ps(pid: int) -> tuple[str, str] | None:
    command = ["ps", "-o", "state=,lstart=", "-p", str(pid)]
    line = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    state, _, birth = line.partition(" ")
    return (state[0], birth.strip()) if state else None
