"""Devnets that `devnet up` has no options for: other rules of the chain, a clock that is wrong."""

from dataclasses import replace
from pathlib import Path

from urbanchain.devnet import cluster
from urbanchain.devnet.files import Blueprint, write_devnet
from urbanchain.devnet.ports import ANY_BASE, find_ports
from urbanchain.devnet.state import save_state
from urbanchain.genesis import parse_genesis, render_genesis
from urbanchain.types import compute_genesis_hash

DIRECTORY = ".devnet"
"""Where the commands look for a devnet, below the directory that they are run in."""

_CLOCK = """
import sys
import time

OFFSETS_MS = {offsets}
home = sys.orig_argv[-1].rpartition("/")[2]
if home in OFFSETS_MS:
    real_s, real_ns, ms = time.time, time.time_ns, OFFSETS_MS[home]
    time.time = lambda: real_s() + ms / 1000
    time.time_ns = lambda: real_ns() + ms * 1_000_000
"""


def bring_up_with(directory: Path, **parameters: int) -> None:
    """Start four validators of a genesis with other parameters."""
    directory.mkdir()
    blueprint = Blueprint()
    state = write_devnet(directory, blueprint, find_ports(ANY_BASE, blueprint.validators))
    genesis = parse_genesis(state.genesis.read_bytes()).genesis
    rules = genesis.parameters.model_copy(update=parameters)
    content = render_genesis(genesis.model_copy(update={"parameters": rules}))
    state.genesis.write_bytes(content)
    save_state(replace(state, genesis_hash=compute_genesis_hash(content).hex()))
    cluster.bring_up(directory, cluster.UpOptions())


def write_clocks(directory: Path, offsets_ms: dict[str, int]) -> Path:
    """A directory for PYTHONPATH: with it, the wall clocks of the named validators are wrong."""
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(_CLOCK.format(offsets=offsets_ms))
    return directory
