"""How many migrations may run at once (sourced: kubevirt migration.go, canStartMigration).

A VMIM over a limit stays Pending without a word (recorded: live-limit, live-limit-node).
"""

from bot.sandbox.cluster.launcher import launcher_pods, target_pod
from bot.sandbox.cluster.objects import Obj, dig, is_final, key_of, phase, uid_of
from bot.sandbox.cluster.resources import VMI, VMIM
from bot.sandbox.cluster.settings import KubeVirtSettings
from bot.sandbox.cluster.store import Store


def has_free_slot(store: Store, settings: KubeVirtSettings, job: Obj, vmi: Obj) -> bool:
    if _living_pods(store, vmi) > 1:
        return False
    active = _active_jobs(store, job)
    source = dig(vmi, "status", "nodeName")
    outbound = [v for v in active if dig(v, "status", "nodeName") == source]
    limits = settings.migrations
    per_cluster = int(limits["parallelMigrationsPerCluster"])
    per_node = int(limits["parallelOutboundMigrationsPerNode"])
    return len(active) < per_cluster and len(outbound) < per_node


def _living_pods(store: Store, vmi: Obj) -> int:
    """Finished pods do not block, though activePods still lists them (recorded: live-again)."""
    return sum(1 for pod in launcher_pods(store, vmi) if not is_final(pod))


def _active_jobs(store: Store, besides: Obj) -> list[Obj]:
    """The VMIs of all jobs past Pending, or with a target pod."""
    found = []
    for job in store.select(VMIM):
        vmi = store.peek(VMI, key_of(job)[0], job["spec"]["vmiName"])
        if vmi and uid_of(job) != uid_of(besides) and not is_final(job) and _counts(store, vmi, job):
            found.append(vmi)
    return found


def _counts(store: Store, vmi: Obj, job: Obj) -> bool:
    return phase(job) not in {"", "Pending"} or target_pod(store, vmi, job) is not None
