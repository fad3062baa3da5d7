"""How long commits stop when the primary is killed, or when two of four validators are away:
`python -m bench.failover [--rounds 10 | --pause SECONDS | --crash SECONDS]`.

Starts a devnet of its own, submits transfers all the time, and measures what the survivors' APIs
show. Exits with 1 if a figure is beyond what is allowed.
"""

import argparse
import statistics
import tempfile
from contextlib import suppress
from pathlib import Path

from bench.failures import kill_primary, leave_and_return, view_timeout_s
from bench.observing import Experiment, ExperimentFailed, observe
from urbanchain.devnet import cluster
from urbanchain.devnet.errors import DevnetMissing
from urbanchain.devnet.ports import ANY_BASE

SLACK_S = 0.5
"""What a view change may take beyond the time-out."""
RETURN_S = 5.0
FAULTY = 1
"""f of four validators."""


def _report_failovers(experiment: Experiment, rounds: int) -> bool:
    limit_s = view_timeout_s(experiment) + SLACK_S
    found = []
    for number in range(1, rounds + 1):
        one = kill_primary(experiment)
        found.append(one)
        print(
            f"{number:2}  {one.killed} killed in view {one.view_before}:"
            f" {one.gap_s * 1000:5.0f} ms, then view {one.view_after}",
            flush=True,
        )
    gaps_s = [one.gap_s for one in found]
    print(
        f"median {statistics.median(gaps_s) * 1000:.0f} ms, longest {max(gaps_s) * 1000:.0f} ms;"
        f" allowed {limit_s * 1000:.0f} ms; {len({one.killed for one in found})} validators killed"
    )
    return max(gaps_s) <= limit_s and all(o.view_after == o.view_before + 1 for o in found)


def _report_absence(experiment: Experiment, away_s: float, *, is_crash: bool) -> bool:
    one = leave_and_return(experiment, away_s, is_crash=is_crash)
    print(
        f"{' and '.join(one.who)} {'killed' if is_crash else 'stopped'} for {away_s:g} s,"
        f" {one.blocks_meanwhile} blocks meanwhile: first block {one.first_block_s:.2f} s after"
        f" their {'start' if is_crash else 'return'} (allowed {RETURN_S:g} s),"
        f" view {one.view_before} before, {one.view_after} after"
        f" (allowed {one.view_before + FAULTY + 2})"
    )
    return one.first_block_s <= RETURN_S and one.view_after <= one.view_before + FAULTY + 2


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.failover", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--rounds", type=int, default=10, help="how often the primary is killed")
    choice.add_argument("--pause", type=float, help="stop two validators for so many seconds")
    choice.add_argument("--crash", type=float, help="kill two validators for so many seconds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place) / "devnet"
        try:
            cluster.bring_up(directory, cluster.UpOptions(base_port=ANY_BASE))
            with observe(directory) as experiment:
                if arguments.pause is not None:
                    is_good = _report_absence(experiment, arguments.pause, is_crash=False)
                elif arguments.crash is not None:
                    is_good = _report_absence(experiment, arguments.crash, is_crash=True)
                else:
                    is_good = _report_failovers(experiment, arguments.rounds)
        except ExperimentFailed as error:
            raise SystemExit(str(error)) from error
        finally:
            with suppress(DevnetMissing):
                cluster.take_down(directory)
    raise SystemExit(0 if is_good else 1)


if __name__ == "__main__":
    main()
