"""What operators and their machines ask a running bot: does it live, can it work, what has it counted.

`/healthz` answers as long as the loop turns: a bot that cannot reach Slack or the cluster is not helped by a restart,
and one that has lost Slack for good ends by itself. `/readyz` says part by part what works, with 503 when one does not.
Nobody is asked who they are, so nothing here names a VM, a person or an address.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from bot.listen import port_of, serve
from bot.metrics import CONTENT_TYPE, Metrics
from bot.ports import Store, StoreAway
from bot.record import Record

log = logging.getLogger(__name__)

PATIENCE: Final = 2.0
"""Seconds for one part to show that it works; a probe of Kubernetes is often given up after a few."""

Proof = Callable[[], Awaitable[bool]]
"""Whether a part works; whatever it raises means no."""


class Operations:
    """The pages, on an address of their own. Use as a context; entering raises CannotListen."""

    def __init__(self, listen: str, parts: Mapping[str, Proof], metrics: Metrics, store: Store) -> None:
        self._listen = listen
        self._parts = parts
        self._metrics = metrics
        self._store = store
        self._runner: web.AppRunner | None = None
        self._failing: frozenset[str] = frozenset()

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.add_routes(
            [
                web.get("/healthz", self._alive),
                web.get("/readyz", self._readiness),
                web.get("/metrics", self._counted),
            ]
        )
        self._runner = await serve(application, self._listen)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._runner:
            await self._runner.cleanup()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._runner is not None, "only inside of the context"
        return port_of(self._runner)

    async def _alive(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readiness(self, _: web.Request) -> web.Response:
        ready = await self._look()
        lines = [f"{'ok  ' if works else 'FAIL'} {part}\n" for part, works in ready.items()]
        return web.Response(text="".join(lines), status=200 if all(ready.values()) else 503)

    async def _counted(self, _: web.Request) -> web.Response:
        """What is known, also while a part is away: then its gauge says so, as Prometheus wants it
        (prometheus.io/docs/instrumenting/writing_exporters)."""
        ready = await self._look()
        page = self._metrics.render(await self._plans(), ready)
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE})

    async def _plans(self) -> Sequence[Record] | None:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._store.open_plans()
        except (StoreAway, TimeoutError):
            return None

    async def _look(self) -> dict[str, bool]:
        works = await asyncio.gather(*(_holds(proof) for proof in self._parts.values()))
        ready = dict(zip(self._parts, works, strict=True))
        failing = frozenset(part for part, holds in ready.items() if not holds)
        if failing != self._failing:  # a probe comes every few seconds: what stays as it was is no news
            log.warning("not ready: %s", ", ".join(sorted(failing)) or "nothing any more")
            self._failing = failing
        return ready


async def _holds(proof: Proof) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            return await proof()
    except Exception as error:  # noqa: BLE001  # whatever it is, the part does not work; its text may hold an address
        log.debug("a part does not work: %s", type(error).__name__)
        return False
