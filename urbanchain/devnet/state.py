"""devnet.json: what is remembered of a devnet between two commands.

Written whole, at once, or not at all. Reading it needs no library: `urbanchain tx` looks here for
nodes and accounts, and must start fast.
"""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from urbanchain.devnet.errors import DevnetDamaged, DevnetMissing, UnknownNode
from urbanchain.devnet.ports import HOST, Ports
from urbanchain.devnet.processes import ProcessId

FORMAT = "urbanchain-devnet/1"
FILE_NAME = "devnet.json"
GENESIS_NAME = "genesis.json"
LOG_NAME = "log.jsonl"


@dataclass(frozen=True, slots=True)
class NodeEntry:
    """One validator of the devnet."""

    name: str
    agency: str
    ports: Ports
    process: ProcessId | None
    """The process last started for it, alive or not."""

    @property
    def api(self) -> str:
        """Its API's URL."""
        return f"http://{HOST}:{self.ports.api}"

    @property
    def p2p(self) -> str:
        """Where other validators reach it, host:port."""
        return f"{HOST}:{self.ports.p2p}"


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """One account of the devnet's genesis."""

    name: str
    agency: str
    address: str
    roles: tuple[str, ...]
    balance: int
    """At the start, in minor units."""

    @property
    def key_file(self) -> str:
        """Relative to the devnet's directory."""
        return f"keys/{self.name}.key"


@dataclass(frozen=True, slots=True)
class DevnetState:
    """A devnet in a directory."""

    directory: Path
    chain: str
    seed: str
    genesis_hash: str
    """Lower-case hex."""
    nodes: tuple[NodeEntry, ...]
    accounts: tuple[AccountEntry, ...]

    @property
    def genesis(self) -> Path:
        """The chain's genesis.json."""
        return self.directory / GENESIS_NAME

    @property
    def urls(self) -> tuple[str, ...]:
        """Every node's API."""
        return tuple(node.api for node in self.nodes)

    def home(self, node: NodeEntry) -> Path:
        """The node's home directory."""
        return self.directory / node.name

    def log(self, node: NodeEntry) -> Path:
        """Where the node's log goes."""
        return self.home(node) / LOG_NAME

    def find_node(self, wanted: str) -> NodeEntry:
        """A validator by number or name. Raises UnknownNode."""
        name = f"validator-{wanted}" if wanted.isdecimal() else wanted
        found = next((node for node in self.nodes if node.name == name), None)
        if found is None:
            raise UnknownNode(wanted, tuple(node.name for node in self.nodes))
        return found

    def find_account(self, name: str) -> AccountEntry | None:
        """An account by its name."""
        return next((account for account in self.accounts if account.name == name), None)

    def with_process(self, name: str, process: ProcessId) -> "DevnetState":
        """The same, with a node's new process."""
        nodes = tuple(replace(n, process=process) if n.name == name else n for n in self.nodes)
        return replace(self, nodes=nodes)


def save_state(state: DevnetState) -> None:
    """Replace devnet.json."""
    document = {"format": FORMAT} | asdict(state)
    del document["directory"]
    path = state.directory / FILE_NAME
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="ascii") as file:
        file.write(json.dumps(document, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load_state(directory: Path) -> DevnetState:
    """Read devnet.json. Raises DevnetMissing, DevnetDamaged."""
    path = directory / FILE_NAME
    try:
        text = path.read_text(encoding="ascii")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DevnetMissing(directory) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DevnetDamaged(path, str(error)) from error
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise DevnetDamaged(path, f"its format is not {FORMAT}")
        return DevnetState(
            directory=directory,
            chain=str(document["chain"]),
            seed=str(document["seed"]),
            genesis_hash=str(document["genesis_hash"]),
            nodes=tuple(_read_node(item) for item in document["nodes"]),
            accounts=tuple(_read_account(item) for item in document["accounts"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DevnetDamaged(path, "it is not what `devnet up` wrote") from error


def _read_node(item: Any) -> NodeEntry:
    process = item["process"]
    return NodeEntry(
        name=str(item["name"]),
        agency=str(item["agency"]),
        ports=Ports(**{use: int(port) for use, port in item["ports"].items()}),
        process=None if process is None else ProcessId(int(process["pid"]), process["birth"]),
    )


def _read_account(item: Any) -> AccountEntry:
    return AccountEntry(
        name=str(item["name"]),
        agency=str(item["agency"]),
        address=str(item["address"]),
        roles=tuple(str(role) for role in item["roles"]),
        balance=int(item["balance"]),
    )
