"""A listener on a free port with a plain HTTP client before it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.fakes.backend import InstantNode
from urbanchain.api.app import Listener, ListenerConfig, open_api, open_ops


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The name of the problem; fails for anything else."""
        assert self.headers["Content-Type"] == "application/problem+json", self.body
        document = self.json
        assert document["status"] == self.status
        return str(document["type"]).removeprefix("/problems/")


@dataclass(frozen=True)
class Site:
    """A node, its listener, and a client's session."""

    node: InstantNode
    listener: Listener
    session: aiohttp.ClientSession

    async def get(self, path: str, method: str = "GET", **headers: str) -> Reply:
        return await self.request(method, path, None, headers)

    async def post(
        self, path: str, body: Any, content_type: str = "application/json", **headers: str
    ) -> Reply:
        """Bytes and streams go as they are, everything else as JSON."""
        is_raw = isinstance(body, bytes) or hasattr(body, "__aiter__")
        data = body if is_raw else json.dumps(body).encode()
        return await self.request("POST", path, data, {"Content-Type": content_type, **headers})

    async def request(self, method: str, path: str, data: Any, headers: Mapping[str, str]) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(
            method,
            self.listener.url + path,
            data=data,
            headers=named,
            skip_auto_headers=["Content-Type"],
        ) as response:
            return Reply(response.status, response.headers.copy(), await response.read())


@asynccontextmanager
async def serve(
    node: InstantNode | None = None, config: ListenerConfig | None = None, ops: bool = False
) -> AsyncIterator[Site]:
    """The public listener, or the operator's, over a node."""
    backend = node or InstantNode()
    opener = open_ops if ops else open_api
    async with (
        opener(config or ListenerConfig(), backend) as listener,
        aiohttp.ClientSession(auto_decompress=False) as session,
    ):
        yield Site(backend, listener, session)
