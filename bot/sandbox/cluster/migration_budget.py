"""How long a copy of memory may take, and what an abort is called.

Sourced: kubevirt pkg/virt-launcher/virtwrap/live-migration-source.go. Since 1.9 all aborts read the same (recorded:
live-cancelled-running); before, each cause had its words.
"""

from decimal import ROUND_UP, Decimal

from bot.sandbox.cluster.launcher import guest_memory
from bot.sandbox.cluster.objects import Obj, dig

Version = tuple[int, int]

_GB = Decimal(10**9)


def completion_seconds(vmi: Obj) -> float:
    """completionTimeoutPerGiB times the guest's memory in whole GB (sourced: getVMIMigrationDataSize, ScaledValue)."""
    per_gib = _configured(vmi, "completionTimeoutPerGiB")
    return per_gib * float((guest_memory(vmi) / _GB).to_integral_value(ROUND_UP))


def progress_seconds(vmi: Obj) -> float:
    return _configured(vmi, "progressTimeout")


def disruption_mode(vmi: Obj) -> str:
    """What happens to the guest when the time is up: PostCopy, Paused, or nothing (the copy is aborted)."""
    configuration = dig(vmi, "status", "migrationState", "migrationConfiguration", default={})
    post_copy = bool(configuration.get("allowPostCopy"))
    if not configuration.get("allowWorkloadDisruption", post_copy):
        return ""
    return "PostCopy" if post_copy else "Paused"


def abort_reason(version: Version, cause: str) -> str:
    return "Live migration has been aborted" if version >= (1, 9) else cause


def stuck(seconds: float) -> str:
    return f"Live migration stuck for {seconds:.0f} seconds and has been aborted"


def too_slow(seconds: float) -> str:
    return f"Live migration is not completed after {seconds:.0f} seconds and has been aborted"


def _configured(vmi: Obj, name: str) -> float:
    return float(dig(vmi, "status", "migrationState", "migrationConfiguration", name, default=150))
