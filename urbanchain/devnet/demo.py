"""The demonstration: four validators notarise a directory, lose their primary half way, and carry
on; then everything is verified with every node stopped.

It has a devnet of its own in a temporary directory, and removes it whatever happens.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from urbanchain.client import AsyncClient
from urbanchain.devnet.audit import Audit, Notarised, Tampering, tamper, verify_all
from urbanchain.devnet.cluster import (
    UpOptions,
    bring_up,
    kill_nodes,
    restart_nodes,
    take_down,
    view_nodes,
)
from urbanchain.devnet.documents import Survey, survey
from urbanchain.devnet.errors import DemoFailed, DevnetMissing, NodeFailed
from urbanchain.devnet.nodes import read_tail, stop_nodes
from urbanchain.devnet.notary import Lane, Notary, longest_gap_s, percentile
from urbanchain.devnet.ports import ANY_BASE
from urbanchain.devnet.processes import ProcessState, state_of
from urbanchain.devnet.state import DevnetState, load_state
from urbanchain.keys import PrivateKey

READY_TIMEOUT_S = 30.0
LEVEL_TIMEOUT_S = 30.0
FETCHERS_PER_NODE = 2
GUARD_PERIOD_S = 0.5


class View(Protocol):
    """Who is told how the demonstration goes."""

    def begin(self, stage: str, total: int | None) -> None:
        """A stage begins; `total` steps are to come, if that is known."""
        ...

    def advance(self, count: int = 1) -> None:
        """Steps of the stage are done."""
        ...

    def note(self, text: str) -> None:
        """Something happened."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What the demonstration measured and showed."""

    files: int
    blocks: int
    transactions_per_second: float
    """While blocks came: the gap after the kill is not counted."""
    finality_p50_ms: float
    finality_p99_ms: float
    gap_after_kill_ms: float
    receipts_verified: int
    tampering_caught: bool
    killed: str
    survey: Survey
    audit: Audit
    tamperings: tuple[Tampering, ...]


@dataclass(frozen=True, slots=True)
class _Recording:
    """What was measured while the documents were recorded."""

    notary: Notary
    killed: str
    gap_s: float
    elapsed_s: float
    """From the first submission to the last commit."""

    @property
    def committing_s(self) -> float:
        """The time that blocks came in: without the gap, unless there was nothing else."""
        is_only_gap = len(self.notary.commits) < 2
        return self.elapsed_s if is_only_gap else max(self.elapsed_s - self.gap_s, 1e-3)


def run_demo(root: Path, view: View) -> Report:
    """Notarise the files below `root`. Raises DemoFailed, NodeFailed, VerificationFailed."""
    view.begin("hash the files", None)
    found = survey(root, view.advance)
    with TemporaryDirectory(prefix="urbanchain-demo-") as scratch:
        directory = Path(scratch) / "devnet"
        view.begin("start four validators", 4)
        try:
            options = UpOptions(
                base_port=ANY_BASE,
                timeout_s=READY_TIMEOUT_S,
                on_ready=lambda name, seconds: view.advance(),
            )
            state, _ = bring_up(directory, options)
            return _run(state, found, view)
        except BaseExceptionGroup as group:
            raise _first(group) from group
        finally:
            _remove(directory)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong, out of the groups that tasks wrap it in."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _remove(directory: Path) -> None:
    try:
        take_down(directory)
    except DevnetMissing:
        return


def _run(state: DevnetState, found: Survey, view: View) -> Report:
    recording = asyncio.run(_record(state, found, view))
    _restart(state, recording.killed, view)
    items = asyncio.run(_fetch_receipts(state, recording.notary, view))
    height = max(int(node.status.get("height", 0)) for node in view_nodes(state))
    view.note("every node is stopped: what follows needs files only")
    stop_nodes(load_state(state.directory).nodes)
    genesis = state.genesis.read_bytes()
    view.begin("verify every receipt offline", len(items))
    audit = verify_all(items, genesis, view.advance)
    for key in audit.changed:
        view.note(f"{key} was changed since it was recorded; its receipt holds for what it was")
    tamperings = tuple(tamper(_choose(items, audit), genesis))
    latencies = recording.notary.latencies_s
    return Report(
        files=len(found.documents),
        blocks=height,
        transactions_per_second=round(len(latencies) / recording.committing_s, 1),
        finality_p50_ms=_ms(percentile(latencies, 50)),
        finality_p99_ms=_ms(percentile(latencies, 99)),
        gap_after_kill_ms=_ms(recording.gap_s),
        receipts_verified=audit.verified,
        tampering_caught=len(tamperings) > 0,
        killed=recording.killed,
        survey=found,
        audit=audit,
        tamperings=tamperings,
    )


async def _record(state: DevnetState, found: Survey, view: View) -> _Recording:
    view.begin("record their hashes", len(found.documents))
    async with _clients(state) as clients:
        watcher = clients[-1]
        lanes = [Lane(c, _key(state, i)) for i, c in enumerate(clients[:-1])]
        info = await watcher.info()
        notary = Notary(lanes, watcher, info, found.documents, view.advance)
        async with asyncio.TaskGroup() as group:
            guarding = group.create_task(_guard(state, notary))
            killing = group.create_task(_kill_primary(state, notary, view))
            await notary.run()
            await killing
            guarding.cancel()
    killed, killed_at = killing.result()
    gap_s = longest_gap_s(notary.commits, killed_at)
    elapsed_s = notary.commits[-1].at_s - notary.started_at
    return _Recording(notary, killed, gap_s, elapsed_s)


async def _kill_primary(state: DevnetState, notary: Notary, view: View) -> tuple[str, float]:
    """Half way, kill whoever proposes now: its name, and when."""
    await notary.half_way.wait()
    primary = (await notary.watcher.status()).primary
    killed_at = time.monotonic()
    notary.killed = primary
    await asyncio.to_thread(kill_nodes, state.directory, [primary])
    view.note(f"{primary} proposes, and is killed (SIGKILL) with {len(notary.ids)} files final")
    return primary, killed_at


async def _guard(state: DevnetState, notary: Notary) -> None:
    """Notice if a validator ends that nobody killed. Raises NodeFailed."""
    while True:
        await asyncio.sleep(GUARD_PERIOD_S)
        for node in state.nodes:
            if node.name != notary.killed and state_of(node.process) is ProcessState.GONE:
                log = state.log(node)
                raise NodeFailed(node.name, "ended by itself", log, tuple(read_tail(log, 5)))


def _restart(state: DevnetState, killed: str, view: View) -> None:
    """Bring the killed node back and wait until all four have the same head."""
    view.begin(f"bring {killed} back", 1)
    restart_nodes(state.directory, [killed], LEVEL_TIMEOUT_S, lambda name, seconds: None)
    deadline = time.monotonic() + LEVEL_TIMEOUT_S
    while True:
        heads = [node.status.get("hash") for node in view_nodes(load_state(state.directory))]
        if len(set(heads)) == 1 and heads[0] is not None:
            view.advance()
            view.note(f"{killed} has caught up: all four have head {heads[0][:16]}…")
            return
        if time.monotonic() > deadline:
            raise DemoFailed(f"{killed} was not level with the others after {LEVEL_TIMEOUT_S:g} s")
        time.sleep(0.05)


async def _fetch_receipts(state: DevnetState, notary: Notary, view: View) -> list[Notarised]:
    """Save every receipt, in the order of the documents."""
    view.begin("fetch the receipts", len(notary.ids))
    directory = state.directory / "receipts"
    directory.mkdir()
    pending = iter(notary.ids.items())
    items: list[Notarised] = []

    async def fetch(client: AsyncClient) -> None:
        for id_, document in pending:
            receipt = await client.receipt(id_)
            path = directory / f"{id_}.json"
            receipt.save(path)
            items.append(Notarised(document, path))
            view.advance()

    async with _clients(state) as clients, asyncio.TaskGroup() as group:
        for client in clients * FETCHERS_PER_NODE:
            group.create_task(fetch(client))
    return sorted(items, key=lambda item: item.document.key)


@asynccontextmanager
async def _clients(state: DevnetState) -> AsyncIterator[list[AsyncClient]]:
    """A client for each node, which turns to the others if its own does not answer; and one more
    that begins with the first."""
    async with AsyncExitStack() as stack:
        clients = []
        for index in (*range(len(state.urls)), 0):
            urls = (*state.urls[index:], *state.urls[:index])
            clients.append(await stack.enter_async_context(AsyncClient(urls)))
        yield clients


def _key(state: DevnetState, index: int) -> PrivateKey:
    account = state.accounts[index]
    return PrivateKey.load(state.directory / account.key_file)


def _choose(items: Sequence[Notarised], audit: Audit) -> Notarised:
    """A document to tamper with: not empty, and still what was recorded."""
    changed = set(audit.changed)
    unchanged = [item for item in items if item.document.key not in changed]
    if not unchanged:
        raise DemoFailed("every file was changed while the demonstration ran")
    filled = (item for item in unchanged if item.document.path.stat().st_size > 0)
    return next(filled, unchanged[0])


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
