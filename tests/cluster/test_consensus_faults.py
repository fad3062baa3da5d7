"""Four real validators lose their primary, their quorum, one of them for good; and what must not
disturb them.

How long commits stop is measured by `python -m bench.failover`; here the bounds on time are wide,
since a machine that runs tests is busy, and those on views and heights are exact.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.failures import Absence, kill_primary, leave_and_return
from bench.observing import Experiment, observe
from tests.cluster.devnets import DIRECTORY, bring_up_with, write_clocks
from tests.cluster.shell import Shell
from urbanchain.client import Client, Key, RequestFailed
from urbanchain.devnet import cluster
from urbanchain.devnet.state import DevnetState, load_state

pytestmark = pytest.mark.cluster
VIEW_TIMEOUT_S = 2.0
FAULTY = 1
AWAY_S = 10.0
IDLE_S = 10.0
BUSY_MACHINE_S = 4.0
ROTATION_BLOCKS = 5


@pytest.fixture
def experiment(devnet: Shell) -> Iterator[Experiment]:
    with observe(devnet.directory / DIRECTORY) as experiment:
        yield experiment


def transfer(state: DevnetState, node: int) -> int:
    """The height at which a transfer, given to one validator only, became final there."""
    key = Key.load(state.directory / state.accounts[0].key_file)
    with Client(state.nodes[node].api, key=key) as client:
        return client.transfer(state.accounts[1].address, 1).final(timeout=20).height


def views(state: DevnetState) -> set[int]:
    return {node.status["view"] for node in cluster.view_nodes(state)}


def wait_until_level(state: DevnetState, within_s: float = 20.0) -> int:
    """The height that all validators have reached, with nothing left to do."""
    deadline = time.monotonic() + within_s
    while True:
        statuses = [node.status for node in cluster.view_nodes(state)]
        heads = {(s.get("height"), s.get("hash"), s.get("pending")) for s in statuses}
        if len(heads) == 1 and statuses[0].get("pending") == 0:
            return int(statuses[0]["height"])
        assert time.monotonic() < deadline, heads
        time.sleep(0.05)


def files(state: DevnetState) -> dict[str, tuple[int, int]]:
    """Size and time of the last write of everything in the homes: databases and logs."""
    homes = [path for node in state.nodes for path in state.home(node).rglob("*")]
    found = [(path, path.stat()) for path in homes if path.is_file()]
    return {str(path): (stat.st_size, stat.st_mtime_ns) for path, stat in found}


def test_three_primaries_killed_under_load_cost_one_view_each(experiment: Experiment) -> None:
    found = [kill_primary(experiment) for _ in range(3)]
    assert [one.view_after - one.view_before for one in found] == [1, 1, 1]
    assert max(one.gap_s for one in found) < VIEW_TIMEOUT_S + BUSY_MACHINE_S
    experiment.use(())
    wait_until_level(experiment.state)


def check_return(experiment: Experiment, found: Absence) -> None:
    assert found.blocks_meanwhile == 0
    assert found.first_block_s < 5 + BUSY_MACHINE_S
    assert found.view_after <= found.view_before + FAULTY + 2
    experiment.use(())
    wait_until_level(experiment.state)


def test_two_of_four_that_hang_for_long_go_on_without_a_restart(experiment: Experiment) -> None:
    processes = [node.process for node in experiment.state.nodes]
    check_return(experiment, leave_and_return(experiment, AWAY_S, is_crash=False))
    assert [node.process for node in experiment.state.nodes] == processes
    assert all(view.pid is not None for view in cluster.view_nodes(experiment.state))


def test_two_of_four_that_were_killed_and_started_again_go_on(experiment: Experiment) -> None:
    check_return(experiment, leave_and_return(experiment, AWAY_S, is_crash=True))


def test_an_idle_chain_writes_nothing(devnet: Shell) -> None:
    state = load_state(devnet.directory / DIRECTORY)
    transfer(state, 0)
    height = wait_until_level(state)
    time.sleep(1)
    before = files(state)
    time.sleep(IDLE_S)
    assert files(state) == before
    assert wait_until_level(state) == height
    assert views(state) == {0}
    transfer(state, 0)
    assert files(state) != before


def final_view(height: int, absent: int) -> int:
    """The view in which `height` is decided if an absent primary costs one view a tenure."""
    view = 0
    for tenure in range(height // ROTATION_BLOCKS + 1):
        view += (view + tenure) % 4 == absent
    return view


def test_one_validator_down_for_good_costs_at_most_one_view_per_tenure_of_its_own(
    shell: Shell,
) -> None:
    directory = shell.directory / DIRECTORY
    bring_up_with(directory, rotation_blocks=ROTATION_BLOCKS)
    with observe(directory) as experiment:
        watch = experiment.watch
        experiment.spare(["validator-3"])
        cluster.kill_nodes(directory, ["validator-3"])
        experiment.wait_for_blocks(11 * ROTATION_BLOCKS)
        # Two of its tenures at least; each block was first seen when it was new.
        assert final_view(watch.sightings[-1].height, absent=3) >= 2
        assert [s for s in watch.sightings if s.view > final_view(s.height, absent=3)] == []


def test_a_transaction_given_to_one_validator_only_is_final_and_deposes_nobody(
    devnet: Shell,
) -> None:
    state = load_state(devnet.directory / DIRECTORY)
    assert [transfer(state, node) for node in range(4)] == [1, 2, 3, 4]
    assert wait_until_level(state) == 4
    assert views(state) == {0}


@pytest.mark.parametrize("offset_ms", [3_600_000, -3_600_000], ids=["ahead", "behind"])
def test_a_backup_whose_clock_is_an_hour_wrong_deposes_nobody(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offset_ms: int
) -> None:
    clocks = write_clocks(tmp_path / "clocks", {"validator-3": offset_ms})
    monkeypatch.setenv("PYTHONPATH", str(clocks))
    directory = shell.directory / DIRECTORY
    bring_up_with(directory)
    state = load_state(directory)
    with pytest.raises(RequestFailed):
        transfer(state, 3)
    began = time.monotonic()
    while time.monotonic() < began + 2 * VIEW_TIMEOUT_S:
        height = transfer(state, 1)
    assert wait_until_level(state) == height
    assert views(state) == {0}
