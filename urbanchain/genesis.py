"""genesis.json: what all validators must share. The hash of its bytes names the chain.

Parsing is strict, and reports every problem at once. Membership, parameters and the first accounts
are here; how to reach a validator is not (node.toml), since that may differ from node to node.
"""

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from urbanchain import zip215
from urbanchain.errors import ConfigurationError, Problem
from urbanchain.signatures import ED25519, SUITES
from urbanchain.types import INT63_MAX, Validator, ValidatorSet, compute_genesis_hash

FORMAT = "urbanchain-genesis/1"
FILE_BYTES_MAX = 4 * 1024 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


def _name(text: str) -> str:
    if not _NAME.match(text):
        raise ValueError("must be 1 to 32 of a-z, 0-9 and '-', not beginning with '-'")
    return text


def _hex(text: str) -> str:
    if not re.fullmatch(r"([0-9a-f]{2})+", text):
        raise ValueError("must be lower-case hex")
    return text


def _amount(text: str) -> str:
    if not _AMOUNT.match(text) or int(text) > INT63_MAX:
        raise ValueError("must be a decimal string from 0 to 2^63-1")
    return text


def _time(text: str) -> str:
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError("must be like 2026-11-24T00:00:00.000Z") from error
    if not 2020 <= moment.year <= 2999 or len(text) != 24:
        raise ValueError("must be like 2026-11-24T00:00:00.000Z, from 2020 on")
    return text


Name = Annotated[str, AfterValidator(_name)]
Hex = Annotated[str, AfterValidator(_hex)]
Amount = Annotated[str, AfterValidator(_amount)]
Role = Literal["operator", "issuer", "admin"]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Parameters(_Strict):
    """Rules that every validator applies alike."""

    rotation_blocks: int = Field(default=256, ge=1, le=1_000_000)
    """After how many heights the primary's seat moves on by itself."""
    view_timeout_ms: int = Field(default=2_000, ge=100, le=600_000)
    """How long to wait for a commit while there is work, before suspecting the primary."""
    view_timeout_max_ms: int = Field(default=60_000, ge=100, le=3_600_000)
    """The cap of that time-out's doubling."""
    inclusion_deadline_ms: int = Field(default=10_000, ge=500, le=3_600_000)
    """A transaction held longer, while blocks had room for it, makes the primary suspect."""
    expiry_window_ms: int = Field(default=600_000, ge=10_000, le=86_400_000)
    """How far ahead of block time a transaction may expire."""
    clock_ahead_max_ms: int = Field(default=500, ge=0, le=60_000)
    """How far a block's time may be ahead of a judge's clock before it is held."""
    block_bytes_max: int = Field(default=4_194_304, ge=65_536, le=8_388_608)
    """The greatest payload of a block."""
    block_transactions_max: int = Field(default=4_000, ge=1, le=100_000)
    """The most transactions in a block."""
    block_weight_max: int = Field(default=100_000, ge=100, le=10_000_000)
    """The greatest sum of declared weights in a block."""


class Bucket(_Strict):
    """An agency's token bucket: weight it may spend."""

    rate_per_s: int = Field(default=10_000, ge=1, le=10_000_000)
    """Weight regained per second of block time."""
    burst: int = Field(default=100_000, ge=100, le=100_000_000)
    """The most that can be saved up."""


class Agency(_Strict):
    """A public body: owns accounts, may run validators."""

    name: Name
    title: str = Field(default="", max_length=100)
    """Its name as people write it."""
    bucket: Bucket = Bucket()


class Account(_Strict):
    """An account that exists from the start."""

    name: Name | None = None
    """A label, unique in this file."""
    agency: Name
    suite: int = Field(default=ED25519, ge=0, le=255)
    key: Hex
    roles: tuple[Role, ...] = ()
    balance: Amount = "0"


class ValidatorEntry(_Strict):
    """A seat in the first epoch's set."""

    name: Name
    agency: Name
    suite: int = Field(default=ED25519, ge=0, le=255)
    key: Hex
    """The consensus key."""
    tls_certificate: str
    """Base64 of the DER certificate its node shows on links."""

    def certificate_der(self) -> bytes:
        """The certificate's bytes. Raises ValueError."""
        return base64.b64decode(self.tls_certificate, validate=True)


class Genesis(_Strict):
    """The content of genesis.json."""

    format: Literal["urbanchain-genesis/1"]
    chain: Name
    devnet: bool
    """Whether devnet rules and unencrypted keys are allowed."""
    time: Annotated[str, AfterValidator(_time)]
    """Block time before the first block."""
    parameters: Parameters = Parameters()
    agencies: tuple[Agency, ...]
    accounts: tuple[Account, ...] = ()
    validators: tuple[ValidatorEntry, ...]

    @property
    def time_ms(self) -> int:
        """`time` in ms since the epoch."""
        moment = datetime.strptime(self.time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
        return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000

    def validator_set(self) -> ValidatorSet:
        """The first epoch's members, in the file's order."""
        return ValidatorSet(
            tuple(
                Validator(v.name, v.agency, v.suite, bytes.fromhex(v.key)) for v in self.validators
            )
        )


@dataclass(frozen=True, slots=True)
class GenesisFile:
    """genesis.json: its bytes, the hash that names the chain, and what it says."""

    raw: bytes
    hash: bytes
    genesis: Genesis


def load_genesis(path: Path) -> GenesisFile:
    """Read a file. Raises ConfigurationError with every problem."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        problem = Problem(str(path), "", f"cannot be read: {error.strerror}")
        raise ConfigurationError([problem]) from error
    return parse_genesis(raw, str(path))


def parse_genesis(raw: bytes, name: str = "genesis.json") -> GenesisFile:
    """Read the bytes of a genesis file. Raises ConfigurationError with every problem; `name` is the
    file's."""
    content = _parse_json(raw, name)
    try:
        genesis = Genesis.model_validate_json(raw)
    except ValidationError as error:
        problems = [
            Problem(name, ".".join(str(part) for part in item["loc"]), _sentence(item))
            for item in error.errors(include_url=False)
        ]
        problems += _cross_check_raw(content, name)
        raise ConfigurationError(problems) from error
    problems = [Problem(name, pointer, message) for pointer, message in _cross_check(genesis)]
    if problems:
        raise ConfigurationError(problems)
    return GenesisFile(raw, compute_genesis_hash(raw), genesis)


def render_genesis(genesis: Genesis) -> bytes:
    """A genesis file for new content. Never for one that exists: its bytes are its identity."""
    return (json.dumps(genesis.model_dump(mode="json"), indent=2) + "\n").encode()


def _parse_json(raw: bytes, name: str) -> Any:
    if len(raw) > FILE_BYTES_MAX:
        raise ConfigurationError([Problem(name, "", f"is larger than {FILE_BYTES_MAX} bytes")])

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            raise ValueError("a key stands twice in one object")
        return dict(pairs)

    try:
        return json.loads(raw, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        problem = Problem(name, "", f"is not JSON: {str(error) or 'nested too deeply'}")
        raise ConfigurationError([problem]) from error


def _sentence(item: Any) -> str:
    text = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        return "is not a known key"
    return text[:1].lower() + text[1:]


def _cross_check_raw(content: Any, name: str) -> list[Problem]:
    """Membership problems worth telling even when some field is malformed."""
    validators = content.get("validators") if isinstance(content, dict) else None
    if not isinstance(validators, list):
        return []
    keys = [v.get("key") for v in validators if isinstance(v, dict)]
    found = []
    if len(validators) < 4:
        found.append(_too_few(len(validators)))
    if len({str(key) for key in keys}) < len(keys):
        found.append(("validators", "two validators have the same consensus key"))
    return [Problem(name, pointer, message) for pointer, message in found]


def _too_few(count: int) -> tuple[str, str]:
    return "validators", f"{count} validators; PBFT tolerates no fault with fewer than four"


def _cross_check(genesis: Genesis) -> list[tuple[str, str]]:
    problems = []
    if len(genesis.validators) < 4:
        problems.append(_too_few(len(genesis.validators)))
    if len(genesis.validators) > 255:
        problems.append(("validators", "more than 255 validators"))
    if genesis.parameters.view_timeout_max_ms < genesis.parameters.view_timeout_ms:
        problems.append(("parameters.view_timeout_max_ms", "is below view_timeout_ms"))
    problems += _duplicates("agencies", "name", [a.name for a in genesis.agencies])
    for field in ("name", "key", "tls_certificate"):
        values = [getattr(validator, field) for validator in genesis.validators]
        problems += _duplicates("validators", field, values)
    problems += _duplicates("accounts", "key", [a.key for a in genesis.accounts])
    labels = [a.name for a in genesis.accounts if a.name is not None]
    problems += _duplicates("accounts", "name", labels)
    agencies = {agency.name for agency in genesis.agencies}
    owned = [
        (f"validators.{i}", v.agency, v.suite, v.key) for i, v in enumerate(genesis.validators)
    ]
    owned += [(f"accounts.{i}", a.agency, a.suite, a.key) for i, a in enumerate(genesis.accounts)]
    for place, agency, suite, key in owned:
        if agency not in agencies:
            problems.append((f"{place}.agency", f"no agency {agency!r}"))
        problems += _check_key(place, suite, key)
    for index, validator in enumerate(genesis.validators):
        problems += _check_certificate(f"validators.{index}.tls_certificate", validator)
    if sum(int(account.balance) for account in genesis.accounts) > INT63_MAX:
        problems.append(("accounts", "all balances together exceed 2^63-1"))
    return problems


def _duplicates(kind: str, field: str, values: list[str]) -> list[tuple[str, str]]:
    seen: dict[str, int] = {}
    problems = []
    for index, value in enumerate(values):
        if value in seen:
            text = f"the same {field} as {kind}.{seen[value]}"
            problems.append((f"{kind}.{index}.{field}", text))
        seen.setdefault(value, index)
    return problems


def _check_key(place: str, number: int, key: str) -> list[tuple[str, str]]:
    suite = SUITES.get(number)
    if suite is None:
        return [(f"{place}.suite", f"{number} is not a signature suite of this chain")]
    if len(key) != 2 * suite.key_bytes:
        return [(f"{place}.key", f"a key of suite {suite.name} has {suite.key_bytes} bytes")]
    point = zip215.decode_point(bytes.fromhex(key))
    if point is None:
        return [(f"{place}.key", "is not a point of the curve")]
    if zip215.is_identity(zip215.multiply(8, point)):
        return [(f"{place}.key", "is of small order: anyone can sign for it")]
    return []


def _check_certificate(place: str, validator: ValidatorEntry) -> list[tuple[str, str]]:
    try:
        certificate = x509.load_der_x509_certificate(validator.certificate_der())
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return [(place, "is not a base64 DER certificate")]
    if not isinstance(key, Ed25519PublicKey):
        return [(place, "its key is not Ed25519")]
    if key.public_bytes_raw().hex() == validator.key:
        return [(place, "its key is the consensus key: they must be two")]
    return []
