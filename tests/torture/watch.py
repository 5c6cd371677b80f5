"""What the bot has done, read beside it: its database while it runs and after it was killed, and all that the cluster
has ever made for it."""

import sqlite3
from collections import Counter
from pathlib import Path

from bot.record import Record
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.objects import labels, phase
from bot.sandbox.cluster.resources import VMI, VMIM
from bot.sandbox.cluster.store import Change
from k8s.names import LABEL_PLAN


class Watch:
    """Eyes on the database and the cluster."""

    def __init__(self, cluster: ClusterSandbox, database: Path) -> None:
        self.cluster = cluster
        self._database = database
        self._made: dict[str, set[str]] = {}
        cluster.store.subscribe(self._note)
        self.ran = {each["metadata"]["name"] for each in cluster.store.scan(VMI) if phase(each) == "Running"}

    def _note(self, change: Change) -> None:
        if change.resource is VMIM and LABEL_PLAN in labels(change.obj):
            self._made.setdefault(labels(change.obj)[LABEL_PLAN], set()).add(change.obj["metadata"]["uid"])

    @property
    def created(self) -> int:
        """Migrations that the bot has made."""
        return sum(len(uids) for uids in self._made.values())

    def made_for(self, plan_id: str) -> int:
        """Migrations that were made for one plan."""
        return len(self._made.get(plan_id, ()))

    def plans(self) -> list[Record]:
        """All plans, oldest first."""
        return [Record.model_validate_json(text) for (text,) in self._read("select record from plans order by seq")]

    def all_shown(self) -> bool:
        """Whether the chat shows everything that there is to show."""
        return self._read("select id from plans where version != shown_version") == []

    def log(self, plan_id: str) -> list[str]:
        """Kinds of a plan's log."""
        return [kind for (kind,) in self._read("select kind from log where plan_id = ? order by seq", plan_id)]

    def card(self, plan_id: str) -> tuple[str, str] | None:
        """Channel and timestamp of a plan's card, once the bot knows them."""
        query = "select channel, ts from messages where plan_id = ? and slot = 'card' and ts != ''"
        return next(((channel, ts) for channel, ts in self._read(query, plan_id)), None)

    def node_of(self, name: str) -> str:
        """Where a VM runs; empty where it does not."""
        vmis = (each for each in self.cluster.store.scan(VMI) if each["metadata"]["name"] == name)
        return next((each["status"].get("nodeName", "") for each in vmis if phase(each) == "Running"), "")

    def outcomes(self) -> str:
        """How many plans ended how."""
        states = Counter(plan.state.value for plan in self.plans())
        return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))

    def _read(self, query: str, *given: str) -> list[tuple[str, ...]]:
        if not self._database.exists():
            return []
        with sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=5) as database:
            return list(database.execute(query, given))
