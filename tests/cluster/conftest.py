"""Devnets of real processes for every test in this folder; nothing is left running."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    yield shell
    shell.run("devnet", "down")


@pytest.fixture
def devnet(shell: Shell) -> Shell:
    shell.succeed("devnet", "up", "--detach", "--base-port", 0)
    return shell


@pytest.fixture(scope="module")
def shared_devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """One devnet for tests that leave it as they found it."""
    shell = Shell(tmp_path_factory.mktemp("devnet"))
    shell.succeed("devnet", "up", "--detach", "--base-port", 0)
    yield shell
    shell.run("devnet", "down")
