"""`make mutants`: plant each mistake of the catalogue in a copy of the project, and see who kills
it."""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.catalogue import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("consensus", "storage", "p2p", "urbanchain", "tests", "pyproject.toml")


def main() -> int:
    """0 when every mutant was killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only mutants whose name contains one of these")
    wanted = parser.parse_args().names
    chosen = [m for m in MUTANTS if not wanted or any(name in m.name for name in wanted)]
    survivors = 0
    for mutant in chosen:
        began = time.monotonic()
        killer = find_killer(mutant)
        survivors += not killer
        took_s = time.monotonic() - began
        print(f"{mutant.name:68} {killer or 'SURVIVES'} ({took_s:.0f} s)", flush=True)
    print(f"{len(chosen) - survivors} killed, {survivors} survived")
    return 1 if survivors else 0


def plant(mutant: Mutant, root: Path) -> None:
    """Make the mistake in the project at `root`. Raises ValueError when the code has moved on."""
    path = root / mutant.file
    text = path.read_text()
    if text.count(mutant.right) != 1:
        raise ValueError(f"{mutant.name!r}: {mutant.file} has not exactly one {mutant.right!r}")
    path.write_text(text.replace(mutant.right, mutant.wrong))


def find_killer(mutant: Mutant) -> str:
    """The seed or test that fails because of the mutant; empty when all pass."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name in COPIED:
            source = ROOT / name
            ignored = shutil.ignore_patterns("__pycache__")
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=ignored)
            else:
                shutil.copy(source, root / name)
        plant(mutant, root)
        return next((found for k in mutant.killers if (found := run(k, root))), "")


def run(killer: str, root: Path) -> str:
    """What fails, by its name; empty when nothing does."""
    level, _, count = killer.partition(":")
    if level in ("A", "B"):
        script = (
            "import sys; from tests.simulation.seeds import live\n"
            f"for seed in range(1, {int(count) + 1}):\n"
            f"    outcome = live({level!r}, seed)\n"
            "    if not outcome.is_passed: print(seed); sys.exit(1)\n"
        )
        done = _python(root, "-c", script)
        return f"level {level}, seed {done.stdout.split()[-1]}" if done.returncode else ""
    done = _python(root, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-n", "0", killer)
    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED")]
    if done.returncode and not failed:
        raise RuntimeError(f"{killer} could not be run:\n{done.stdout}{done.stderr}")
    return failed[0] if failed else ""


def _python(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *arguments]
    environment = {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
