"""Checking a node's home without starting it: every file's problems, all at once."""

import tomllib
from pathlib import Path
from typing import Any

from urbanchain.config import FILE_NAME, load_config
from urbanchain.errors import ConfigurationError, Problem
from urbanchain.genesis import GenesisFile, load_genesis

GENESIS_NAME = "genesis.json"


def check_genesis(path: Path) -> dict[str, Any]:
    """What a genesis file says. Raises ConfigurationError with every problem."""
    return _describe([str(path)], load_genesis(path))


def check_home(home: Path) -> dict[str, Any]:
    """What a home's files say. Raises ConfigurationError with every problem, WrongPassword."""
    problems: list[Problem] = []
    try:
        named = load_config(home).genesis
    except ConfigurationError as error:
        problems += error.problems
        named = _named_genesis(home / FILE_NAME)
    genesis_path = home / named
    try:
        genesis = load_genesis(genesis_path)
    except ConfigurationError as error:
        # Without a node.toml nobody said that genesis is here: no second complaint then.
        if genesis_path.exists() or not problems:
            problems += error.problems
        raise ConfigurationError(problems) from error
    if problems:
        raise ConfigurationError(problems)
    # Loads the node with all its libraries: only for a home whose files are worth it.
    from urbanchain.node.home import load_home

    load_home(home)
    return _describe([str(home / FILE_NAME), str(genesis_path)], genesis)


def _named_genesis(path: Path) -> str:
    """Where a node.toml says genesis is, however wrong the rest of it may be."""
    try:
        named = tomllib.loads(path.read_text(encoding="utf-8")).get("genesis")
    except (OSError, ValueError):
        named = None
    return named if isinstance(named, str) else GENESIS_NAME


def _describe(files: list[str], genesis: GenesisFile) -> dict[str, Any]:
    return {
        "valid": True,
        "files": files,
        "chain": genesis.genesis.chain,
        "genesis": genesis.hash.hex(),
        "validators": [validator.name for validator in genesis.genesis.validators],
        "devnet": genesis.genesis.devnet,
    }
