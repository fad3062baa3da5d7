"""`urbanchain devnet demo` on a screen: progress while it runs, a summary when it is done."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanchain.cli.devnet_watch import hear_stop_signals
from urbanchain.cli.exits import Exit
from urbanchain.cli.output import Mark, Screen, grouped, pairs
from urbanchain.devnet.demo import Report, View, run_demo

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class LineView:
    """One line for each stage: for logs, pipes, and terminals without colour."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def begin(self, stage: str, total: int | None) -> None:
        """See View."""
        self._screen.say(f"  {stage}" + (f" ({grouped(total)})" if total else ""))

    def advance(self, count: int = 1) -> None:
        """See View."""

    def note(self, text: str) -> None:
        """See View."""
        self._screen.say(f"    {text}")


class BarView:
    """A progress bar for each stage."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, stage: str, total: int | None) -> None:
        """See View."""
        self.end()
        self._task = self._progress.add_task(stage, total=total)

    def advance(self, count: int = 1) -> None:
        """See View."""
        if self._task is not None:
            self._progress.advance(self._task, count)

    def note(self, text: str) -> None:
        """See View."""
        self._progress.console.print(f"    {text}", highlight=False, markup=False)

    def end(self) -> None:
        """The stage is done, also one whose length nobody knew."""
        if self._task is not None:
            done = self._progress.tasks[-1].completed
            self._progress.update(self._task, total=done, completed=done)


def run(screen: Screen, directory: Path | None) -> int:
    """The whole demonstration; 0 only if all of it held."""
    root = find_root(Path.cwd()) if directory is None else directory
    hear_stop_signals()
    started = time.monotonic()
    screen.say(f"notarising the files of {root.resolve()}")
    with _open_view(screen) as view:
        report = run_demo(root, view)
    elapsed_s = time.monotonic() - started
    screen.data(describe(report), lambda: _text(screen, report, elapsed_s))
    return Exit.DONE


def find_root(start: Path) -> Path:
    """The repository around a directory, or the directory."""
    return next((p for p in (start, *start.parents) if (p / ".git").exists()), start)


@contextmanager
def _open_view(screen: Screen) -> Iterator[View]:
    if screen.is_quiet or not screen.colors(sys.stderr):
        yield LineView(screen)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("  {task.description:32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        view = BarView(progress)
        yield view
        view.end()


def describe(report: Report) -> dict[str, Any]:
    """`devnet demo -o json`: fixed fields, then more."""
    return {
        "files": report.files,
        "blocks": report.blocks,
        "transactions_per_second": report.transactions_per_second,
        "finality_p50_ms": report.finality_p50_ms,
        "finality_p99_ms": report.finality_p99_ms,
        "gap_after_kill_ms": report.gap_after_kill_ms,
        "receipts_verified": report.receipts_verified,
        "tampering_caught": report.tampering_caught,
        "killed": report.killed,
        "skipped": report.survey.skipped,
        "renamed": report.survey.renamed,
        "changed": list(report.audit.changed),
        "tampered": [{"what": t.what, "broken_link": t.link} for t in report.tamperings],
    }


def _text(screen: Screen, report: Report, elapsed_s: float) -> str:
    left_out = ", ".join(f"{count} {why}" for why, count in sorted(report.survey.skipped.items()))
    caught = ", ".join(f"{t.what} -> {t.link}" for t in report.tamperings)
    rows = [
        ("files recorded", grouped(report.files) + (f"   (left out: {left_out})" * bool(left_out))),
        ("blocks", grouped(report.blocks)),
        ("transactions/s", f"{report.transactions_per_second:g}   (not counting the gap)"),
        ("finality p50 / p99", f"{report.finality_p50_ms:g} / {report.finality_p99_ms:g} ms"),
        ("gap after the kill", f"{report.gap_after_kill_ms:g} ms   ({report.killed})"),
        ("receipts verified", f"{grouped(report.receipts_verified)}   (offline, no node running)"),
        ("one flipped bit", f"caught: {caught}"),
    ]
    if report.survey.renamed:
        note = f"{report.survey.renamed} recorded under sha256:…, of their path"
        rows.insert(1, ("long or odd names", note))
    headline = screen.marked(Mark.GOOD, f"all of it held, in {elapsed_s:.1f} s")
    return f"{headline}\n{pairs(rows, '  ')}"
