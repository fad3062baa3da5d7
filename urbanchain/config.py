"""node.toml: what may differ from node to node. Strict, every problem at once, each setting
documented in place.

Precedence: environment (URBANCHAIN_<SECTION>_<SETTING>) over the file over the default. Paths are
relative to the node's home directory, where the file lies.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from urbanchain.errors import ConfigurationError, Problem
from urbanchain.genesis import Name

FILE_NAME = "node.toml"
ENVIRONMENT_PREFIX = "URBANCHAIN_"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_endpoint(text: str) -> Endpoint:
    """`host:port` or `[ipv6]:port`. Raises ValueError."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]\s]+):([0-9]{1,6})", text)
    if match is None:
        raise ValueError("must be host:port")
    port = int(match[2])
    if port > 65535:
        raise ValueError(f"port {port} is out of range: 0 to 65535")
    return Endpoint(match[1].strip("[]"), port)


def _endpoint(text: str) -> str:
    parse_endpoint(text)
    return text


HostPort = Annotated[str, AfterValidator(_endpoint)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True
    )


class Keys(_Strict):
    """Where this node's keys are."""

    consensus: str = "keys/consensus.key"
    """The key that signs votes."""
    tls: str = "keys/tls.key"
    """The key of this node's links to other validators."""
    password_file: str = ""
    """A file, mode 0600, whose first line opens both key files; empty when they are not
    encrypted."""


class P2P(_Strict):
    """Links to the other validators."""

    listen: HostPort = "127.0.0.1:7070"
    """Where links are accepted; port 0 takes any free one."""
    peers: dict[Name, HostPort] = Field(default_factory=dict)
    """Where each other validator listens, by its name in genesis."""


class Api(_Strict):
    """The public HTTP listener."""

    listen: HostPort = "127.0.0.1:7080"
    """Where requests are accepted; port 0 takes any free one."""
    public: bool = False
    """Allows listening beyond loopback, where requests travel in the clear: put a TLS proxy in
    front."""
    connections_max: int = Field(default=512, ge=8, le=65_536)
    """More simultaneous connections are refused."""
    submissions_max: int = Field(default=64, ge=1, le=4_096)
    """Submission requests being worked on at a time; more are answered 503."""
    wait_max_s: int = Field(default=60, ge=1, le=600)
    """The longest a request may wait for a transaction to become final."""
    read_timeout_s: int = Field(default=10, ge=1, le=300)
    """A request must have arrived whole within this time."""


class Ops(_Strict):
    """The listener for health checks: for this machine's supervisor only."""

    listen: HostPort = "127.0.0.1:7090"
    """Where health requests are accepted; port 0 takes any free one."""


class MempoolSettings(_Strict):
    """Transactions waiting for a block."""

    transactions_max: int = Field(default=50_000, ge=100, le=10_000_000)
    """The most that wait."""
    bytes_max: int = Field(default=67_108_864, ge=1_048_576, le=4_294_967_296)
    """The most bytes that wait."""
    agency_share_percent: int = Field(default=50, ge=1, le=100)
    """The part of both that one agency may fill."""


class Log(_Strict):
    """What is written to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important events written."""
    format: Literal["json", "console"] = "json"
    """One JSON object a line for machines, or text for people."""


class NodeConfig(_Strict):
    """The content of node.toml."""

    name: Name
    """Which validator of genesis this node is."""
    genesis: str = "genesis.json"
    """The chain's genesis file."""
    data: str = "data"
    """The directory of the database."""
    keys: Keys = Keys()
    p2p: P2P = P2P()
    api: Api = Api()
    ops: Ops = Ops()
    mempool: MempoolSettings = MempoolSettings()
    log: Log = Log()


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting, for documentation."""

    key: str
    type: str
    default: str
    description: str


def load_config(home: Path, environment: Mapping[str, str] | None = None) -> NodeConfig:
    """node.toml of a node's home. Raises ConfigurationError with every problem."""
    path = home / FILE_NAME
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        hint = "make one with `urbanchain node init`"
        problem = Problem(str(path), "", f"cannot be read: {error.strerror}; {hint}")
        raise ConfigurationError([problem]) from error
    except ValueError as error:
        raise ConfigurationError([Problem(str(path), "", f"is not TOML: {error}")]) from error
    overlay_environment(content, os.environ if environment is None else environment)
    return parse_config(content, str(path))


def parse_config(content: dict[str, Any], file: str = FILE_NAME) -> NodeConfig:
    """Check decoded TOML. Raises ConfigurationError with every problem."""
    try:
        config = NodeConfig.model_validate(content)
    except ValidationError as error:
        problems = [
            Problem(file, ".".join(str(part) for part in item["loc"]), _sentence(item))
            for item in error.errors(include_url=False)
        ]
        raise ConfigurationError(problems) from error
    problems = [Problem(file, key, message) for key, message in _cross_check(config)]
    if problems:
        raise ConfigurationError(problems)
    return config


def overlay_environment(content: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Let URBANCHAIN_API_LISTEN and its like override what the file says. Numbers and booleans are
    read as TOML."""
    for doc in settings_table():
        variable = ENVIRONMENT_PREFIX + doc.key.replace(".", "_").upper()
        text = environment.get(variable)
        if text is None or doc.key == "p2p.peers":
            continue
        section, _, setting = doc.key.rpartition(".")
        target = content.setdefault(section, {}) if section else content
        if isinstance(target, dict):
            target[setting] = _read_value(text, doc.type)


def settings_table() -> list[SettingDoc]:
    """Every setting, in the file's order: what docs/operations.md must list."""
    return _describe(NodeConfig, "")


def _describe(model: type[BaseModel], prefix: str) -> list[SettingDoc]:
    docs = []
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            docs += _describe(annotation, f"{prefix}{name}.")
            continue
        default = "" if field.is_required() else repr(field.get_default(call_default_factory=True))
        docs.append(
            SettingDoc(
                prefix + name,
                _type_name(annotation),
                default,
                " ".join((field.description or "").split()),
            )
        )
    return docs


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(repr(choice) for choice in get_args(annotation))
    if get_origin(annotation) is dict:
        return "table"
    return getattr(annotation, "__name__", str(annotation))


def _read_value(text: str, type_name: str) -> Any:
    if type_name == "bool" and text in ("true", "false"):
        return text == "true"
    if type_name == "int" and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    return text


def _sentence(item: Any) -> str:
    if item["type"] == "extra_forbidden":
        return "is not a setting; `urbanchain config default` lists what is"
    text = str(item["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _cross_check(config: NodeConfig) -> list[tuple[str, str]]:
    problems = []
    if not parse_endpoint(config.api.listen).is_loopback and not config.api.public:
        problems.append(
            ("api.listen", "is reachable from other machines, in the clear; set api.public = true")
        )
    if not parse_endpoint(config.ops.listen).is_loopback:
        problems.append(("ops.listen", "must be a loopback address"))
    if config.name in config.p2p.peers:
        problems.append((f"p2p.peers.{config.name}", "is this node itself"))
    return problems
