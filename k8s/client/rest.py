"""One request to the API server: raw JSON in, raw JSON out, every failure as one of `k8s.errors`.

Raw, because the generated models of the client library take seconds for what `json.loads` does in milliseconds, and
nothing may block the loop that long. A request is sent once: trying again is a decision for whoever knows what it
would mean, except after a 401, where nothing was done and the credentials may only have expired.
"""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import ClientError, ClientResponse, ClientTimeout

from k8s.client.connection import Connection, Pool
from k8s.client.paths import resource_in
from k8s.client.translate import Sent, translate
from k8s.errors import ClusterError, Unauthorized, Unreachable
from k8s.snapshots import Json

READ_SECONDS: Final = 15.0
"""Longest wait for an answer to a read, its body included."""

WRITE_SECONDS: Final = 70.0
"""The same for a write: more than the API server's own limit of 60 s, so that giving up never misses its answer."""

CONNECT_SECONDS: Final = 5.0

Called = Callable[[str, str, str, float], None]
"""Is told of each call that was answered or failed: verb, resource, status (`none` without an answer), seconds."""

Query = Mapping[str, str]
Body = Json | Sequence[Json]


@dataclass(frozen=True, slots=True)
class _Call:
    """A request as it goes out."""

    sent: Sent
    limits: ClientTimeout
    query: Query = field(default_factory=dict)
    body: Body | None = None
    accept: str = "application/json"


class Rest:
    """Requests over one Connection."""

    def __init__(self, connection: Connection, called: Called | None = None) -> None:
        self._connection = connection
        self._called = called

    async def read(self, path: str, query: Query | None = None, *, accept: str = "application/json") -> Json:
        """GET one JSON object. Raises a ClusterError."""
        limits = ClientTimeout(total=READ_SECONDS, sock_connect=CONNECT_SECONDS)
        return await self._send(_Call(Sent("GET", path), limits, query or {}, accept=accept))

    async def write(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Body | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Json:
        """Send one change and return the answer's object, {} for an empty one. Raises a ClusterError.

        Unreachable leaves open whether the change was made.
        """
        limits = ClientTimeout(total=WRITE_SECONDS, sock_connect=CONNECT_SECONDS)
        return await self._send(_Call(Sent(method, path, content_type), limits, query or {}, body, accept))

    @asynccontextmanager
    async def watch(self, path: str, query: Query, silence: float) -> AsyncIterator[AsyncIterator[Json]]:
        """Open a watch: an iterator of its events as they come, until the server ends it.

        More than `silence` seconds without a byte count as an outage. Raises a ClusterError, in the iterator too.
        """
        limits = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence)
        call = _Call(Sent("GET", path), limits, {**query, "watch": "true"})
        with self._told("watch", call.sent), _outages():
            response = await _open(self._connection.watches, call)
            if response.status >= 400:
                async with response:
                    await _check(call.sent, response)
        with _outages():
            async with response:
                yield _events(response)

    async def _send(self, call: _Call) -> Json:
        generation = self._connection.generation
        try:
            return await self._once(call)
        except Unauthorized:
            if not await self._connection.renew(generation):
                raise
            return await self._once(call)

    async def _once(self, call: _Call) -> Json:
        with self._told(call.sent.verb, call.sent), _outages():
            async with await _open(self._connection.calls, call) as response:
                await _check(call.sent, response)
                content = await response.read()
            return _object(content) if content else {}

    @contextmanager
    def _told(self, verb: str, sent: Sent) -> Iterator[None]:
        if self._called is None:
            yield
            return
        begun, code = time.perf_counter(), "ok"
        try:
            yield
        except ClusterError as error:
            code = str(error.code or "none")
            raise
        finally:
            self._called(verb, resource_in(sent.path), code, time.perf_counter() - begun)


async def _open(pool: Pool, call: _Call) -> ClientResponse:
    request = await pool.param_serialize(
        call.sent.method,
        call.sent.path,
        query_params=list(call.query.items()),
        header_params={"Accept": call.accept, "Content-Type": call.sent.content_type},
        body=call.body,
        auth_settings=["BearerToken"],
    )
    answer = await pool.call_api(*request, _request_timeout=call.limits)
    response: ClientResponse = answer.response
    return response


@contextmanager
def _outages() -> Iterator[None]:
    """No answer, or none that can be read: our words, because the library's hold the server's address."""
    try:
        yield
    except TimeoutError as error:
        raise Unreachable("the API server did not answer in time") from error
    except (ClientError, OSError) as error:
        raise Unreachable("the API server cannot be reached") from error
    except ValueError as error:  # not JSON, or a line longer than the reader's buffer
        raise Unreachable("the API server's answer cannot be read") from error


async def _check(sent: Sent, response: ClientResponse) -> None:
    if response.status >= 400:
        raise translate(sent, response.status, response.headers, await response.read())


async def _events(response: ClientResponse) -> AsyncIterator[Json]:
    with _outages():
        while line := await response.content.readline():
            yield _object(line)


def _object(content: bytes) -> Json:
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found
