"""Only the very process that is meant is ever signalled. With real processes."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from urbanchain.devnet.processes import (
    ProcessId,
    ProcessState,
    identify,
    send_signal,
    spawn,
    state_of,
    wait_gone,
)

SLEEPER = "import sys, signal; print('here', flush=True); signal.pause()"
DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('here', flush=True); signal.pause()"
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def sleeper(log: Path) -> Iterator[ProcessId]:
    process = spawn([sys.executable, "-c", SLEEPER], os.environ, log)
    yield process
    send_signal(process, signal.SIGKILL)
    wait_gone([process], 10)


def test_a_process_that_was_started_runs(sleeper: ProcessId) -> None:
    assert state_of(sleeper) is ProcessState.RUNNING


def test_a_process_runs_in_a_session_of_its_own(sleeper: ProcessId) -> None:
    assert os.getsid(sleeper.pid) == sleeper.pid


def test_a_killed_process_is_gone_and_leaves_no_zombie(sleeper: ProcessId) -> None:
    assert send_signal(sleeper, signal.SIGKILL)
    assert wait_gone([sleeper], 10) == []
    assert identify(sleeper.pid) is None


def test_a_stopped_process_is_paused_until_it_goes_on(sleeper: ProcessId) -> None:
    send_signal(sleeper, signal.SIGSTOP)
    os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED | os.WNOWAIT)
    assert state_of(sleeper) is ProcessState.PAUSED
    send_signal(sleeper, signal.SIGCONT)
    assert state_of(sleeper) is ProcessState.RUNNING


def test_another_process_with_the_same_number_is_never_signalled(sleeper: ProcessId) -> None:
    predecessor = replace(sleeper, birth="boot:1")
    assert state_of(predecessor) is ProcessState.GONE
    assert not send_signal(predecessor, signal.SIGKILL)
    assert state_of(sleeper) is ProcessState.RUNNING


def test_waiting_names_those_that_do_not_end(log: Path) -> None:
    deaf = spawn([sys.executable, "-c", DEAF], os.environ, log)
    try:
        assert wait_gone([deaf], 0.05) == [deaf]
    finally:
        send_signal(deaf, signal.SIGKILL)
        wait_gone([deaf], 10)


def test_what_a_process_says_goes_to_its_log(log: Path) -> None:
    process = spawn([sys.executable, "-c", "print('said')"], os.environ, log)
    assert wait_gone([process], 10) == []
    assert log.read_text() == "said\n"


def test_nothing_is_a_process_that_is_gone() -> None:
    assert state_of(None) is ProcessState.GONE
