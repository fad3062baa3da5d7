"""HTTP/1.1 over http.client: the blocking transport.

One kept-alive connection a node. A connection that the node closed while it was idle is opened anew
once, without counting as a failure; everything else is `TransportFailed`. Not for use by several
threads at once: give each its own client.
"""

import http.client
from urllib.parse import SplitResult, urlsplit

from urbanchain.client.exchange import RESPONSE_BYTES_MAX, Attempt, Response, TransportFailed


def check_url(url: str) -> str:
    """A node's base URL without a trailing slash. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not a URL like http://127.0.0.1:7080")
    if parts.query or parts.fragment or parts.username:
        raise ValueError(f"{url!r} must be a plain base URL")
    return url.rstrip("/")


class Wire:
    """Connections to the nodes, by base URL."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._connections: dict[str, http.client.HTTPConnection] = {}

    def send(self, attempt: Attempt) -> Response:
        """Raises TransportFailed."""
        kept = self._connections.get(attempt.url)
        if kept is not None:
            try:
                return self._send(kept, attempt)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self._drop(attempt.url)
            except (OSError, http.client.HTTPException) as error:
                self._drop(attempt.url)
                raise TransportFailed(_explain(error)) from error
        connection = self._open(urlsplit(attempt.url))
        self._connections[attempt.url] = connection
        try:
            return self._send(connection, attempt)
        except (OSError, http.client.HTTPException) as error:
            self._drop(attempt.url)
            raise TransportFailed(_explain(error)) from error

    def close(self) -> None:
        """Close all connections."""
        for url in list(self._connections):
            self._drop(url)

    def _open(self, parts: SplitResult) -> http.client.HTTPConnection:
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        return kind(parts.hostname or "", parts.port, timeout=self._timeout_s)

    def _send(self, connection: http.client.HTTPConnection, attempt: Attempt) -> Response:
        request = attempt.request
        path = urlsplit(attempt.url).path + request.target
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(self._timeout_s + request.wait_s)
        body = request.body if request.method == "POST" else None
        connection.request(request.method, path, body=body, headers=dict(request.headers))
        response = connection.getresponse()
        data = response.read(RESPONSE_BYTES_MAX + 1)
        if len(data) > RESPONSE_BYTES_MAX:
            raise http.client.HTTPException("an answer beyond all measure")
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, headers, data)

    def _drop(self, url: str) -> None:
        connection = self._connections.pop(url, None)
        if connection is not None:
            connection.close()


def _explain(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    return str(error) or type(error).__name__
