"""The command line: `urbanchain`.

stdout is data, stderr is talk; every wait has a time-out; every error says what, why and what to
try. Nothing is imported before a command needs it, so that help and one-shot calls are quick:
root.py knows the groups by name only, and each command imports inside its callback.
"""

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    from urbanchain.cli.root import run

    raise SystemExit(run(arguments))
