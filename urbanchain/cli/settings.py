"""The options every command takes, before or after its name, and what they come to.

Precedence: the option, then URBANCHAIN_<OPTION>, then the default.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from urbanchain.cli.output import Form, Screen

_META = "urbanchain.settings"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
P = ParamSpec("P")
R = TypeVar("R")


def parse_duration(text: str) -> float:
    """Seconds, from `10s`, `200ms`, `1.5m`, or plain seconds. Raises BadParameter."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|)", text.strip())
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0 < seconds <= 86_400:
        raise click.BadParameter(f"{text!r} is no time like 10s, 200ms or 2m")
    return seconds


@dataclass(frozen=True, slots=True)
class Settings:
    """The global options of one invocation."""

    home: Path
    """A node's home, or where keys are."""
    state: Path
    """Where the devnet is."""
    urls: tuple[str, ...]
    """Nodes named by the user; empty: those of the devnet."""
    key: str | None
    """Who signs: a name or a key file."""
    password_file: Path | None
    timeout_s: float
    is_verbose: bool
    assumes_yes: bool
    screen: Screen


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value not in (None, False, 0):
        ctx.meta.setdefault(_META, {})[param.name] = value


_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--home",), {"metavar": "DIR", "help": "A node's home directory.  [default: .]"}),
    (
        ("--state",),
        {"metavar": "DIR", "help": "The devnet's directory.  [default: .devnet]"},
    ),
    (
        ("--url",),
        {"metavar": "URL", "help": "A node's API, several by commas.  [default: the devnet's]"},
    ),
    (("--key",), {"metavar": "NAME", "help": "Who signs: an account's name or its key file."}),
    (
        ("--password-file",),
        {"metavar": "FILE", "help": "A file whose first line opens the key file."},
    ),
    (
        ("-o", "--output"),
        {"type": click.Choice([form.value for form in Form]), "help": "How results are written."},
    ),
    (
        ("--timeout",),
        {"type": parse_duration, "metavar": "TIME", "help": "How long to wait.  [default: 10s]"},
    ),
    (("-q", "--quiet"), {"is_flag": True, "help": "Results and errors only."}),
    (("-v", "--verbose"), {"is_flag": True, "help": "Say more; tracebacks of unforeseen errors."}),
    (("--yes",), {"is_flag": True, "help": "Do not ask."}),
    (("--no-color",), {"is_flag": True, "help": "No colour; so does NO_COLOR in the environment."}),
)


def make_options(*, hidden: bool) -> list[click.Option]:
    """The global options, anew; hidden where they are only accepted. Only the visible ones, which
    come first, read the environment."""
    options = []
    for names, attributes in _OPTIONS:
        long = names[-1].removeprefix("--")
        variable = f"URBANCHAIN_{long.upper().replace('-', '_')}"
        options.append(
            click.Option(
                names,
                callback=_remember,
                expose_value=False,
                hidden=hidden,
                envvar=None if hidden else variable,
                **attributes,
            )
        )
    return options


def read_settings(ctx: click.Context) -> Settings:
    """What was given so far in this invocation."""
    given: dict[str, Any] = ctx.meta.get(_META, {})
    password_file = given.get("password_file")
    return Settings(
        home=Path(given.get("home", ".")),
        state=Path(given.get("state", ".devnet")),
        urls=tuple(filter(None, given.get("url", "").split(","))),
        key=given.get("key"),
        password_file=None if password_file is None else Path(password_file),
        timeout_s=given.get("timeout", 10.0),
        is_verbose=bool(given.get("verbose")),
        assumes_yes=bool(given.get("yes")),
        screen=Screen(
            form=Form(given.get("output", Form.TEXT.value)),
            is_quiet=bool(given.get("quiet")),
            may_color=not given.get("no_color"),
        ),
    )


def pass_settings(
    callback: Callable[Concatenate[Settings, P], R],
) -> Callable[P, R]:
    """Give a command's callback the global options as its first argument."""

    def with_settings(*args: P.args, **kwargs: P.kwargs) -> R:
        return callback(read_settings(click.get_current_context()), *args, **kwargs)

    return update_wrapper(with_settings, callback)
