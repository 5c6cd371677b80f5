"""The sandbox's own endpoints under ``/sandbox/``: faults, clock, state, request log. Loopback only, no credentials.

``POST /sandbox/faults``: any of ``latency`` (real seconds per request), ``next`` (list of status codes or "reset"),
``cutWatches``, ``expireWatches`` (true), ``downSeconds`` (virtual), ``virtApiDown``, ``failNext`` (bool), ``annotate``
({kind, namespace, name, faults: {name: value or null}}), ``clear`` (true). ``POST /sandbox/clock``: ``advance``
(seconds), ``speed``, ``pause`` (true). ``GET /sandbox/state`` and ``/sandbox/requests`` (``DELETE`` empties the log).
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.sandbox.cluster.clock import Drive, format_time
from bot.sandbox.cluster.controller import Context
from bot.sandbox.cluster.faults import ANNOTATIONS, PREFIX
from bot.sandbox.cluster.objects import Obj, condition, dig, is_final, key_of, labels, phase
from bot.sandbox.cluster.quantity import parse_quantity
from bot.sandbox.cluster.resources import NODE, POD, VM, VMI, VMIM
from bot.sandbox.cluster.scheduler import pod_requests, sum_amounts
from bot.sandbox.cluster.server import ApiServer

_KINDS = {r.kind: r for r in (VM, VMI, NODE)}

Body = dict[str, Any]


class BadFaultError(ValueError):
    """A fault request that names nothing known."""


class Admin:
    def __init__(self, context: Context, drive: Drive, server: ApiServer) -> None:
        self._context = context
        self._drive = drive
        self._server = server
        self._faults: dict[str, Callable[[Any], None]] = {
            "latency": self._set_latency,
            "next": self._set_next,
            "cutWatches": lambda _wanted: self._cut_watches(),
            "expireWatches": self._expire_watches,
            "downSeconds": self._go_down,
            "virtApiDown": self._set_virt_api,
            "failNext": self._set_fail_next,
            "annotate": self._annotate,
            "clear": self._clear,
        }

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/sandbox/faults", self._guard(self._post_faults))
        app.router.add_post("/sandbox/clock", self._guard(self._post_clock))
        app.router.add_get("/sandbox/state", self._guard(self._get_state))
        app.router.add_get("/sandbox/requests", self._guard(self._get_requests))
        app.router.add_delete("/sandbox/requests", self._guard(self._delete_requests))

    def _guard(
        self, handler: Callable[[web.Request], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def guarded(request: web.Request) -> web.Response:
            try:
                return web.json_response(await handler(request))
            except (ValueError, KeyError, TypeError) as error:
                return web.json_response({"error": str(error)}, status=400)

        return guarded

    async def _post_faults(self, request: web.Request) -> Body:
        asked: Body = await request.json()
        unknown = asked.keys() - self._faults.keys()
        if unknown:
            raise BadFaultError(f"unknown faults {sorted(unknown)}; known: {sorted(self._faults)}")
        for name, value in asked.items():
            self._faults[name](value)
        return {"applied": sorted(asked)}

    async def _post_clock(self, request: web.Request) -> Body:
        asked: Body = await request.json()
        if "speed" in asked:
            self._drive.speed = float(asked["speed"])
        if asked.get("pause"):
            self._drive.speed = 0.0
        if "advance" in asked:
            await self._drive.skip(float(asked["advance"]))
        return {"now": format_time(self._context.clock.now), "speed": self._drive.speed}

    async def _get_state(self, _request: web.Request) -> Body:
        await self._drive.catch_up()
        return cluster_state(self._context, self._drive.speed)

    async def _get_requests(self, _request: web.Request) -> list[dict[str, object]]:
        return self._server.requests.as_json()

    async def _delete_requests(self, _request: web.Request) -> Body:
        self._server.requests.clear()
        return {}

    def _set_latency(self, seconds: Any) -> None:
        self._context.faults.latency = float(seconds)

    def _set_next(self, answers: Any) -> None:
        self._context.faults.answers.extend(str(a) for a in answers)

    def _cut_watches(self) -> None:
        for watch in self._server.watches:
            watch.cut()

    def _expire_watches(self, _wanted: Any) -> None:
        self._context.store.compact()
        for watch in self._server.watches:
            watch.expire()

    def _go_down(self, seconds: Any) -> None:
        self._context.faults.down_until = self._context.clock.now + float(seconds)
        self._cut_watches()

    def _set_virt_api(self, down: Any) -> None:
        self._context.faults.webhooks_down = bool(down)

    def _set_fail_next(self, wanted: Any) -> None:
        self._context.faults.fail_next = bool(wanted)

    def _annotate(self, target: Any) -> None:
        unknown = target["faults"].keys() - ANNOTATIONS.keys()
        if unknown:
            raise BadFaultError(f"unknown fault annotations {sorted(unknown)}; known: {sorted(ANNOTATIONS)}")

        def change(obj: Obj) -> None:
            annotations = obj["metadata"].setdefault("annotations", {})
            for name, value in target["faults"].items():
                annotations.pop(PREFIX + name, None)
                if value is not None:
                    annotations[PREFIX + name] = str(value)

        resource = _KINDS[target["kind"]]
        if self._context.store.modify(resource, target.get("namespace", ""), target["name"], change) is None:
            raise BadFaultError(f"no such object: {target['kind']} {target['name']}")

    def _clear(self, _wanted: Any) -> None:
        faults = self._context.faults
        faults.latency, faults.down_until, faults.webhooks_down, faults.fail_next = 0.0, 0.0, False, False
        faults.answers.clear()


def cluster_state(context: Context, speed: float) -> Body:
    """Nodes with their VMs, VMs with node and phase, migrations under way: for a live view and for stories."""
    store = context.store
    return {
        "now": format_time(context.clock.now),
        "speed": speed,
        "faults": {
            "down": context.clock.now < context.faults.down_until,
            "failNext": context.faults.fail_next,
        },
        "nodes": [_node_state(context, node) for node in store.select(NODE)],
        "vms": [_vm_state(context, vm) for vm in store.select(VM)],
        "migrations": [_migration_state(context, job) for job in store.select(VMIM) if not is_final(job)],
    }


def _node_state(context: Context, node: Obj) -> Body:
    name = node["metadata"]["name"]
    hosted = [v for v in context.store.select(VMI) if dig(v, "status", "nodeName") == name and not is_final(v)]
    pods = [pod for pod in context.store.select(POD) if pod["spec"].get("nodeName") == name and not is_final(pod)]
    used, room = sum_amounts([pod_requests(pod) for pod in pods]), node["status"]["allocatable"]
    return {
        "name": name,
        "cpu": {"used": float(used.get("cpu", 0)), "room": float(parse_quantity(room["cpu"]))},
        "memory": {"used": float(used.get("memory", 0)), "room": float(parse_quantity(room["memory"]))},
        "ready": condition(node, "Ready").get("status") == "True",
        "cordoned": bool(node["spec"].get("unschedulable")),
        "taints": [t["key"] for t in node["spec"].get("taints") or []],
        "schedulable": labels(node).get("kubevirt.io/schedulable") == "true",
        "vms": ["/".join(key_of(v)) for v in hosted],
        "others": ["/".join(key_of(pod)) for pod in pods if "kubevirt.io" not in labels(pod)],
    }


def _vm_state(context: Context, vm: Obj) -> Body:
    namespace, name = key_of(vm)
    vmi = context.store.peek(VMI, namespace, name)
    return {
        "namespace": namespace,
        "name": name,
        "status": dig(vm, "status", "printableStatus", default=""),
        "ready": bool(dig(vm, "status", "ready")),
        "runStrategy": vm["spec"].get("runStrategy", ""),
        "node": dig(vmi, "status", "nodeName", default=""),
        "phase": phase(vmi),
    }


def _migration_state(context: Context, job: Obj) -> Body:
    namespace, name = key_of(job)
    vmi = context.store.peek(VMI, namespace, job["spec"]["vmiName"])
    state = dig(vmi, "status", "migrationState", default={})
    ours = state.get("migrationUid") == job["metadata"]["uid"]
    return {
        "namespace": namespace,
        "name": name,
        "vm": job["spec"]["vmiName"],
        "phase": phase(job),
        "source": dig(vmi, "status", "nodeName", default=""),
        "target": state.get("targetNode", "") if ours else "",
    }
