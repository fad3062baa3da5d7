"""`python -m tests.twins`: play scripts of four partitions, all 65,536 of them if asked."""

import argparse
import multiprocessing
import sys
import time

from tests.twins.harness import MEMBERS, SCRIPTS, Disagreement, Twins, script_of


def main() -> int:
    """0 when every script was clean."""
    parser = argparse.ArgumentParser(prog="python -m tests.twins", description=__doc__)
    parser.add_argument(
        "--twin",
        type=int,
        default=0,
        choices=range(MEMBERS),
        help="who has two instances; 0 is the primary of view 0",
    )
    parser.add_argument("--first", type=int, default=0, help="the first script's number")
    parser.add_argument("--scripts", type=int, default=SCRIPTS, help="how many")
    parser.add_argument("--step", type=int, default=1, help="play every so manieth")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    arguments = parser.parse_args()
    last = min(SCRIPTS, arguments.first + arguments.scripts * arguments.step)
    games = [(arguments.twin, n) for n in range(arguments.first, last, arguments.step)]
    failed, cpu_s = 0, 0.0
    with multiprocessing.Pool(arguments.jobs) as pool:
        for done, (number, failure, took_s) in enumerate(pool.imap(play, games, chunksize=64), 1):
            cpu_s += took_s
            if failure:
                failed += 1
                print(f"\rscript {number} = {script_of(number)}: {failure}", flush=True)
            if sys.stderr.isatty() and done % 64 == 0:
                print(f"\r{done}/{len(games)} scripts, {failed} failed", end="", file=sys.stderr)
    print(f"twin of member {arguments.twin}: {60 * len(games) / cpu_s:,.0f} scripts per CPU-minute")
    print(f"{len(games) - failed} passed, {failed} failed")
    return 1 if failed else 0


def play(game: tuple[int, int]) -> tuple[int, str, float]:
    """A script's number, what went wrong (nothing: empty), and its CPU-seconds."""
    twin, number = game
    began, failure = time.process_time(), ""
    try:
        Twins(twin).play(script_of(number))
    except Disagreement as error:
        failure = str(error)
    return number, failure, time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
