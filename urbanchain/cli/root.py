"""The root command: which groups there are, how they are loaded, and how everything ends."""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from urbanchain.cli.exits import Exit, explain
from urbanchain.cli.output import Form, Mark, Screen
from urbanchain.cli.settings import make_options

COMMANDS = {
    "devnet": ("urbanchain.cli.devnet:devnet", "Local clusters of real validators."),
    "tx": ("urbanchain.cli.tx:tx", "Send transactions and learn their fate."),
    "query": ("urbanchain.cli.query:query", "Read the chain: blocks, accounts, records."),
    "verify": ("urbanchain.cli.verify:verify", "Check a receipt offline, without any node."),
    "keys": ("urbanchain.cli.keys:keys", "Make and show key files."),
    "node": ("urbanchain.cli.node:node", "Set up, run and look at one validator."),
    "config": ("urbanchain.cli.config:config", "Check and explain a node's configuration."),
    "version": ("urbanchain.cli.version:version", "What is installed."),
}
"""Name → where it is, and its line in the help. Loaded only when it is run."""

_EPILOG = """\b
Start with:
  urbanchain devnet up --detach
  urbanchain tx transfer alice bob 5
  urbanchain tx record land-registry parcel-17 deed.pdf
  urbanchain verify deed.pdf.receipt.json --document deed.pdf --genesis .devnet/genesis.json

\b
Exit codes: 0 done, 1 unexpected, 2 usage, 3 not found, 4 refused by the chain, 5 timed out,
6 node unreachable, 7 not authorised, 8 verification failed or corrupt data, 9 not ready,
78 invalid configuration, 130 interrupted.
"""


class Command(click.Command):
    """A command that takes the global options after its name too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(make_options(hidden=True))


class Group(click.Group):
    """A group of such commands; takes the global options itself."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(make_options(hidden=True))


class Root(click.Group):
    """The groups of COMMANDS, each imported when it is run and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a group or command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table, so that help imports nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(
    "urbanchain",
    cls=Root,
    epilog=_EPILOG,
    context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
)
def root() -> None:
    """UrbanChain: a permissioned chain for city agencies.

    Every option below may also follow the command's name.
    """


root.params.extend(make_options(hidden=False))


def run(arguments: Sequence[str] | None = None) -> int:
    """One invocation; its exit code. Nothing but SystemExit of the interpreter escapes."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    screen = Screen(Form.TEXT)
    is_verbose = "-v" in given or "--verbose" in given
    try:
        with root.make_context("urbanchain", given) as ctx:
            code = root.invoke(ctx)
            return code if isinstance(code, int) else Exit.DONE
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        screen.complain("interrupted")
        return Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not complain at its exit too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.UNEXPECTED
    except (Exception, KeyboardInterrupt) as error:
        return _fail(screen, error, is_verbose)


def _fail(screen: Screen, error: BaseException, is_verbose: bool) -> int:
    explanation = explain(error)
    if explanation is None:
        text = f"unexpected: {type(error).__name__}: {error}"
        screen.complain(screen.marked(Mark.BAD, text, sys.stderr))
        if is_verbose:
            import traceback

            screen.complain(traceback.format_exc())
        else:
            screen.complain("  this is a fault of the program; the same with -v tells where it is")
        return Exit.UNEXPECTED
    for sentence in explanation.sentences:
        screen.complain(screen.marked(Mark.BAD, sentence, sys.stderr))
    if explanation.hint:
        screen.complain(f"  {explanation.hint}")
    return explanation.code
