"""What a VM's status says about its VMI: pure functions, no writes.

Sourced: kubevirt pkg/virt-controller/watch/vm/vm.go (setPrintableStatus, syncConditions, startFailure).
"""

import random
from collections.abc import Callable

from bot.sandbox.cluster.clock import VirtualClock, format_time
from bot.sandbox.cluster.objects import (
    Obj,
    condition,
    dig,
    is_deleting,
    is_final,
    is_true,
    phase,
    set_condition,
    status,
    uid_of,
)
from bot.sandbox.cluster.phases import was_in_phase

OWN_CONDITIONS = ("Failure", "RestartRequired")
"""Conditions of the VM itself: they do not come from the VMI."""

SELF_STARTING = frozenset({"Always", "Once"})
BACKED_OFF = frozenset({"Always", "RerunOnFailure", "Once"})
BACKOFF_UNIT = 10
BACKOFF_LIMIT = 300


def run_strategy(vm: Obj) -> str:
    """``spec.running`` counts as Always or Halted (recorded: cold-running-true, status.runStrategy)."""
    if "running" in vm["spec"]:
        return "Always" if vm["spec"]["running"] else "Halted"
    return str(vm["spec"].get("runStrategy", "Halted"))


def requests(vm: Obj) -> list[Obj]:
    found: list[Obj] = status(vm).get("stateChangeRequests") or []
    return found


def has_start_request(vm: Obj) -> bool:
    return bool(requests(vm)) and requests(vm)[0]["action"] == "Start"


def has_stop_request(vm: Obj, vmi: Obj) -> bool:
    first = next(iter(requests(vm)), {})
    return first.get("action") == "Stop" and first.get("uid") == uid_of(vmi)


def trim_requests(vm: Obj, vmi: Obj | None) -> None:
    """Drop the first request once it is done (recorded: cold-manual, cold-restart)."""
    pending = requests(vm)
    if not pending:
        return
    stopped = pending[0]["action"] == "Stop" and (vmi is None or pending[0].get("uid") != uid_of(vmi))
    started = pending[0]["action"] == "Start" and vmi is not None
    remaining = pending[1:] if stopped or started else pending
    if remaining:
        vm["status"]["stateChangeRequests"] = remaining
    else:
        del vm["status"]["stateChangeRequests"]


def is_migrating(vmi: Obj) -> bool:
    state = dig(vmi, "status", "migrationState", default={})
    return bool(state.get("startTimestamp")) and not state.get("endTimestamp")


def _is_crash_loop(vm: Obj, vmi: Obj | None) -> bool:
    failed = dig(vm, "status", "startFailure", "consecutiveFailCount", default=0)
    return bool(failed) and (vmi is None or is_final(vmi))


def _is_starting(vm: Obj, vmi: Obj | None) -> bool:
    if vmi:
        return phase(vmi) in {"", "Pending", "Scheduling", "Scheduled"}
    return not _is_crash_loop(vm, vmi) and (run_strategy(vm) in SELF_STARTING or has_start_request(vm))


def _synchronized(reason: str) -> Callable[[Obj, Obj | None], bool]:
    return lambda _vm, vmi: condition(vmi, "Synchronized").get("reason") == reason


_PRINTABLE: tuple[tuple[str, Callable[[Obj, Obj | None], bool]], ...] = (
    ("Terminating", lambda vm, _vmi: is_deleting(vm)),
    ("Stopping", lambda _vm, vmi: is_deleting(vmi) and not is_final(vmi)),
    ("Migrating", lambda _vm, vmi: vmi is not None and phase(vmi) == "Running" and is_migrating(vmi)),
    ("Paused", lambda _vm, vmi: is_true(vmi, "Paused")),
    ("Running", lambda _vm, vmi: phase(vmi) == "Running"),
    ("ErrorPvcNotFound", _synchronized("FailedPvcNotFound")),
    ("ErrorUnschedulable", lambda _vm, vmi: condition(vmi, "PodScheduled").get("status") == "False"),
    ("ErrImagePull", _synchronized("ErrImagePull")),
    ("ImagePullBackOff", _synchronized("ImagePullBackOff")),
    ("Starting", _is_starting),
    ("CrashLoopBackOff", _is_crash_loop),
    ("Stopped", lambda _vm, vmi: vmi is None or is_final(vmi)),
)
"""First match wins (sourced: vm.go setPrintableStatus)."""


def printable_status(vm: Obj, vmi: Obj | None) -> str:
    return next((name for name, holds in _PRINTABLE if holds(vm, vmi)), "Unknown")


def sync_conditions(vm: Obj, vmi: Obj | None, clock: VirtualClock) -> None:
    """A VM without VMI keeps the VMI's last conditions, except Ready (recorded: cold-always at 3.373)."""
    own = [c for c in status(vm).get("conditions", []) if c["type"] in OWN_CONDITIONS]
    if vmi is None:
        _set_ready(vm, "VMINotExists", "VMI does not exist", clock)
        vm["status"]["conditions"] = [c for c in vm["status"]["conditions"] if c["type"] != "RestartRequired"]
        return
    copied = [c for c in status(vmi).get("conditions", []) if c["type"] != "Synchronized"]
    if not condition(vmi, "Ready"):
        vm["status"]["conditions"] = [c for c in status(vm).get("conditions", []) if c["type"] == "Ready"]
        _set_ready(vm, "VMIConditionMissing", "VMI is missing the Ready condition", clock)
        copied = [condition(vm, "Ready"), *copied]
    vm["status"]["conditions"] = [*copied, *own]


def _set_ready(vm: Obj, reason: str, message: str, clock: VirtualClock) -> None:
    if condition(vm, "Ready").get("reason") == reason:
        return
    now = clock.timestamp()
    set_condition(
        vm,
        {
            "lastProbeTime": now,
            "lastTransitionTime": now,
            "message": message,
            "reason": reason,
            "status": "False",
            "type": "Ready",
        },
    )


def sync_start_failure(vm: Obj, vmi: Obj | None, clock: VirtualClock, dice: random.Random) -> None:
    """Counts VMIs that failed before they ever ran; 10 s x n², up to half more, 300 s at most.

    Recorded: cold-unschedulable (13 s), and that Halted and Manual know no back-off.
    """
    if run_strategy(vm) not in BACKED_OFF or (vmi and phase(vmi) == "Running"):
        vm["status"].pop("startFailure", None)
        return
    if vmi is None or phase(vmi) != "Failed" or was_in_phase(vmi, "Running"):
        return
    failure = dig(vm, "status", "startFailure", default={})
    if failure.get("lastFailedVMIUID") == uid_of(vmi):
        return
    count = failure.get("consecutiveFailCount", 0) + 1
    delay = min(BACKOFF_UNIT * count**2 * (1 + dice.random() / 2), BACKOFF_LIMIT)
    vm["status"]["startFailure"] = {
        "consecutiveFailCount": count,
        "lastFailedVMIUID": uid_of(vmi),
        "retryAfterTimestamp": format_time(clock.now + delay),
    }
