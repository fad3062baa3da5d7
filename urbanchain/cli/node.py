"""`urbanchain node`: one validator: set it up, run it, look at it."""

from pathlib import Path
from typing import Any

import click

from urbanchain.cli.context import find_chain
from urbanchain.cli.exits import Exit
from urbanchain.cli.output import Mark, pairs, table
from urbanchain.cli.root import Group
from urbanchain.cli.settings import Settings, pass_settings


@click.group("node", cls=Group)
def node() -> None:
    """Set up, run and look at one validator."""


@node.command("init")
@click.option("--name", required=True, help="The validator's name in genesis.")
@click.option("--agency", required=True, help="The agency that runs it.")
@click.option(
    "--genesis",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The chain's genesis, if there is one already; it is copied.",
)
@click.option("--unencrypted", is_flag=True, help="Keys without a password: for devnets only.")
@pass_settings
def init(
    settings: Settings, name: str, agency: str, genesis: Path | None, unencrypted: bool
) -> None:
    """Make a validator's home: node.toml and two new keys; never overwrites anything.

    Prints the validator's entry for genesis.json: public, to be handed to whoever writes it.

    \b
    Example:
      urbanchain node init --home /var/lib/urbanchain --name water-1 --agency water
    """
    from urbanchain.cli.homes import NewHome, create_home
    from urbanchain.cli.passwords import choose_password

    password = None if unencrypted else choose_password(settings.password_file)
    password_file = None if unencrypted else settings.password_file
    wanted = NewHome(settings.home, name, agency, genesis, password, password_file)
    entry = create_home(wanted)

    def text() -> str:
        import json

        return json.dumps(entry, indent=2)

    settings.screen.data(entry, text)
    settings.screen.say(
        f"made {settings.home / 'node.toml'} and its keys; put the entry above into genesis.json,\n"
        f"the addresses of the other validators under [p2p.peers], then\n"
        f"  urbanchain config check --home {settings.home}\n"
        f"  urbanchain node run --home {settings.home}"
    )


@node.command("run")
@pass_settings
def run(settings: Settings) -> int:
    """Run the validator of --home until SIGTERM or Ctrl-C. Logs go to stderr.

    \b
    Example:
      urbanchain node run --home /var/lib/urbanchain
    """
    from urbanchain.node import run_node

    return run_node(settings.home)


@node.command("status")
@pass_settings
def status(settings: Settings) -> int:
    """How a node is: exit code 0 if it is ready, 9 if not, 6 if it does not answer.

    The node is that of --url, else that which runs in --home, else the first of the devnet that
    answers.

    \b
    Examples:
      urbanchain node status --url http://127.0.0.1:7180
      urbanchain node status --home /var/lib/urbanchain -o json
    """
    from dataclasses import replace

    from urbanchain.cli.homes import read_run_file

    urls = settings.urls or read_run_file(settings.home)
    chain = find_chain(replace(settings, urls=urls))
    with chain.open() as client:
        document = client.get_json("/v1/status")
    fields: dict[str, Any] = document if isinstance(document, dict) else {}
    is_ready = fields.get("state") == "ready"
    mark = Mark.GOOD if is_ready else Mark.BAD
    headline = f"{fields.get('node')} is {fields.get('state')}"
    settings.screen.data(
        document, lambda: f"{settings.screen.marked(mark, headline)}\n{_status_text(fields)}"
    )
    return Exit.DONE if is_ready else Exit.UNHEALTHY


def _status_text(fields: dict[str, Any]) -> str:
    plain = [(name, value) for name, value in fields.items() if name != "peers"]
    rows = [
        (p["name"], p["agency"], "linked" if p["connected"] else "not linked", p["height"])
        for p in fields.get("peers", [])
    ]
    return pairs(plain, "  ") + "\n" + table(rows, ("peer", "agency", "link", "height"))
