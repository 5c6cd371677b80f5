"""Creation and deletion of pods as the API server does them: quota on the way in, grace on the way out."""

from decimal import Decimal

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.objects import Obj, dig, is_final, key_of
from bot.sandbox.cluster.quantity import format_bytes, format_cpu, parse_quantity
from bot.sandbox.cluster.resources import POD, QUOTA
from bot.sandbox.cluster.scheduler import Amounts, pod_requests, sum_amounts
from bot.sandbox.cluster.store import Store


def create_pod(store: Store, pod: Obj) -> Obj:
    new = store.prepare(POD, pod)
    check_quota(store, new)
    return store.create(POD, new)


def delete_pod(store: Store, pod: Obj, grace: float | None = None) -> Obj:
    """A pod without a node, or at its end, goes at once; another gets its grace (recorded: cold-unschedulable)."""
    if not pod["spec"].get("nodeName") or is_final(pod):
        seconds = 0.0
    elif grace is None:
        seconds = float(pod["spec"].get("terminationGracePeriodSeconds", 30))
    else:
        seconds = grace
    return store.delete(POD, *key_of(pod), grace=seconds)


def quota_usage(store: Store, namespace: str) -> Amounts:
    living = [p for p in store.select(POD, namespace) if not is_final(p)]
    return _quota_amounts(living)


def _quota_amounts(pods: list[Obj]) -> Amounts:
    requested = sum_amounts([pod_requests(p) for p in pods])
    amounts = {f"requests.{k}": v for k, v in requested.items()} | {"pods": Decimal(len(pods))}
    amounts |= {name: requested.get(name, Decimal(0)) for name in ("cpu", "memory")}
    return amounts


def check_quota(store: Store, pod: Obj) -> None:
    """403 with the words of the quota admission plugin (recorded: live-quota)."""
    namespace, name = key_of(pod)
    quotas = store.select(QUOTA, namespace)
    if not quotas:
        return
    used, asked = quota_usage(store, namespace), _quota_amounts([pod])
    for quota in quotas:
        hard = {k: v for k, v in dig(quota, "spec", "hard", default={}).items() if k in asked}
        over = sorted(k for k, v in hard.items() if used.get(k, Decimal(0)) + asked[k] > parse_quantity(v))
        if over:
            requested, usage = ([f"{k}={format_amount(k, a.get(k, Decimal(0)))}" for k in over] for a in (asked, used))
            limits = [f"{k}={hard[k]}" for k in over]
            quota_name = quota["metadata"]["name"]
            why = f"exceeded quota: {quota_name}, requested: {','.join(requested)}, used: {','.join(usage)}"
            raise errors.forbidden(POD, name, f"{why}, limited: {','.join(limits)}")


def format_amount(name: str, amount: Decimal) -> str:
    return format_cpu(amount) if name.endswith("cpu") else format_bytes(amount)
