"""Contract `records`: the SHA-256 of a document under registry and key; versions are kept, never
overwritten.

| state key | value |
|---|---|
| `records/count/` registry 0x00 key | how many versions there are |
| `records/v/` registry 0x00 key 0x00 version u64 | `[sha256, metadata, sender, agency, height,
block time in ms]` |
"""

from urbanchain.contracts.context import Context, Refused
from urbanchain.contracts.declaration import (
    Argument,
    ArgumentKind,
    Call,
    Contract,
    EventType,
)

KEY_BYTES_MAX = 76
METADATA_BYTES_MAX = 256
VERSION = b"v/"
COUNT = b"count/"


def record_name(registry: str, key: str) -> bytes:
    """How a record is named in state keys."""
    return registry.encode("ascii") + b"\0" + key.encode()


def anchor(
    context: Context, registry: str, key: str, sha256: bytes, metadata: str
) -> Refused | None:
    """Add a version of a record."""
    name = record_name(registry, key)
    count = context.get(COUNT + name)
    version = (count if isinstance(count, int) else 0) + 1
    block = context.block
    value = (sha256, metadata, context.caller, context.agency, block.height, block.time_ms)
    context.put(COUNT + name, version)
    context.put(VERSION + name + b"\0" + version.to_bytes(8, "big"), value)
    context.emit("anchored", registry, key, version, sha256)
    return None


CONTRACT = Contract(
    name="records",
    summary="Documents notarised by their hash: who anchored which version, and when.",
    calls=(
        Call(
            name="anchor",
            summary="Add a version of a record: the SHA-256 of a document, and who, and when.",
            role="operator",
            weight=12,
            arguments=(
                Argument("registry", ArgumentKind.NAME, "the register it belongs to"),
                Argument("key", ArgumentKind.TEXT, "its name in the register", KEY_BYTES_MAX),
                Argument("sha256", ArgumentKind.DIGEST, "the document's SHA-256"),
                Argument(
                    "metadata",
                    ArgumentKind.TEXT,
                    "anything to be kept with it",
                    METADATA_BYTES_MAX,
                    may_be_empty=True,
                ),
            ),
            refusals=(),
            events=(EventType("anchored", ("registry", "key", "version", "sha256")),),
            run=anchor,
        ),
    ),
)
