"""A node's home directory: configuration, genesis and keys, each checked before anything runs.

HOME/node.toml  genesis.json  keys/consensus.key  keys/tls.key  data/  run.json (while it runs)
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from p2p import PeerAddress, TlsIdentity
from urbanchain.config import NodeConfig, load_config, parse_endpoint
from urbanchain.errors import ConfigurationError, Problem
from urbanchain.genesis import GenesisFile, ValidatorEntry, load_genesis
from urbanchain.keys import KeyFileInvalid, PrivateKey, WrongPassword, load_key

RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class Home:
    """Everything a node is made of, found and checked."""

    directory: Path
    config: NodeConfig
    genesis: GenesisFile
    seat: ValidatorEntry
    """This node's entry in genesis."""
    consensus_key: PrivateKey
    tls: TlsIdentity
    peers: tuple[PeerAddress, ...]

    @property
    def data(self) -> Path:
        """The database's directory."""
        return self.directory / self.config.data


def load_home(directory: Path) -> Home:
    """Read and check a home. Raises ConfigurationError with every problem, WrongPassword."""
    config = load_config(directory)
    genesis = load_genesis(Path(os.path.normpath(directory / config.genesis)))
    seat = next((v for v in genesis.genesis.validators if v.name == config.name), None)
    if seat is None:
        names = ", ".join(v.name for v in genesis.genesis.validators)
        text = f"{config.name!r} is no validator of this genesis, which has {names}"
        raise ConfigurationError([Problem(str(directory / "node.toml"), "name", text)])
    problems = _check_peers(directory, config, genesis)
    keys: list[PrivateKey] = []
    for path, kind, expected in (
        (config.keys.consensus, "consensus", seat.key),
        (config.keys.tls, "tls", None),
    ):
        try:
            keys.append(_load_key(directory, config, genesis, path, expected))
        except KeyFileInvalid as error:
            problems.append(Problem(str(directory / "node.toml"), f"keys.{kind}", str(error)))
    if problems:
        raise ConfigurationError(problems)
    tls = TlsIdentity.make(keys[1].exchange_secret(), config.name)
    if tls.certificate != seat.certificate_der():
        text = f"is not the key of {config.name}'s certificate in genesis"
        raise ConfigurationError([Problem(str(directory / "node.toml"), "keys.tls", text)])
    return Home(directory, config, genesis, seat, keys[0], tls, _peers(config, genesis))


def _load_key(
    directory: Path, config: NodeConfig, genesis: GenesisFile, path: str, expected: str | None
) -> PrivateKey:
    password = _password(directory, config)
    key = load_key(directory / path, password, allow_devnet=genesis.genesis.devnet)
    if expected is not None and key.public_key.hex() != expected:
        raise KeyFileInvalid(f"{directory / path} is not {config.name}'s key in genesis")
    return key


def _password(directory: Path, config: NodeConfig) -> str | None:
    if not config.keys.password_file:
        return None
    path = directory / config.keys.password_file
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise WrongPassword(f"{path} may be read by others: chmod 600 {path}")
        return path.read_text(encoding="utf-8").split("\n")[0]
    except OSError as error:
        raise WrongPassword(f"{path} cannot be read: {error.strerror}") from error


def _check_peers(directory: Path, config: NodeConfig, genesis: GenesisFile) -> list[Problem]:
    names = {v.name for v in genesis.genesis.validators}
    file = str(directory / "node.toml")
    problems = [
        Problem(file, f"p2p.peers.{name}", "is no validator of this genesis")
        for name in sorted(set(config.p2p.peers) - names)
    ]
    problems += [
        Problem(file, "p2p.peers", f"says not where {name} listens")
        for name in sorted(names - set(config.p2p.peers) - {config.name})
    ]
    return problems


def _peers(config: NodeConfig, genesis: GenesisFile) -> tuple[PeerAddress, ...]:
    addresses = []
    for entry in genesis.genesis.validators:
        if entry.name != config.name:
            endpoint = parse_endpoint(config.p2p.peers[entry.name])
            certificate = entry.certificate_der()
            addresses.append(PeerAddress(entry.name, certificate, endpoint.host, endpoint.port))
    return tuple(addresses)
