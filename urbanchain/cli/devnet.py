"""`urbanchain devnet`: a cluster of real validators on this machine."""

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanchain.cli.exits import Exit
from urbanchain.cli.output import Form, Mark
from urbanchain.cli.root import Group
from urbanchain.cli.settings import Settings, parse_duration, pass_settings

if TYPE_CHECKING:
    from urbanchain.devnet.state import NodeEntry

_NODES = click.argument("nodes", metavar="NODE...", nargs=-1, required=True)
_WAIT = click.option(
    "--wait",
    "wait_s",
    type=parse_duration,
    metavar="TIME",
    default="30s",
    show_default=True,
    help="How long a node may take to be ready.",
)


@click.group("devnet", cls=Group)
def devnet() -> None:
    """Local clusters of real validators: to try things, to develop against, to break.

    Four processes by default, linked by mutual TLS, each with its own database. Their keys derive
    from a public seed: never use them outside a devnet.
    """


@devnet.command("up")
@click.option("--validators", type=click.IntRange(4, 40), default=4, show_default=True)
@click.option("--accounts", type=click.IntRange(1, 10_000), default=10, show_default=True)
@click.option("--seed", default="dev", show_default=True, help="What all keys derive from.")
@click.option(
    "--base-port",
    type=click.IntRange(0, 60_000),
    default=7000,
    show_default=True,
    help="Validator i listens on this +70+100i (links), +80+100i (API), +90+100i (health);"
    " 0 finds free ones.",
)
@click.option("--detach", is_flag=True, help="Return when it is ready; it goes on running.")
@click.option("--keep", is_flag=True, help="Without --detach: keep its files when it stops.")
@_WAIT
@pass_settings
def up(
    settings: Settings,
    validators: int,
    accounts: int,
    seed: str,
    base_port: int,
    detach: bool,
    keep: bool,
    wait_s: float,
) -> int:
    """Start a devnet, or the stopped one in the state directory.

    Stays in the foreground and shows each block; Ctrl-C stops everything. With --detach it
    returns at once and leaves it running until `devnet down`.

    \b
    Examples:
      urbanchain devnet up
      urbanchain devnet up --detach --base-port 0 --validators 7
    """
    from urbanchain.cli.devnet_views import up_text, view_document
    from urbanchain.cli.devnet_watch import hear_stop_signals, watch
    from urbanchain.devnet.cluster import UpOptions, bring_up, take_down, view_nodes

    hear_stop_signals()
    screen = settings.screen
    started: list[float] = []

    def on_ready(name: str, seconds: float) -> None:
        started.append(seconds)
        screen.say(screen.marked(Mark.GOOD, f"{name} ready after {seconds:.1f} s"))

    options = UpOptions(validators, accounts, seed, base_port, wait_s, on_ready)
    state, ran_already = bring_up(settings.state, options)
    views = view_nodes(state)
    took_s = None if ran_already else max(started, default=0.0)
    screen.data(view_document(state, views), lambda: up_text(state, views, took_s))
    if detach or ran_already:
        return Exit.DONE
    try:
        watch(screen, state)
    except KeyboardInterrupt:
        screen.say("stopping")
        take_down(settings.state, keep=keep)
    return Exit.DONE


@devnet.command("down")
@click.option("--keep", is_flag=True, help="Keep its files; `devnet up` starts it again.")
@pass_settings
def down(settings: Settings, keep: bool) -> None:
    """Stop every node and remove the devnet.

    \b
    Examples:
      urbanchain devnet down
      urbanchain devnet down --keep
    """
    from urbanchain.devnet.cluster import take_down

    killed = take_down(settings.state, keep=keep)
    screen = settings.screen
    document = {"directory": str(settings.state), "removed": not keep, "killed": killed}

    def text() -> str:
        what = "stopped; its files are kept" if keep else "stopped and removed"
        note = f"; had to be killed: {', '.join(killed)}" if killed else ""
        return screen.marked(Mark.GOOD, f"devnet {settings.state} {what}{note}")

    screen.data(document, text)


@devnet.command("status")
@pass_settings
def status(settings: Settings) -> None:
    """Every node: process, height, view, state.

    \b
    Example:
      urbanchain devnet status -o json
    """
    from urbanchain.cli.devnet_views import status_text, view_document
    from urbanchain.devnet.cluster import view_nodes
    from urbanchain.devnet.state import load_state

    state = load_state(settings.state)
    views = view_nodes(state)
    settings.screen.data(view_document(state, views), lambda: status_text(state, views))


@devnet.command("accounts")
@click.option("--all", "show_all", is_flag=True, help="Every one, however many.")
@pass_settings
def accounts(settings: Settings, show_all: bool) -> None:
    """The accounts: names, addresses, roles, where their keys are.

    \b
    Example:
      urbanchain devnet accounts -o jsonl
    """
    from urbanchain.cli.devnet_views import account_documents, accounts_text
    from urbanchain.devnet.state import load_state

    state = load_state(settings.state)
    shown = None if show_all else 50
    settings.screen.data(account_documents(state), lambda: accounts_text(state, shown))


@devnet.command("kill")
@_NODES
@pass_settings
def kill(settings: Settings, nodes: tuple[str, ...]) -> None:
    """SIGKILL nodes, by number or name: a crash, without warning.

    \b
    Example:
      urbanchain devnet kill 0
    """
    from urbanchain.devnet.cluster import kill_nodes

    _tell(settings, "killed", kill_nodes(settings.state, nodes))


@devnet.command("pause")
@_NODES
@pass_settings
def pause(settings: Settings, nodes: tuple[str, ...]) -> None:
    """SIGSTOP nodes: they hang, with their links open.

    \b
    Example:
      urbanchain devnet pause 2
    """
    from urbanchain.devnet.cluster import signal_nodes

    _tell(settings, "paused", signal_nodes(settings.state, nodes, signal.SIGSTOP))


@devnet.command("resume")
@_NODES
@pass_settings
def resume(settings: Settings, nodes: tuple[str, ...]) -> None:
    """SIGCONT paused nodes.

    \b
    Example:
      urbanchain devnet resume 2
    """
    from urbanchain.devnet.cluster import signal_nodes

    _tell(settings, "resumed", signal_nodes(settings.state, nodes, signal.SIGCONT))


@devnet.command("restart")
@_NODES
@_WAIT
@pass_settings
def restart(settings: Settings, nodes: tuple[str, ...], wait_s: float) -> None:
    """Start nodes again, stopping those that run, and wait until they are level with the others.

    \b
    Example:
      urbanchain devnet restart 0
    """
    from urbanchain.devnet.cluster import restart_nodes

    screen = settings.screen

    def on_ready(name: str, seconds: float) -> None:
        screen.say(screen.marked(Mark.GOOD, f"{name} ready after {seconds:.1f} s"))

    restarted = restart_nodes(settings.state, nodes, wait_s, on_ready)
    _tell(settings, "restarted", [(node, True) for node in restarted])


@devnet.command("logs")
@click.argument("nodes", metavar="[NODE]...", nargs=-1)
@click.option("-n", "--lines", type=click.IntRange(1, 100_000), default=20, show_default=True)
@click.option("-f", "--follow", is_flag=True, help="Go on as more is written, until Ctrl-C.")
@pass_settings
def logs(settings: Settings, nodes: tuple[str, ...], lines: int, follow: bool) -> None:
    """What nodes logged: all of them, or those named. With -o json or jsonl, as it was written.

    \b
    Examples:
      urbanchain devnet logs 0 --follow
      urbanchain devnet logs -n 100 -o jsonl
    """
    from urbanchain.cli.devnet_logs import follow_logs, print_logs
    from urbanchain.devnet.state import load_state

    state = load_state(settings.state)
    chosen = [state.find_node(one) for one in nodes] or list(state.nodes)
    is_raw = settings.screen.form is not Form.TEXT
    places = print_logs(state, chosen, lines, is_raw=is_raw)
    if follow:
        follow_logs(state, places, is_raw=is_raw)


@devnet.command("demo")
@click.option(
    "--path",
    "directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Whose files to notarise.  [default: the repository around here, or this directory]",
)
@pass_settings
def demo(settings: Settings, directory: Path | None) -> int:
    """Notarise every file of a directory on four validators, and lose the primary half way.

    Starts a devnet of its own, kills the primary with SIGKILL, brings it back, then verifies every
    receipt offline and shows that one flipped byte is caught. Removes all it made.

    \b
    Examples:
      urbanchain devnet demo
      urbanchain devnet demo --path ~/documents -o json
    """
    from urbanchain.cli.devnet_demo import run

    return run(settings.screen, directory)


def _tell(settings: Settings, done: str, nodes: Sequence[tuple["NodeEntry", bool]]) -> None:
    screen = settings.screen
    document, lines = [], []
    for node, was_alive in nodes:
        document.append({"name": node.name, done: was_alive})
        text = f"{node.name} {done}" if was_alive else f"{node.name} was not running"
        lines.append(screen.marked(Mark.GOOD if was_alive else Mark.OPEN, text))
    screen.data(document, lambda: "\n".join(lines))
