"""How long commits stop when the primary is killed, or when two of four are away:
`python -m bench.failover [--rounds 10] [--pause SECONDS]`.

Starts a devnet of its own, keeps transfers coming, and looks at the survivors' heights. With
`--pause` two validators are stopped for so long instead, and the time from their return to the
first commit is measured.
"""

import argparse
import itertools
import signal
import statistics
import tempfile
import threading
import time
from pathlib import Path
from secrets import token_bytes

from urbanchain.client import Client
from urbanchain.devnet import cluster
from urbanchain.devnet.layout import make_accounts
from urbanchain.devnet.state import DevnetState
from urbanchain.transactions import Unsigned, encode_body, signed_message

LOAD_EVERY_S = 0.02
POLL_S = 0.005
VIEW_TIMEOUT_S = 2.0
WITHIN_S = 60.0


class Load:
    """Transfers, one batch of one after the other, to whoever answers."""

    def __init__(self, urls: list[str]) -> None:
        self._urls = urls
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        sender, to = [a.key for a in make_accounts(10, 4, "dev") if a.roles == ("operator",)][:2]
        genesis_hash = Client([self._urls[0]]).info().genesis_hash
        for url in itertools.cycle(self._urls):
            if self._is_over.wait(LOAD_EVERY_S):
                return
            body = encode_body("tokens", "transfer", (to.address, 1))
            expires_at_ms = int(time.time() * 1000) + 300_000
            draft = Unsigned(1, expires_at_ms, token_bytes(16), sender.address, body)
            envelope = draft.sealed(sender.sign(signed_message(draft.id(genesis_hash))))
            try:
                with Client([url]) as client:
                    client.submit_batch([envelope])
            except Exception:  # a validator that is down or paused is part of the experiment
                continue


def heights(state: DevnetState) -> dict[str, tuple[int, int, str]]:
    """Of each node that answers: height, view and primary."""
    views = [view for view in cluster.view_nodes(state) if "height" in view.status]
    return {
        view.entry.name: (view.status["height"], view.status["view"], view.status["primary"])
        for view in views
    }


def wait_for_commit(state: DevnetState, above: int) -> float:
    """Seconds until some node has a higher block."""
    began = time.monotonic()
    while time.monotonic() < began + WITHIN_S:
        if max((height for height, _, _ in heights(state).values()), default=0) > above:
            return time.monotonic() - began
        time.sleep(POLL_S)
    raise SystemExit(f"no commit within {WITHIN_S:g} s")


def longest_gap(state: DevnetState, watch_s: float) -> float:
    """The longest time between two commits while watching: some are under way at the kill."""
    began = last = time.monotonic()
    top, longest = 0, 0.0
    while last < began + watch_s:
        height = max((height for height, _, _ in heights(state).values()), default=0)
        now = time.monotonic()
        if height > top:
            top, longest, last = height, max(longest, now - last), now
        elif now > last + WITHIN_S:
            raise SystemExit(f"no commit within {WITHIN_S:g} s")
        time.sleep(POLL_S)
    return longest


def kill_primaries(directory: Path, state: DevnetState, rounds: int) -> None:
    gaps = []
    for number in range(1, rounds + 1):
        time.sleep(1)
        seen = heights(state)
        _, view, primary = max(seen.values())
        cluster.kill_nodes(directory, [primary])
        gap_s = longest_gap(state, VIEW_TIMEOUT_S + 1)
        gaps.append(gap_s)
        after = max(view for _, view, _ in heights(state).values())
        print(f"{number:2}  {primary} killed in view {view}: {gap_s:.2f} s, view {after}")
        cluster.restart_nodes(directory, [primary], 30, lambda name, seconds: None)
        state = cluster.load_state(directory)
    print(
        f"median {statistics.median(gaps):.2f} s, longest {max(gaps):.2f} s; the time-out is"
        f" {VIEW_TIMEOUT_S:g} s, and may be exceeded by 0.5 s"
    )


def pause_two(directory: Path, state: DevnetState, pause_s: float) -> None:
    before = max(view for _, view, _ in heights(state).values())
    names = [node.name for node in state.nodes[:2]]
    cluster.signal_nodes(directory, names, signal.SIGSTOP)
    time.sleep(pause_s)
    top = max(height for height, _, _ in heights(state).values())
    cluster.signal_nodes(directory, names, signal.SIGCONT)
    gap_s = wait_for_commit(state, top)
    time.sleep(1)
    after = max(view for _, view, _ in heights(state).values())
    print(
        f"{' and '.join(names)} stopped for {pause_s:g} s: the first commit {gap_s:.2f} s after"
        f" their return, view {before} before and {after} after"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.failover", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--pause", type=float, help="stop two validators for so many seconds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place) / "devnet"
        state, _ = cluster.bring_up(directory, cluster.UpOptions(base_port=0))
        try:
            with Load([f"http://127.0.0.1:{node.ports.api}" for node in state.nodes]):
                if arguments.pause is None:
                    kill_primaries(directory, state, arguments.rounds)
                else:
                    pause_two(directory, state, arguments.pause)
        finally:
            cluster.take_down(directory)


if __name__ == "__main__":
    main()
