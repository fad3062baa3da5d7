"""Running a validator: start, say so, serve until told to stop, and end with an exit code that
means something.

Exit codes: 0 stopped as asked, 1 something failed (named in one line), 7 wrong password, 8 corrupt
data, 78 invalid configuration.
"""

import asyncio
import gc
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from p2p import ListenFailed
from storage.errors import StorageError, StoreCorrupt, StoreLocked, StoreMissing
from storage.leveldb import LevelDBStore
from urbanchain import __version__
from urbanchain.api.app import Listener, ListenerConfig, open_api, open_ops
from urbanchain.api.calls import ApiLimits
from urbanchain.api.connections import ConnectionLimits
from urbanchain.config import Endpoint, NodeConfig, parse_endpoint
from urbanchain.errors import ConfigurationError
from urbanchain.keys import WrongPassword
from urbanchain.ledger.chain import DivergentState
from urbanchain.logs import configure_logs
from urbanchain.node.assembly import Running, assemble, open_store
from urbanchain.node.backend import NodeBackend
from urbanchain.node.home import RUN_FILE, Home, load_home

log = logging.getLogger("node")
EXIT_OK, EXIT_FAILED, EXIT_PASSWORD, EXIT_CORRUPT, EXIT_CONFIGURATION = 0, 1, 7, 8, 78


def run_node(directory: Path) -> int:
    """Run the validator of a home directory until SIGTERM or SIGINT; the process's exit code."""
    try:
        home = load_home(directory)
        configure_logs(home.config.log.level, home.config.log.format)
        with open_store(home) as store:
            _run(_serve(home, store))
    except ConfigurationError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return EXIT_CONFIGURATION
    except WrongPassword as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_PASSWORD
    except (StoreCorrupt, StoreMissing, DivergentState) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_CORRUPT
    except (StoreLocked, StorageError, ListenFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILED
    except OSError as error:
        print(f"error: {error.strerror or error}", file=sys.stderr)
        return EXIT_FAILED
    return EXIT_OK


def _run(main: Coroutine[Any, Any, None]) -> None:
    """On uvloop where it is installed. One failure of a group is raised as itself."""
    try:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    except ImportError:
        asyncio.run(main)
    except BaseExceptionGroup as group:
        raise _first(group) from group


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _serve(home: Home, store: LevelDBStore) -> None:
    async with assemble(home, store) as running:
        backend = NodeBackend(running.driver.parts)
        config = home.config
        async with (
            open_ops(_ops_listener(config), backend) as ops,
            open_api(_api_listener(config), backend) as api,
        ):
            _announce(home, running, api, ops)
            try:
                await _drive(running, backend)
            finally:
                backend.is_stopping = True
                (home.directory / RUN_FILE).unlink(missing_ok=True)


async def _drive(running: Running, backend: NodeBackend) -> None:
    """Until a signal, or until the driver fails: whichever comes first."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    gc.collect()
    gc.freeze()
    driving = asyncio.create_task(running.driver.run())
    waiting = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({driving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if driving.done():
            error = driving.exception()
            log.error("the driver failed; the node stops", exc_info=error)
            driving.result()
        log.info("stopping", extra={"height": backend.height})
    finally:
        driving.cancel()
        waiting.cancel()
        await asyncio.gather(driving, waiting, return_exceptions=True)


def _announce(home: Home, running: Running, api: Listener, ops: Listener) -> None:
    """Write run.json for those who started us, all at once."""
    p2p = Endpoint(parse_endpoint(home.config.p2p.listen).host, running.network.port)
    description = {
        "pid": os.getpid(),
        "api": api.url,
        "p2p": str(p2p),
        "ops": ops.url,
        "started": time.time(),
    }
    path = home.directory / RUN_FILE
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(description) + "\n", encoding="ascii")
    temporary.replace(path)
    log.info(
        "node started",
        extra={
            "node": home.config.name,
            "version": __version__,
            "chain": home.genesis.genesis.chain,
            "genesis": home.genesis.hash.hex(),
            **{key: value for key, value in description.items() if key != "started"},
        },
    )


def _api_listener(config: NodeConfig) -> ListenerConfig:
    endpoint, api = parse_endpoint(config.api.listen), config.api
    return ListenerConfig(
        host=endpoint.host,
        port=endpoint.port,
        limits=ApiLimits(
            read_timeout_s=api.read_timeout_s,
            wait_max_s=api.wait_max_s,
            submissions_max=api.submissions_max,
        ),
        connections=ConnectionLimits(
            connections_max=api.connections_max, headers_timeout_s=api.read_timeout_s
        ),
    )


def _ops_listener(config: NodeConfig) -> ListenerConfig:
    endpoint = parse_endpoint(config.ops.listen)
    return ListenerConfig(host=endpoint.host, port=endpoint.port)
