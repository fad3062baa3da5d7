"""The HTTP shell: two listeners over aiohttp, their limits, and the one place where a problem
becomes a response.

Whatever a client sends ends as an answer of a handler or a problem of the catalogue. A fault of our
own is a 500 without details; the details are in the log under the request's id.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from urbanchain.api.backend import Backend
from urbanchain.api.calls import Answer, ApiLimits, Call, Submissions
from urbanchain.api.connections import ConnectionCount, ConnectionLimits
from urbanchain.api.problems import MEDIA_TYPE, RequestProblem, invalid
from urbanchain.api.routes import API_ROUTES, OPS_ROUTES, Route

LOG = logging.getLogger("urbanchain.api")
HEADER_LINE_BYTES_MAX = 8190
SHUTDOWN_S = 2.0
"""How long requests under way may take when the node stops."""
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]\s/@]+)(:[0-9]{1,5})?\Z")


@dataclass(frozen=True, slots=True)
class ListenerConfig:
    """One listener."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free one."""
    names: tuple[str, ...] = ()
    """Host names, beside the loopback's and `host`, that requests may name."""
    limits: ApiLimits = field(default_factory=ApiLimits)
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)


class ListenFailed(OSError):
    """The listener's address cannot be had; the message names it."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener that is open."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self}"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@asynccontextmanager
async def open_api(config: ListenerConfig, backend: Backend) -> AsyncIterator[Listener]:
    """The public listener, until the block ends. Raises ListenFailed."""
    async with _listen(config, backend, API_ROUTES) as listener:
        yield listener


@asynccontextmanager
async def open_ops(config: ListenerConfig, backend: Backend) -> AsyncIterator[Listener]:
    """The operator's listener, until the block ends. Raises ListenFailed."""
    async with _listen(config, backend, OPS_ROUTES) as listener:
        yield listener


@asynccontextmanager
async def _listen(
    config: ListenerConfig, backend: Backend, routes: Sequence[Route]
) -> AsyncIterator[Listener]:
    runner = web.AppRunner(
        _Service(config, backend).application(routes),
        access_log=None,
        keepalive_timeout=config.connections.idle_timeout_s,
        lingering_time=config.connections.linger_s,
        max_line_size=HEADER_LINE_BYTES_MAX,
        max_field_size=HEADER_LINE_BYTES_MAX,
        auto_decompress=False,
        handler_cancellation=True,
        shutdown_timeout=SHUTDOWN_S,
        handle_signals=False,
    )
    await runner.setup()
    try:
        assert runner.server is not None
        count, make_protocol = ConnectionCount(config.connections), runner.server
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: count.guard(make_protocol), config.host, config.port, reuse_address=True
            )
        except OSError as error:
            place = f"{config.host}:{config.port}"
            reason = error.strerror or str(error)
            raise ListenFailed(error.errno, f"cannot listen on {place}: {reason}") from error
        try:
            yield Listener(config.host, server.sockets[0].getsockname()[1])
        finally:
            server.close()
    finally:
        await runner.cleanup()


@dataclass(slots=True)
class _Service:
    config: ListenerConfig
    backend: Backend
    submissions: Submissions = field(default_factory=Submissions)

    def application(self, routes: Sequence[Route]) -> web.Application:
        """The routes behind the one middleware."""
        app = web.Application(middlewares=[self._middleware()], client_max_size=1 << 30)
        for route in routes:
            handler = self._handler(route)
            app.router.add_route(route.method, route.path, handler)
            if route.method == "GET":
                app.router.add_route("HEAD", route.path, handler)
        return app

    def _handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            answer = await route.handle(self._call(route, request))
            return _respond(request, answer)

        return handle

    def _call(self, route: Route, request: web.Request) -> Call:
        async def read_body(bytes_max: int) -> bytes:
            return await _read_body(request, bytes_max, self.config.limits.read_timeout_s)

        return Call(
            backend=self.backend,
            limits=self.config.limits,
            submissions=self.submissions,
            path=request.match_info,
            query=_read_query(route, request),
            headers=request.headers,
            content_type=request.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
            read_body=read_body,
        )

    def _middleware(self) -> Any:
        @web.middleware
        async def serve(
            request: web.Request,
            handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        ) -> web.StreamResponse:
            given = request.headers.get("X-Request-Id", "")
            request_id = given if _REQUEST_ID.match(given) else secrets.token_hex(8)
            try:
                self._check_host(request)
                response = await handler(request)
            except RequestProblem as problem:
                response = _respond_problem(problem)
            except web.HTTPMethodNotAllowed as error:
                allowed = ", ".join(sorted(error.allowed_methods))
                detail = f"{request.path} knows {allowed}"
                response = _respond_problem(
                    RequestProblem("method-not-allowed", detail, {}, {"Allow": allowed})
                )
            except web.HTTPNotFound:
                detail = "there is no such route; see /openapi.json"
                response = _respond_problem(RequestProblem("not-found", detail))
            except (ConnectionError, asyncio.CancelledError):
                raise
            except Exception:
                LOG.exception("request failed", extra={"request_id": request_id})
                detail = "the node's log has the details under this request's id"
                response = _respond_problem(RequestProblem("internal-error", detail))
            response.headers["X-Request-Id"] = request_id
            response.headers["X-Chain-Height"] = str(self.backend.height)
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Server"] = "urbanchain"
            return response

        return serve

    def _check_host(self, request: web.Request) -> None:
        """Only names we answer for: a page that rebinds its own name to us gets nothing."""
        found = _HOST.match(request.headers.get("Host", ""))
        name = "" if found is None else found[1].strip("[]").lower()
        if name in LOOPBACK_HOSTS or name == self.config.host or name in self.config.names:
            return
        if _is_unspecified(self.config.host) and _is_address(name):
            return
        raise RequestProblem(
            "forbidden", "this node does not answer for the request's Host", {"pointer": "Host"}
        )


def _is_unspecified(host: str) -> bool:
    return _is_address(host) and ip_address(host).is_unspecified


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _read_query(route: Route, request: web.Request) -> dict[str, Any]:
    known = {parameter.name for parameter in route.query}
    for name in request.query:
        if name not in known:
            raise invalid(name, "the route has no such query parameter")
        if len(request.query.getall(name)) > 1:
            raise invalid(name, "stands twice in the query")
    return {p.name: p.read(request.query.get(p.name)) for p in route.query}


async def _read_body(request: web.Request, bytes_max: int, timeout_s: float) -> bytes:
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise RequestProblem(
            "unsupported-media-type",
            "compressed bodies are not read",
            {"pointer": "Content-Encoding", "expected": "identity"},
        )
    too_large = RequestProblem(
        "too-large", f"the body exceeds {bytes_max} bytes", {"maximum": bytes_max}
    )
    if request.content_length is not None and request.content_length > bytes_max:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > bytes_max:
                    raise too_large
    except TimeoutError as error:
        raise invalid("", f"the body did not arrive within {timeout_s:g} s") from error
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise invalid("", "the body's transfer coding is broken") from error
    return bytes(body)


def _respond(request: web.Request, answer: Answer) -> web.Response:
    headers = {"Content-Type": answer.content_type, **answer.headers}
    tag = answer.headers.get("ETag")
    asked = [item.strip() for item in request.headers.get("If-None-Match", "").split(",")]
    if tag is not None and answer.status == 200 and tag in asked:
        return web.Response(status=304, headers=headers)
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def _respond_problem(problem: RequestProblem) -> web.Response:
    response = web.json_response(problem.document(), status=problem.type.status)
    response.headers["Content-Type"] = MEDIA_TYPE
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(problem.headers)
    return response
