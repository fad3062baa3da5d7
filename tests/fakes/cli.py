"""The command line in this process, and a devnet directory whose one node is an InstantNode behind
a real listener.
"""

import asyncio
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.backend import InstantNode
from tests.fakes.chains import PEOPLE, account_key
from urbanchain.addresses import format_address
from urbanchain.api.app import ListenerConfig, open_api
from urbanchain.cli.root import run
from urbanchain.devnet.ports import Ports
from urbanchain.devnet.state import AccountEntry, DevnetState, NodeEntry, save_state
from urbanchain.keys import write_key


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def urbanchain(*arguments: object) -> Outcome:
    """Run one command here."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    return Outcome(code, out.getvalue(), err.getvalue())


def write_devnet_state(directory: Path, node: InstantNode, port: int) -> DevnetState:
    """A devnet of PEOPLE whose validators all are the node behind this port."""
    keys = directory / "keys"
    keys.mkdir(parents=True)
    accounts = []
    for name, (agency, roles) in PEOPLE.items():
        key = account_key(name)
        write_key(keys / f"{name}.key", key, "account", None)
        address = format_address(key.address)
        accounts.append(AccountEntry(name, agency, address, tuple(roles), 1_000_000))
    (directory / "genesis.json").write_bytes(node.genesis.raw)
    validators = node.genesis.genesis.validators
    entries = tuple(NodeEntry(v.name, v.agency, Ports(1, port, 1), None) for v in validators)
    genesis_hash = node.genesis.hash.hex()
    state = DevnetState(directory, "tests", "tests", genesis_hash, entries, tuple(accounts))
    save_state(state)
    return state


@contextmanager
def served(node: InstantNode) -> Iterator[int]:
    """The node behind a listener of its own thread; the port."""
    ready: list[int] = []
    started, stopped = threading.Event(), threading.Event()

    async def serve() -> None:
        async with open_api(ListenerConfig(), node) as listener:
            ready.append(urlsplit(listener.url).port or 0)
            started.set()
            await asyncio.to_thread(stopped.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield ready[0]
    finally:
        stopped.set()
        thread.join()


def living_node(**options: Any) -> InstantNode:
    """A node whose clock is the machine's, as the commands' is."""
    return InstantNode(now_ms=lambda: time.time_ns() // 1_000_000, **options)
