"""Private keys and the files they live in.

A key file is JSON: AES-256-GCM under Argon2id (64 MiB, three passes), or, for devnets only and
marked so, in the clear. It is refused unless its mode is 0600, it is ours, and it is no symbolic
link. A damaged file is an error, never a reason to make a new key. Sources: RFC 9106 (Argon2), RFC
8032 (Ed25519), RFC 5869 (HKDF).
"""

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from typing import Any, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from urbanchain.addresses import format_address
from urbanchain.errors import UrbanchainError
from urbanchain.signatures import ED25519
from urbanchain.types import compute_address

FORMAT = "urbanchain-key/1"
KINDS = ("account", "consensus", "tls", "admin")
_KDF = {"name": "argon2id", "memory_kib": 65536, "iterations": 3, "lanes": 1}
_KDF_BOUNDS = {"memory_kib": (8, 1 << 20), "iterations": (1, 16), "lanes": (1, 16)}
_FILE_BYTES_MAX = 16 * 1024


class KeyFileInvalid(UrbanchainError):
    """A key file that must not be used; the message says why and what to do."""


class WrongPassword(UrbanchainError):
    """The password does not open the key file."""


class Key(Protocol):
    """What signing needs of a key: a file, an HSM or a remote signer."""

    @property
    def suite(self) -> int:
        """The signature suite's number."""
        ...

    @property
    def public_key(self) -> bytes:
        """The public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """A signature over the message."""
        ...


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """An Ed25519 key in memory. Its representation shows only the public half."""

    _secret: bytes = field(repr=False)
    public_key: bytes

    @classmethod
    def generate(cls) -> Self:
        """A new random key."""
        return cls.from_secret(token_bytes(32))

    @classmethod
    def from_secret(cls, secret: bytes) -> Self:
        """The key of 32 secret bytes (RFC 8032 §5.1.5)."""
        public = Ed25519PrivateKey.from_private_bytes(secret).public_key()
        return cls(secret, public.public_bytes_raw())

    @classmethod
    def load(cls, path: str | Path, password: str | None = None) -> Self:
        """The account key in a file; a devnet's are unencrypted. Raises KeyFileInvalid,
        WrongPassword."""
        loaded = load_key(Path(path), password, allow_devnet=True)
        return cls(loaded._secret, loaded.public_key)

    @property
    def suite(self) -> int:
        """The signature suite's number."""
        return ED25519

    @property
    def address(self) -> bytes:
        """The 20-byte address of an account opened with this key."""
        return compute_address(ED25519, self.public_key)

    def sign(self, message: bytes) -> bytes:
        """64 bytes, always the same for the same message."""
        return Ed25519PrivateKey.from_private_bytes(self._secret).sign(message)

    def exchange_secret(self) -> bytes:
        """The 32 secret bytes, for the TLS library and for key files."""
        return self._secret


def derive_devnet_key(seed: str, name: str) -> PrivateKey:
    """A key that anyone who knows the public seed can derive: never to be used outside a devnet."""
    info = b"urbanchain/devnet/" + name.encode()
    derived = HKDF(SHA256(), 32, salt=b"urbanchain-devnet", info=info).derive(seed.encode())
    return PrivateKey.from_secret(derived)


def write_key(path: Path, key: PrivateKey, kind: str, password: str | None) -> None:
    """Write a new key file, mode 0600. Without a password it is marked as a devnet's, in the clear.

    Raises FileExistsError rather than overwrite, OSError if the disk refuses."""
    description: dict[str, Any] = {
        "format": FORMAT,
        "kind": kind,
        "suite": key.suite,
        "public_key": key.public_key.hex(),
        "address": format_address(key.address),
    }
    secret = key.exchange_secret()
    if password is None:
        description |= {"devnet_unencrypted": True, "private_key": secret.hex()}
    else:
        description |= _encrypt(secret, password, key.public_key)
    text = json.dumps(description, indent=2) + "\n"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def load_key(path: Path, password: str | None, *, allow_devnet: bool) -> PrivateKey:
    """The key in a file. Raises KeyFileInvalid, WrongPassword."""
    description = read_description(path)
    if description.get("devnet_unencrypted") is True:
        if not allow_devnet:
            raise KeyFileInvalid(
                f"{path} is an unencrypted devnet key; this chain is not a devnet: make a real one"
                " with `urbanchain keys new`"
            )
        secret = _hex(path, description, "private_key", 32)
    else:
        secret = _decrypt(path, description, password)
    key = PrivateKey.from_secret(secret)
    if key.public_key.hex() != description.get("public_key"):
        raise KeyFileInvalid(f"{path} is damaged: its public key is not that of its private key")
    return key


def read_description(path: Path) -> dict[str, Any]:
    """What a key file says of itself, secret parts still encrypted. Raises KeyFileInvalid."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise KeyFileInvalid(f"{path} does not exist") from error
    except OSError as error:
        raise KeyFileInvalid(f"{path} is no plain file: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        _check_ownership(path, os.fstat(file.fileno()))
        data = file.read(_FILE_BYTES_MAX + 1)
    try:
        description = json.loads(data)
    except ValueError as error:
        raise KeyFileInvalid(f"{path} is damaged: not JSON; restore it") from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise KeyFileInvalid(f"{path} is not a key file of format {FORMAT}")
    if description.get("kind") not in KINDS or description.get("suite") != ED25519:
        raise KeyFileInvalid(f"{path} has an unknown kind or signature suite")
    return description


def _check_ownership(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileInvalid(f"{path} is not a plain file")
    if status.st_uid != os.geteuid():
        raise KeyFileInvalid(f"{path} belongs to another user; `chown` it to the node's user")
    if stat.S_IMODE(status.st_mode) != 0o600:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyFileInvalid(f"{path} has mode {mode:04o}; others may read it: chmod 600 {path}")


def _encrypt(secret: bytes, password: str, public_key: bytes) -> dict[str, Any]:
    salt, nonce = token_bytes(16), token_bytes(12)
    sealed = AESGCM(_stretch(password, salt, _KDF)).encrypt(nonce, secret, public_key)
    return {
        "cipher": "aes-256-gcm",
        "kdf": _KDF | {"salt": salt.hex()},
        "nonce": nonce.hex(),
        "ciphertext": sealed.hex(),
    }


def _decrypt(path: Path, description: dict[str, Any], password: str | None) -> bytes:
    if password is None:
        raise WrongPassword(f"{path} is encrypted: give its password (--password-file)")
    kdf = description.get("kdf")
    if not isinstance(kdf, dict) or kdf.get("name") != "argon2id":
        raise KeyFileInvalid(f"{path} is damaged: its key derivation is unknown")
    for name, (low, high) in _KDF_BOUNDS.items():
        if type(kdf.get(name)) is not int or not low <= kdf[name] <= high:
            raise KeyFileInvalid(f"{path} is damaged: kdf.{name} is not {low} to {high}")
    salt, nonce = _hex(path, kdf, "salt", 16), _hex(path, description, "nonce", 12)
    sealed = _hex(path, description, "ciphertext", 48)
    public_key = _hex(path, description, "public_key", 32)
    try:
        return AESGCM(_stretch(password, salt, kdf)).decrypt(nonce, sealed, public_key)
    except InvalidTag as error:
        raise WrongPassword(f"the password does not open {path}") from error


def _stretch(password: str, salt: bytes, kdf: dict[str, Any]) -> bytes:
    return Argon2id(
        salt=salt,
        length=32,
        iterations=kdf["iterations"],
        lanes=kdf["lanes"],
        memory_cost=kdf["memory_kib"],
    ).derive(password.encode())


def _hex(path: Path, fields: dict[str, Any], name: str, length: int) -> bytes:
    value = fields.get(name)
    try:
        data = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        data = b""
    if len(data) != length:
        raise KeyFileInvalid(f"{path} is damaged: {name} is not {length} bytes of hex")
    return data
