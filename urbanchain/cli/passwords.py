"""Passwords of key files: from a file or a terminal, never from a command line."""

import sys
from pathlib import Path

import click

from urbanchain.cli.exits import CommandFailed, Exit
from urbanchain.keys import read_description


def read_password(key_file: Path, password_file: Path | None) -> str | None:
    """The password of an encrypted key file; None for a devnet's, and where nobody can be asked.

    Raises KeyFileInvalid."""
    if read_description(key_file).get("devnet_unencrypted") is True:
        return None
    if password_file is not None:
        return _first_line(password_file)
    if sys.stdin.isatty():
        return str(click.prompt(f"Password of {key_file}", hide_input=True, err=True))
    return None


def choose_password(password_file: Path | None) -> str:
    """The password for a new key file. Raises CommandFailed if nobody can be asked."""
    if password_file is not None:
        return _first_line(password_file)
    if sys.stdin.isatty():
        prompt = "Password for the new key"
        return str(click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True))
    raise CommandFailed(
        Exit.USAGE,
        "a password is needed, and there is no terminal to ask for it",
        "give a file that holds it: --password-file FILE; or, for a devnet's key: --unencrypted",
    )


def _first_line(path: Path) -> str:
    password = path.read_text(encoding="utf-8").split("\n")[0]
    if not password:
        raise CommandFailed(Exit.USAGE, f"the first line of {path} is empty")
    return password
