"""Hostile requests: each ends as a problem of the catalogue, quickly, and never as a 500."""

import asyncio
import base64
import contextlib
import gzip
import json
import socket
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.backend import InstantNode
from tests.fakes.serving import Site, serve
from urbanchain.api.app import ListenerConfig, ListenFailed, open_api
from urbanchain.api.calls import ApiLimits
from urbanchain.api.connections import ConnectionLimits
from urbanchain.api.json_input import decode_base64url, parse_json
from urbanchain.api.problems import RequestProblem

OCTETS = "application/octet-stream"
QUICK = ConnectionLimits(linger_s=0.05)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serve(config=ListenerConfig(connections=QUICK)) as opened:
        yield opened


async def raw(site: Site, data: bytes, close_write: bool = False) -> bytes:
    """Everything that a connection answers to these bytes, until it is closed."""
    reader, writer = await asyncio.open_connection(site.listener.host, site.listener.port)
    try:
        writer.write(data)
        if close_write:
            writer.write_eof()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


MALFORMED = {
    "nothing": b"",
    "not JSON": b"{envelope}",
    "cut short": b'{"envelope": "AA',
    "two values": b'{"envelope": "AA"} {}',
    "a byte order mark": b'\xef\xbb\xbf{"envelope": "AA"}',
    "UTF-16": '{"envelope": "AA"}'.encode("utf-16"),
    "Latin-1": b'{"envelope": "\xe9"}',
    "a key twice": b'{"envelope": "AA", "envelope": "AA"}',
    "NaN": b'{"envelope": NaN}',
    "infinity": b'{"envelope": -Infinity}',
    "1e999": b'{"envelope": 1e999}',
    "a million digits": b'{"envelope": ' + b"9" * 100_000 + b"}",
    "depth 10^5": b"[" * 60_000 + b"]" * 60_000,
    "depth 9": b"[" * 9 + b"]" * 9,
    "a lone surrogate": b'{"envelope": "\\ud800"}',
    "a lone surrogate in a key": b'{"\\udfff": "AA"}',
    "a raw control character": b'{"envelope": "A\nA"}',
    "an unknown field": b'{"envelope": "AA", "fee": 1}',
    "a list": b"[]",
    "null": b"null",
    "a number for text": b'{"envelope": 1}',
    "a bad genesis": b'{"envelope": "AA", "genesis": "xyz"}',
    "standard base64": b'{"envelope": "++//"}',
    "stray bits": b'{"envelope": "AB"}',
    "padding inside": b'{"envelope": "A=A="}',
    "a line end in base64": b'{"envelope": "AAAA\\n"}',
    "non-ASCII letters": '{"envelope": "\u0410\u0410"}'.encode(),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_A01_malformed_json_is_400_within_a_moment(site: Site, name: str) -> None:
    started = time.monotonic()
    reply = await site.post("/v1/transactions", MALFORMED[name])
    assert (reply.problem, reply.status) == ("invalid-request", 400)
    assert time.monotonic() - started < 1


@given(st.binary(max_size=200))
def test_A01_no_bytes_make_the_json_reader_fail_otherwise(data: bytes) -> None:
    with contextlib.suppress(RequestProblem):
        parse_json(data)


@given(st.text(max_size=60))
def test_base64url_is_read_in_one_spelling_only(text: str) -> None:
    try:
        data = decode_base64url(text, "envelope")
    except RequestProblem:
        return
    assert base64.urlsafe_b64encode(data).decode().rstrip("=") == text.rstrip("=")


async def test_A02_a_body_beyond_the_limit_is_413_before_it_is_read(site: Site) -> None:
    reply = await site.post("/v1/transactions", b"x" * (128 * 1024 + 1), OCTETS)
    assert (reply.problem, reply.json["maximum"]) == ("too-large", 128 * 1024)
    head = (
        b"POST /v1/transactions/batch HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/vnd.urbanchain.batch\r\nContent-Length: 99999999999\r\n\r\n"
    )
    assert b" 413 " in await raw(site, head)


async def test_A02_a_body_of_unknown_length_is_bounded_too(site: Site) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 64 * 1024

    reply = await site.post("/v1/transactions", stream(), OCTETS)
    assert reply.problem == "too-large"


async def test_A02_a_body_of_one_byte_chunks_is_read_or_refused(site: Site) -> None:
    head = (
        b"POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    answer = await raw(site, head + b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP", "identity, gzip"])
async def test_A02_compressed_bodies_are_not_read(site: Site, coding: str) -> None:
    bomb = gzip.compress(bytes(1 << 20))
    reply = await site.post("/v1/transactions", bomb, OCTETS, Content_Encoding=coding)
    assert (reply.problem, reply.status) == ("unsupported-media-type", 415)


@pytest.mark.parametrize(
    "media", ["", "text/plain", "multipart/form-data; boundary=x", "application/cbor"]
)
async def test_A02_other_media_types_are_415(site: Site, media: str) -> None:
    for path in ("/v1/transactions", "/v1/transactions/batch"):
        reply = await site.post(path, b"{}", media)
        assert reply.problem == "unsupported-media-type"
        assert "application/json" in reply.json["expected"]


async def test_A02_parameters_of_a_media_type_do_not_matter(site: Site) -> None:
    reply = await site.post("/v1/transactions", b"{}", "Application/JSON; charset=utf-8")
    assert reply.problem == "invalid-request"


async def test_A03_headers_that_never_end_are_cut_off() -> None:
    config = ListenerConfig(connections=ConnectionLimits(headers_timeout_s=0.05))
    async with serve(config=config) as site:
        assert await raw(site, b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ") == b""
        assert (await site.get("/v1/status")).status == 200


async def test_A03_a_body_that_never_comes_is_given_up() -> None:
    config = ListenerConfig(limits=ApiLimits(read_timeout_s=0.05), connections=QUICK)
    head = (
        b"POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/octet-stream\r\nContent-Length: 100\r\n\r\nabc"
    )
    async with serve(config=config) as site:
        answer = await raw(site, head)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"did not arrive" in answer


async def test_A03_a_reader_that_stops_reading_is_cut_off() -> None:
    config = ListenerConfig(connections=ConnectionLimits(write_timeout_s=0.05))
    async with serve(config=config) as site:
        reader, writer = await asyncio.open_connection(
            site.listener.host, site.listener.port, limit=1024
        )
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with pytest.raises(ConnectionError):
            await _ask_until_cut_off(writer)
        writer.close()
        assert not reader.at_eof()


async def _ask_until_cut_off(writer: asyncio.StreamWriter) -> None:
    """Ask on and on, and read nothing of the answers."""
    async with asyncio.timeout(10):
        while True:
            writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
            await writer.drain()


async def test_A03_connections_beyond_the_cap_are_closed_and_the_others_served() -> None:
    config = ListenerConfig(connections=ConnectionLimits(connections_max=3))
    async with serve(config=config) as site:
        assert (await site.get("/v1/status")).status == 200
        held = [
            await asyncio.open_connection(site.listener.host, site.listener.port) for _ in range(2)
        ]
        assert await raw(site, b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""
        assert (await site.get("/v1/status")).status == 200
        for _, writer in held:
            writer.close()


SMUGGLED = {
    "two lengths": b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "length and coding": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a signed length": b"Content-Length: +3\r\n\r\nabc",
    "a length in other digits": "Content-Length: \uff13\r\n\r\nabc".encode(),
    "a folded header": b"X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    "a space before the colon": b"Content-Length : 3\r\n\r\nabc",
    "a null": b"X-A: a\0b\r\nContent-Length: 0\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n",
    "a broken chunk": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", SMUGGLED)
async def test_A04_ambiguous_framing_is_refused(site: Site, name: str) -> None:
    head = (
        b"POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/octet-stream\r\n"
    )
    answer = await raw(site, head + SMUGGLED[name], close_write=True)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert answer.count(b"HTTP/1.") <= 1


@pytest.mark.parametrize(
    "head",
    [
        b"GET /v1/status?" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: a\r\n" * 5_000 + b"\r\n",
    ],
)
async def test_A05_headers_beyond_their_limits_are_refused(site: Site, head: bytes) -> None:
    answer = await raw(site, head)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "", "a b"]
)
async def test_a_host_that_is_not_ours_is_forbidden(site: Site, host: str) -> None:
    answer = await raw(
        site,
        b"GET /v1/status HTTP/1.1\r\nConnection: close\r\nHost: " + host.encode() + b"\r\n\r\n",
    )
    assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 400", b"HTTP/1.0 400"))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:7080"])
async def test_the_loopbacks_names_are_always_ours(site: Site, host: str) -> None:
    assert (await site.get("/v1/status", Host=host)).status == 200


async def test_configured_names_are_ours_too() -> None:
    async with serve(config=ListenerConfig(names=("chain.city.example",))) as site:
        assert (await site.get("/v1/status", Host="chain.city.example")).status == 200
        assert (await site.get("/v1/status", Host="other.city.example")).problem == "forbidden"


async def test_a_fault_of_the_node_is_told_without_its_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serve(InstantNode(crashes=True)) as site:
        reply = await site.get("/v1/status", X_Request_Id="find-me")
    assert (reply.problem, reply.status) == ("internal-error", 500)
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body
    (record,) = caplog.records
    assert record.request_id == "find-me"  # type: ignore[attr-defined]


async def test_a_port_that_is_taken_is_named() -> None:
    async with serve() as site:
        config = ListenerConfig(port=site.listener.port)
        with pytest.raises(ListenFailed, match=f"127.0.0.1:{site.listener.port}"):
            async with open_api(config, InstantNode()):
                pytest.fail("it was opened twice")


@given(st.binary(max_size=100))
def test_A06_octets_of_any_kind_are_refused_or_taken_but_never_crash(data: bytes) -> None:
    async def submit() -> int:
        async with serve() as site:
            return (await site.post("/v1/transactions", data, OCTETS)).status

    assert asyncio.run(submit()) == 400


def test_the_problems_are_json_whatever_they_quote() -> None:
    problem = RequestProblem("not-found", "there is no \ud800", {"pointer": "\ud800"})
    assert json.dumps(problem.document()).isascii()
