"""The frame of every controller: keys in, ``reconcile(key)`` out, a little later.

Level triggered: ``reconcile`` looks at the present state, never at what changed, and does at most one visible step per
round, because the recordings show each step as a watch event of its own. Its write brings the next round.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial

from bot.sandbox.cluster.clock import Timer, VirtualClock
from bot.sandbox.cluster.errors import ApiError
from bot.sandbox.cluster.events import EventRecorder
from bot.sandbox.cluster.faults import Faults
from bot.sandbox.cluster.objects import Key, Obj, key_of
from bot.sandbox.cluster.resources import VM
from bot.sandbox.cluster.settings import KubeVirtSettings, read_settings
from bot.sandbox.cluster.store import Change, Store

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Context:
    """What controllers share."""

    def __init__(self, clock: VirtualClock, store: Store, faults: Faults) -> None:
        self.clock = clock
        self.store = store
        self.faults = faults
        self.events = EventRecorder(store, clock)

    def with_vm(self, vmi: Obj) -> tuple[Obj, Obj | None]:
        """A VMI and its VM: where fault annotations are looked up."""
        return vmi, self.store.peek(VM, *key_of(vmi))

    @property
    def settings(self) -> KubeVirtSettings:
        return read_settings(self.store)


class Controller:
    reaction = 0.012
    """Virtual seconds from a change to the round it causes (recorded: 10 to 20 ms between a cause and its effect)."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.clock = context.clock
        self.store = context.store
        self.events = context.events
        self._queued: dict[Key, Timer] = {}
        self._waiting: dict[tuple[str, ...], Timer] = {}
        context.store.subscribe(self._on_change)

    def reconcile(self, key: Key) -> None:
        raise NotImplementedError

    def keys_for(self, change: Change) -> Iterable[Key]:
        """The keys that a change concerns."""
        raise NotImplementedError

    def enqueue(self, key: Key, delay: float | None = None) -> None:
        """Ask for a round; a sooner one that is already queued stands."""
        delay = self.reaction if delay is None else delay
        queued = self._queued.get(key)
        if queued and queued.due <= self.clock.now + delay:
            return
        if queued:
            queued.cancel()
        self._queued[key] = self.clock.call_later(delay, partial(self._run, key))

    def once_after(self, delay: float, callback: Callable[[], None], *name: str) -> None:
        """Call back after ``delay``; while one of that name is pending, asking again changes nothing."""
        if name not in self._waiting:
            self._waiting[name] = self.clock.call_later(delay, partial(self._fire, name, callback))

    def is_waiting(self, *name: str) -> bool:
        return name in self._waiting

    def forget(self, *name: str) -> None:
        timer = self._waiting.pop(name, None)
        if timer:
            timer.cancel()

    def _fire(self, name: tuple[str, ...], callback: Callable[[], None]) -> None:
        del self._waiting[name]
        callback()

    def _on_change(self, change: Change) -> None:
        for key in self.keys_for(change):
            self.enqueue(key)

    def _run(self, key: Key) -> None:
        """A refused write is tried again later, as a work queue does; any other error is a bug and surfaces."""
        del self._queued[key]
        try:
            self.reconcile(key)
        except ApiError as error:
            log.warning("%s of %s: %s", type(self).__name__, "/".join(key), error.message)
            self.enqueue(key, RETRY_SECONDS)
