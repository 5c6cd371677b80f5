"""Virtual time: every delay of the simulation is a timer here, so ten minutes cost a test nothing.

The clock never looks at the real one. Tests move it with :meth:`VirtualClock.advance`; a running sandbox lets
:class:`Drive` move it in step with real time, times a speed factor. Timers run one by one in the order of their due
times (ties: in the order they were set), each at its own virtual moment, also when a long stretch is skipped at once.
"""

import asyncio
import contextlib
import heapq
import logging
from collections.abc import Callable
from datetime import UTC, datetime

log = logging.getLogger(__name__)

Callback = Callable[[], object]


def _nothing() -> None:
    pass


class Timer:
    """A pending call; :meth:`cancel` is safe at any time."""

    def __init__(self, due: float, callback: Callback) -> None:
        self.due = due
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class VirtualClock:
    """Seconds since the epoch, moved only on request."""

    def __init__(self, start: float) -> None:
        self.now = start
        self.on_new_timer: Callback = _nothing
        self._timers_set = 0
        self._timers: list[tuple[float, int, Timer]] = []

    def call_later(self, delay: float, callback: Callback) -> Timer:
        timer = Timer(self.now + delay, callback)
        self._timers_set += 1
        heapq.heappush(self._timers, (timer.due, self._timers_set, timer))
        self.on_new_timer()
        return timer

    def next_due(self) -> float | None:
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def run_next(self, until: float) -> bool:
        """Run the earliest timer due by ``until`` at its own time; say whether there was one."""
        due = self.next_due()
        if due is None or due > until:
            return False
        _, _, timer = heapq.heappop(self._timers)
        self.now = max(self.now, due)
        timer.callback()
        return True

    async def advance(self, seconds: float) -> None:
        """Move on by ``seconds``; the event loop gets a turn after each timer, so watchers can send."""
        await self.advance_to(self.now + seconds)

    async def advance_to(self, moment: float) -> None:
        while self.run_next(until=moment):  # noqa: ASYNC110 - each turn runs a timer, nothing is awaited here
            await asyncio.sleep(0)
        self.now = max(self.now, moment)

    def timestamp(self, offset: float = 0.0) -> str:
        """RFC 3339 with whole seconds, as in ``metadata.creationTimestamp``."""
        return format_time(self.now + offset)

    def micro_timestamp(self) -> str:
        """RFC 3339 with microseconds, as in ``Event.eventTime`` and ``Lease.renewTime``."""
        return datetime.fromtimestamp(self.now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def format_time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


class Drive:
    """Moves a clock in step with the event loop's time, ``speed`` virtual seconds per real second; 0 stands still."""

    def __init__(self, clock: VirtualClock, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._wake = asyncio.Event()
        self._anchor = (0.0, 0.0)
        self._task: asyncio.Task[None] | None = None

    @property
    def speed(self) -> float:
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        self._set_anchor()
        self._speed = value
        self._wake.set()

    def start(self) -> None:
        self._set_anchor()
        self._clock.on_new_timer = self._wake.set
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self._clock.on_new_timer = _nothing
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def catch_up(self) -> None:
        """Run everything that should have happened by now; call before answering a request."""
        if self._speed:
            await self._clock.advance_to(self._target())

    async def skip(self, seconds: float) -> None:
        """Move on by ``seconds`` at once, on top of the time that passes anyway."""
        await self._clock.advance(seconds)
        self._set_anchor()

    def _set_anchor(self) -> None:
        self._anchor = (asyncio.get_running_loop().time(), self._clock.now)

    def _target(self) -> float:
        real, virtual = self._anchor
        return virtual + (asyncio.get_running_loop().time() - real) * self._speed

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.catch_up()
            except Exception:
                log.exception("a timer failed")
            await self._sleep_until_due()

    async def _sleep_until_due(self) -> None:
        due = self._clock.next_due()
        delay = (due - self._target()) / self._speed if due is not None and self._speed else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if delay is None else max(delay, 0.001)):
                await self._wake.wait()
