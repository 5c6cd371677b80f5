"""``status.phase`` and the time of each change, as VMIs and VMIMs record them."""

from bot.sandbox.cluster.clock import VirtualClock
from bot.sandbox.cluster.objects import Obj


def enter_phase(obj: Obj, phase: str, clock: VirtualClock) -> None:
    status = obj.setdefault("status", {})
    status["phase"] = phase
    entry = {"phase": phase, "phaseTransitionTimestamp": clock.timestamp()}
    status.setdefault("phaseTransitionTimestamps", []).append(entry)


def was_in_phase(obj: Obj, phase: str) -> bool:
    entries = (obj.get("status") or {}).get("phaseTransitionTimestamps") or []
    return any(entry["phase"] == phase for entry in entries)
