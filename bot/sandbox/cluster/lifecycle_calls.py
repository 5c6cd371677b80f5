"""The PUT subresources of virt-api: start, stop, restart, migrate, pause, unpause, evacuate/cancel.

Sourced: kubevirt pkg/virt-api/rest/lifecycle.go and subresource.go; every code and text recorded: errors.json, drain.
The state is looked at before the body is read; success is 202 without a body.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.admission import admit_create
from bot.sandbox.cluster.controller import Context
from bot.sandbox.cluster.objects import Obj, dig, is_final, is_true, key_of, phase, set_condition, uid_of
from bot.sandbox.cluster.resources import VM, VMI, VMIM, Resource
from bot.sandbox.cluster.vm_status import requests, run_strategy

UNDERWAY = "unable to complete request: stop/start already underway"


@dataclass
class Call:
    context: Context
    key: tuple[str, str]
    body: bytes

    @property
    def vm(self) -> Obj:
        found = self.context.store.get(VM, *self.key)
        if found is None:
            raise _missing("virtualmachine", self.key[1])
        return found

    @property
    def vmi(self) -> Obj | None:
        return self.context.store.get(VMI, *self.key)

    def require_vmi(self) -> Obj:
        found = self.vmi
        if found is None:
            raise _missing("virtualmachineinstance", self.key[1])
        return found

    def options(self) -> Obj:
        """The body as JSON; unknown fields are ignored, nonsense is 400 (recorded: errors.json 123, 124)."""
        if not self.body.strip():
            return {}
        try:
            parsed: Any = json.loads(self.body)
        except ValueError as error:
            raise errors.bad_request(
                f"Can not unmarshal Request body to struct, error: {_go_error(self.body)}"
            ) from error
        return parsed if isinstance(parsed, dict) else {}

    def patch_spec(self, **fields: Any) -> None:
        self.context.store.modify(VM, *self.key, lambda vm: vm["spec"].update(fields))

    def request(self, *changes: Obj) -> None:
        """Queue state changes in the VM's status; the VM controller works them off."""

        def queue(vm: Obj) -> None:
            vm.setdefault("status", {})["stateChangeRequests"] = list(changes)

        self.context.store.modify(VM, *self.key, queue)


def _go_error(body: bytes) -> str:
    text = body.decode(errors="replace")
    at = next((i for i, c in enumerate(text) if i and not c.isspace() and c != '"'), 0)
    return f"json: offset {at + 1}: invalid character '{text[at]}' looking for beginning of object key string"


def _missing(kind: str, name: str) -> errors.ApiError:
    details = {"name": name, "group": "kubevirt.io", "kind": kind}
    return errors.ApiError(404, f'{kind}.kubevirt.io "{name}" not found', "NotFound", details)


def _conflict(kind: str, name: str, why: str) -> errors.ApiError:
    details = {"name": name, "group": "kubevirt.io", "kind": kind}
    message = f'Operation cannot be fulfilled on {kind}.kubevirt.io "{name}": {why}'
    return errors.ApiError(409, message, "Conflict", details)


def _refuse(call: Call, why: str, kind: str = "virtualmachine") -> errors.ApiError:
    return _conflict(kind, call.key[1], why)


def start(call: Call) -> int:
    vm, vmi = call.vm, call.vmi
    if vmi and not is_final(vmi) and phase(vmi) not in {"", "Unknown"}:
        raise _refuse(call, "VM is already running")
    strategy = run_strategy(vm)
    if strategy == "RerunOnFailure" and phase(vmi) == "Failed":
        raise _refuse(call, "RerunOnFailure does not support starting VM from failed state")
    if strategy in {"Always", "Once"}:
        raise _refuse(call, f"{strategy} does not support manual start requests")
    if _is_dry(call.options()):
        return 202
    if strategy == "Halted":
        call.patch_spec(**({"running": True} if "running" in vm["spec"] else {"runStrategy": "Always"}))
    elif strategy in {"Manual", "RerunOnFailure"}:
        stop_first = [{"action": "Stop", "uid": uid_of(vmi)}] if vmi else []
        call.request(*stop_first, {"action": "Start"})
    return 202


def stop(call: Call) -> int:
    vm, vmi = call.vm, call.vmi
    if vmi is None or is_final(vmi):
        raise _refuse(call, "VM is not running")
    strategy, options = run_strategy(vm), call.options()
    grace = options.get("gracePeriod")
    shorter = grace is not None and grace < vmi["spec"].get("terminationGracePeriodSeconds", 30)
    if strategy == "Halted" and not shorter:
        raise _refuse(call, "Halted only supports manual stop requests with a shorter graceperiod")
    if _is_dry(options):
        return 202
    if shorter:
        call.context.store.modify(VMI, *call.key, lambda v: v["spec"].update(terminationGracePeriodSeconds=grace))
    if strategy in {"Always", "Once"}:
        call.patch_spec(**({"running": False} if "running" in vm["spec"] else {"runStrategy": "Halted"}))
    elif strategy != "WaitAsReceiver":
        call.request({"action": "Stop", "uid": uid_of(vmi)})
    return 202


def restart(call: Call) -> int:
    vm, vmi = call.vm, call.vmi
    strategy = run_strategy(vm)
    if strategy in {"Halted", "Once"}:
        raise _refuse(call, f"RunStategy {strategy} does not support manual restart requests")
    if vmi is None or is_final(vmi):
        raise _refuse(call, "VM is not running: Halted")
    options = call.options()
    grace = options.get("gracePeriodSeconds")
    if grace:
        raise errors.bad_request("For force restart, only gracePeriod=0 is supported for now")
    if _is_dry(options):
        return 202
    if requests(vm):
        raise errors.internal(UNDERWAY)
    if grace == 0:
        call.context.store.modify(VMI, *call.key, lambda v: v["spec"].update(terminationGracePeriodSeconds=0))
    call.request({"action": "Stop", "uid": uid_of(vmi)}, {"action": "Start"})
    return 202


def migrate(call: Call) -> int:
    """Creates a VMIM without saying its name; a webhook's denial becomes a 500 (recorded: errors.json 23)."""
    _ = call.vm
    vmi = call.require_vmi()
    if phase(vmi) != "Running":
        raise _refuse(call, "VM is not running")
    options = call.options()
    selector = options.get("addedNodeSelector")
    spec: Obj = {"vmiName": call.key[1]} | ({"addedNodeSelector": selector} if selector else {})
    metadata = {"generateName": "kubevirt-migrate-vm-", "namespace": call.key[0]}
    job = call.context.store.prepare(VMIM, {"metadata": metadata, "spec": spec})
    try:
        admit_create(call.context, VMIM, job)
    except errors.ApiError as error:
        raise errors.internal(error.message) from error
    if not _is_dry(options):
        call.context.store.create(VMIM, job)
    return 202


def pause(call: Call) -> int:
    vmi = call.require_vmi()
    if phase(vmi) != "Running":
        raise _refuse(call, "VM is not running", "virtualmachineinstance")
    if is_true(vmi, "Paused"):
        raise _refuse(call, "VMI is already paused", "virtualmachineinstance")
    if not _is_dry(call.options()):
        call.context.store.modify(VMI, *call.key, lambda v: set_condition(v, paused_condition(call.context)))
    return 202


def paused_condition(context: Context) -> Obj:
    """Sourced: kubevirt pkg/virt-handler/vm.go, calculatePausedCondition."""
    now = context.clock.timestamp()
    return {
        "lastProbeTime": now,
        "lastTransitionTime": now,
        "message": "VMI was paused by user",
        "reason": "PausedByUser",
        "status": "True",
        "type": "Paused",
    }


def unpause(call: Call) -> int:
    vmi = call.require_vmi()
    if phase(vmi) != "Running":
        raise _refuse(call, "VM is not running", "virtualmachineinstance")
    if not is_true(vmi, "Paused"):
        raise _refuse(call, "VMI is not paused", "virtualmachineinstance")
    if not _is_dry(call.options()):
        call.context.store.modify(VMI, *call.key, _unpause)
    return 202


def _unpause(vmi: Obj) -> None:
    vmi["status"]["conditions"] = [c for c in vmi["status"]["conditions"] if c["type"] != "Paused"]


def cancel_evacuation(call: Call) -> int:
    """Needs the node's name in the body, and answers 200 (recorded: drain at 53.0, 63.4 and 139.4)."""
    vmi = call.require_vmi()
    options = call.options()
    marked = dig(vmi, "status", "evacuationNodeName")
    if marked and options.get("evacuationNodeName") != marked:
        raise errors.internal(errors.patch_failed().message)
    if marked and not _is_dry(options):
        call.context.store.modify(VMI, *key_of(vmi), lambda v: v["status"].pop("evacuationNodeName"))
    return 200


def _is_dry(options: Obj) -> bool:
    return options.get("dryRun") == ["All"]


CALLS: dict[tuple[Resource, str], Callable[[Call], int]] = {
    (VM, "start"): start,
    (VM, "stop"): stop,
    (VM, "restart"): restart,
    (VM, "migrate"): migrate,
    (VM, "evacuate/cancel"): cancel_evacuation,
    (VMI, "pause"): pause,
    (VMI, "unpause"): unpause,
    (VMI, "evacuate/cancel"): cancel_evacuation,
}
