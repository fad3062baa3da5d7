"""`urbanchain config`: what is wrong with a node's configuration, and what there is to set."""

from pathlib import Path

import click

from urbanchain.cli.exits import Exit
from urbanchain.cli.output import Mark
from urbanchain.cli.root import Group
from urbanchain.cli.settings import Settings, pass_settings


@click.group("config", cls=Group)
def config() -> None:
    """Check and explain a node's configuration."""


@config.command("check")
@click.option(
    "--genesis",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check this genesis file only, without a node's home.",
)
@pass_settings
def check(settings: Settings, genesis: Path | None) -> int:
    """Check HOME/node.toml, its genesis and its keys; every problem at once (exit code 78).

    \b
    Examples:
      urbanchain config check --home /var/lib/urbanchain
      urbanchain config check --genesis genesis.json
    """
    from urbanchain.cli.checking import check_genesis, check_home

    document = check_home(settings.home) if genesis is None else check_genesis(genesis)
    checked = ", ".join(document["files"])
    text = f"{checked}: valid; chain {document['chain']}, genesis {document['genesis']}"
    settings.screen.data(document, lambda: settings.screen.marked(Mark.GOOD, text))
    return Exit.DONE


@config.command("default")
@click.option("--name", default="validator-0", show_default=True, help="The validator's name.")
@pass_settings
def default(settings: Settings, name: str) -> None:
    """A node.toml with every setting at its default, each explained.

    \b
    Example:
      urbanchain config default --name validator-0 > node.toml
    """
    from urbanchain.cli.template import render_template
    from urbanchain.config import settings_table

    rows = settings_table()
    described = [
        {"key": r.key, "type": r.type, "default": r.default, "description": r.description}
        for r in rows
    ]
    settings.screen.data(described, lambda: render_template(rows, name).rstrip("\n"))
