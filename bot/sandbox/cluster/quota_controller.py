"""Keeps ``ResourceQuota.status`` in step with the pods of its namespace."""

from collections.abc import Iterable
from decimal import Decimal

from bot.sandbox.cluster.controller import Controller
from bot.sandbox.cluster.objects import Key, Obj, key_of
from bot.sandbox.cluster.pods import format_amount, quota_usage
from bot.sandbox.cluster.resources import POD, QUOTA
from bot.sandbox.cluster.store import Change


class QuotaController(Controller):
    reaction = 0.02

    def keys_for(self, change: Change) -> Iterable[Key]:
        if change.resource is QUOTA:
            return [key_of(change.obj)]
        if change.resource is POD:
            return [key_of(q) for q in self.store.select(QUOTA, key_of(change.obj)[0])]
        return []

    def reconcile(self, key: Key) -> None:
        self.store.modify(QUOTA, *key, self._sync)

    def _sync(self, quota: Obj) -> None:
        hard = quota["spec"].get("hard", {})
        usage = quota_usage(self.store, key_of(quota)[0])
        used = {name: format_amount(name, usage.get(name, Decimal(0))) for name in hard}
        quota["status"] = {"hard": dict(hard), "used": used}
