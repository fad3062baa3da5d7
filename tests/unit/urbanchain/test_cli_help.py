"""The command line before it does anything: help, options, how quickly it starts."""

import json
import subprocess
import sys

import click
import pytest

from tests.fakes.cli import urbanchain
from urbanchain.cli.root import COMMANDS, root

HEAVY = {"aiohttp", "cryptography", "plyvel", "pydantic", "rich", "asyncio"}
PROBE = """
import json, sys
from urbanchain.cli.root import run
code = run(json.loads(sys.argv[1]))
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]), file=sys.stderr)
"""


def imported_by(*arguments: str) -> tuple[int, set[str]]:
    """The exit code of a command in a fresh interpreter, and the packages it loaded."""
    command = [sys.executable, "-c", PROBE, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, set(modules)


def commands(group: click.Group = root, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    ctx = click.Context(group)
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        own = (*path, name)
        found += commands(command, own) if isinstance(command, click.Group) else [own]
    return found


def test_help_lists_every_group_and_loads_nothing_heavy() -> None:
    code, modules = imported_by("--help")
    assert code == 0
    assert not modules & HEAVY


def test_sending_a_transaction_loads_no_server_no_database_and_no_models() -> None:
    code, modules = imported_by("query", "chain", "--url", "http://127.0.0.1:1")
    assert code == 6
    assert not modules & {"aiohttp", "plyvel", "pydantic", "rich"}


def test_help_names_every_group() -> None:
    text = urbanchain("--help").out
    assert [name for name in COMMANDS if f"\n  {name} " not in text] == []


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(command: tuple[str, ...]) -> None:
    outcome = urbanchain(*command, "--help")
    assert outcome.code == 0
    assert "Example" in outcome.out
    assert f"urbanchain {' '.join(command)}" in outcome.out


def test_a_command_that_is_not_built_is_not_there() -> None:
    assert urbanchain("gov", "propose").code == 2


@pytest.mark.parametrize(
    "arguments", [("-o", "json", "version"), ("version", "-o", "json")], ids=("before", "after")
)
def test_global_options_stand_before_or_after_the_command(arguments: tuple[str, ...]) -> None:
    assert urbanchain(*arguments).json["version"]


def test_a_global_option_may_stand_between_group_and_command() -> None:
    assert urbanchain("devnet", "--state", "/nowhere", "status").code == 3


def test_the_environment_sets_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCHAIN_OUTPUT", "json")
    assert urbanchain("version").json["version"]


def test_an_option_given_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCHAIN_OUTPUT", "json")
    assert urbanchain("version", "-o", "text").out.startswith("urbanchain ")


@pytest.mark.parametrize("time", ["0", "-1s", "soon", "1d", "1e3", "100000h"])
def test_a_timeout_that_is_no_time_is_a_usage_error(time: str) -> None:
    assert urbanchain("version", "--timeout", time).code == 2


def test_an_unknown_option_is_a_usage_error() -> None:
    assert urbanchain("version", "--nonsense").code == 2


def test_nothing_is_coloured_when_stdout_is_no_terminal() -> None:
    assert "\x1b" not in urbanchain("config", "default").out
