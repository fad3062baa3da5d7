"""The receipt file has one rendering, and only that one is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.chains import make_block, make_genesis
from urbanchain.errors import Malformed
from urbanchain.receipts import FILE_BYTES_MAX, ReceiptFile, Summary, parse, render
from urbanchain.types import Outcome


@pytest.fixture(scope="module")
def file() -> ReceiptFile:
    block = make_block(make_genesis(), [("alice", ("tokens", "transfer", (bytes(20), 5)))] * 3)
    return block.receipt_file(1)


def test_a_receipt_file_reads_back_as_it_was_written(file: ReceiptFile) -> None:
    assert ReceiptFile.decode(file.encode()) == file


def test_the_summary_says_what_the_proof_says(file: ReceiptFile) -> None:
    fields = json.loads(file.encode())
    assert fields["format"] == "urbanchain-receipt/1"
    assert fields["genesis"] == make_genesis().hash.hex()
    assert (fields["height"], fields["index"], fields["outcome"]) == (1, 1, "applied")


octets = st.binary(max_size=40)


@given(
    st.builds(
        Summary,
        genesis_hash=octets,
        id=octets,
        height=st.integers(0, (1 << 63) - 1),
        outcome=st.sampled_from(Outcome),
        code=st.text(st.characters(codec="utf-8"), max_size=20),
    ),
    st.builds(
        ReceiptFile,
        envelope=octets,
        suite=st.integers(0, 255),
        key=octets,
        receipt=octets,
        index=st.integers(0, (1 << 32) - 1),
        transaction_path=st.lists(octets, max_size=3).map(tuple),
        receipt_path=st.lists(octets, max_size=3).map(tuple),
        header=octets,
        certificate=octets,
        lineage=st.lists(octets, max_size=3).map(tuple),
    ),
)
def test_whatever_it_holds_its_rendering_reads_back(summary: Summary, file: ReceiptFile) -> None:
    assert parse(render(summary, file)) == (summary, file)


@pytest.mark.parametrize(
    ("description", "change"),
    [
        ("compact", lambda d: json.dumps(json.loads(d)).encode()),
        ("without its last line end", lambda d: d[:-1]),
        ("with another line end", lambda d: d + b"\n"),
        ("with Windows line ends", lambda d: d.replace(b"\n", b"\r\n")),
        ("behind a byte order mark", lambda d: b"\xef\xbb\xbf" + d),
        ("in UTF-16", lambda d: d.decode().encode("utf-16")),
        ("with upper-case hex", lambda d: d.replace(b'"key": "', b'"key": "AA')),
        ("with spaces in its hex", lambda d: d.replace(b'"header": "00', b'"header": " 00')),
        ("with a field more", lambda d: d.replace(b'"index"', b'"extra": 1,\n  "index"')),
        ("with a field twice", lambda d: d.replace(b'"index": 1', b'"index": 1,\n  "index": 1')),
        ("with a float", lambda d: d.replace(b'"index": 1', b'"index": 1.0')),
        ("with a bool for a number", lambda d: d.replace(b'"index": 1', b'"index": true')),
        ("with a huge number", lambda d: d.replace(b'"index": 1', b'"index": ' + b"9" * 10_000)),
        ("with NaN", lambda d: d.replace(b'"index": 1', b'"index": NaN')),
        ("with a negative index", lambda d: d.replace(b'"index": 1', b'"index": -1')),
        ("of another format", lambda d: d.replace(b"receipt/1", b"receipt/2")),
        ("with an unknown outcome", lambda d: d.replace(b"applied", b"perhaps")),
        ("a list", lambda d: b"[]"),
        ("nothing", lambda d: b""),
        ("nested 100,000 deep", lambda d: b"[" * 100_000),
        ("beyond the size limit", lambda d: b" " * (FILE_BYTES_MAX + 1)),
        ("with a path that is no list", lambda d: d.replace(b'"lineage": []', b'"lineage": ""')),
    ],
)
def test_no_other_spelling_is_read(file: ReceiptFile, description: str, change) -> None:  # type: ignore[no-untyped-def]
    changed = change(file.encode())
    assert changed != file.encode()
    with pytest.raises(Malformed):
        parse(changed)


def test_a_summary_that_disagrees_with_the_proof_is_refused(file: ReceiptFile) -> None:
    lying = file.encode().replace(b'"height": 1,', b'"height": 2,')
    with pytest.raises(Malformed, match="summary"):
        ReceiptFile.decode(lying)
