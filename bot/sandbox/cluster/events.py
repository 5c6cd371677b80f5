"""Kubernetes Events as client-go's recorder writes them: counted when repeated, combined when similar.

Ten events of one object and reason with different words become one that says so (recorded: live-quota).
"""

from collections import defaultdict

from bot.sandbox.cluster.clock import VirtualClock
from bot.sandbox.cluster.objects import Obj, key_of, uid_of
from bot.sandbox.cluster.resources import EVENT
from bot.sandbox.cluster.store import Store

SIMILAR_LIMIT = 10
COMBINED_PREFIX = "(combined from similar events): "


class EventRecorder:
    def __init__(self, store: Store, clock: VirtualClock) -> None:
        self._store = store
        self._clock = clock
        self._written: dict[tuple[str, ...], str] = {}
        self._similar: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._sequence = 0

    def normal(self, about: Obj, reason: str, message: str, component: str) -> None:
        self._record(about, "Normal", reason, message, component)

    def warning(self, about: Obj, reason: str, message: str, component: str) -> None:
        self._record(about, "Warning", reason, message, component)

    def scheduling(self, pod: Obj, type_: str, reason: str, message: str, action: str) -> None:
        """The scheduler's events use the newer fields: no count, no source, eventTime (recorded: live-*)."""
        event = self._event(pod, type_, reason, message) | {
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
            "eventTime": self._clock.micro_timestamp(),
            "action": action,
            "reportingComponent": "default-scheduler",
            "reportingInstance": "default-scheduler-control-plane-01",
        }
        self._store.create(EVENT, event)

    def _record(self, about: Obj, type_: str, reason: str, message: str, component: str) -> None:
        group = (uid_of(about), type_, reason, component)
        self._similar[group].add(message)
        combined = len(self._similar[group]) >= SIMILAR_LIMIT
        text = COMBINED_PREFIX + message if combined else message
        key = group if combined else (*group, message)
        if key in self._written and self._count_up(about, self._written[key], text):
            return
        event = self._event(about, type_, reason, text) | {
            "source": {"component": component},
            "firstTimestamp": self._clock.timestamp(),
            "lastTimestamp": self._clock.timestamp(),
            "count": 1,
            "eventTime": None,
            "reportingComponent": component,
            "reportingInstance": "",
        }
        self._written[key] = self._store.create(EVENT, event)["metadata"]["name"]

    def _count_up(self, about: Obj, name: str, message: str) -> bool:
        def again(event: Obj) -> None:
            event.update(message=message, count=event["count"] + 1, lastTimestamp=self._clock.timestamp())

        return self._store.modify(EVENT, _namespace(about), name, again) is not None

    def _event(self, about: Obj, type_: str, reason: str, message: str) -> Obj:
        self._sequence += 1
        namespace, name = key_of(about)
        involved = {
            "kind": about["kind"],
            "name": name,
            "uid": uid_of(about),
            "apiVersion": about["apiVersion"],
            "resourceVersion": about["metadata"].get("resourceVersion", ""),
        }
        return {
            "metadata": {
                "name": f"{name}.{int(self._clock.now * 1e6) * 1000 + self._sequence:016x}",
                "namespace": _namespace(about),
            },
            "involvedObject": involved | ({"namespace": namespace} if namespace else {}),
            "reason": reason,
            "message": message,
            "type": type_,
        }


def _namespace(about: Obj) -> str:
    return about["metadata"].get("namespace") or "default"
