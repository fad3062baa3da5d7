"""`urbanchain version`."""

import platform

import click

from urbanchain import __version__
from urbanchain.cli.root import Command
from urbanchain.cli.settings import Settings, pass_settings


@click.command("version", cls=Command)
@pass_settings
def version(settings: Settings) -> None:
    """What is installed.

    \b
    Example:
      urbanchain version -o json
    """
    document = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system().lower()}-{platform.machine()}",
    }
    settings.screen.data(document, lambda: f"urbanchain {__version__}")
