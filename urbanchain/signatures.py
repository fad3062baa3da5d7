from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suite:
    number: int
    name: str
    key_bytes: int
    signature_bytes: int


SUITES = {1: Suite(1, "ed25519", 32, 64)}
