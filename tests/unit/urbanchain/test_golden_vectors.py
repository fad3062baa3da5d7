"""The formats stay: what the code makes of fixed inputs is what was stored when they were fixed."""

import json
from pathlib import Path

from tests.vectors.make import make_vectors

STORED = Path(__file__).resolve().parents[2] / "vectors" / "golden.json"
PAGE = Path(__file__).resolve().parents[3] / "docs" / "wire-format.md"


def test_every_format_gives_the_stored_bytes() -> None:
    assert make_vectors() == json.loads(STORED.read_text(encoding="ascii"))


def test_the_wire_format_page_names_the_vectors_and_the_tags() -> None:
    from urbanchain.hashing import Tag

    page = PAGE.read_text(encoding="utf-8")
    inputs = {"genesis_file", "genesis_hash", "secret_key", "public_key"}
    missing = [name for name in make_vectors() if f"*{name}*" not in page and name not in inputs]
    assert not missing
    assert not [tag.value for tag in Tag if f"| `{tag.value}` |" not in page]
