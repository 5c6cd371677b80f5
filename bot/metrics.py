"""What Prometheus gets to read. The only importer of `prometheus_client`.

Names and labels are few and do not grow with VMs, nodes, people or plans. Counters begin at zero with the process;
what is under way is read from the store at each scrape, so a restart does not forget it.
"""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from bot import migration, transitions
from bot.migration import MoveState, PlanState
from bot.ports import Clock
from bot.record import Record

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

LONGEST_LAG: Final = timedelta(hours=1)
"""After which a change that this bot has stored counts as shown by another bot, which does not tell."""

_BEGUN: Final = (PlanState.APPROVED, PlanState.RUNNING, PlanState.PAUSED)
_CALL_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
_LAG_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)
_MOVE_SECONDS: Final = (5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)


disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody reads


class Metrics:
    """Counts what it is told of; one registry of its own."""

    def __init__(self, clock: Clock, version: str) -> None:
        self._clock = clock
        self._unshown: dict[str, datetime] = {}
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("vm_migrate_bot", "The running bot.", registry=registry).info({"version": version})
        self._plans = Counter("vm_migrate_plans", "Plans that came into a state.", ["state"], registry=registry)
        self._moves = Counter("vm_migrate_moves", "Moves that came to an end.", ["type", "result"], registry=registry)
        self._seconds = Histogram(
            "vm_migrate_move_seconds",
            "From the beginning of a move to its end.",
            ["type", "result"],
            buckets=_MOVE_SECONDS,
            registry=registry,
        )
        self._downtime = Histogram(
            "vm_migrate_downtime_seconds",
            "Cold moves: from the stop to the VM running again.",
            buckets=_MOVE_SECONDS,
            registry=registry,
        )
        self._lag = Histogram(
            "vm_migrate_phase_lag_seconds",
            "From a change of a plan to Slack showing it.",
            buckets=_LAG_SECONDS,
            registry=registry,
        )
        self._slack = Counter("vm_migrate_slack_calls", "Calls to Slack.", ["method", "result"], registry=registry)
        self._cluster = Counter(
            "vm_migrate_cluster_calls", "Calls to the API server.", ["verb", "resource", "code"], registry=registry
        )
        self._cluster_seconds = Histogram(
            "vm_migrate_cluster_call_seconds",
            "Until the API server answered.",
            ["verb"],
            buckets=_CALL_SECONDS,
            registry=registry,
        )
        self._open = Gauge("vm_migrate_open_plans", "Plans that are not finished.", ["state"], registry=registry)
        self._under_way = Gauge(
            "vm_migrate_open_moves", "Moves of approved plans that have not ended.", ["state"], registry=registry
        )
        self._ready = Gauge("vm_migrate_ready", "1 where that part works.", ["part"], registry=registry)

    def changed(self, before: Record | None, after: Record) -> None:
        """A plan was stored. Implements `bot.ports.Watching`."""
        if state := transitions.plan_entered(before, after):
            self._plans.labels(state.value).inc()
        for entered in transitions.moves_entered(before, after):
            self._move(entered)
        now = self._clock.now()
        while self._unshown and now - next(iter(self._unshown.values())) > LONGEST_LAG:
            del self._unshown[next(iter(self._unshown))]
        self._unshown.setdefault(after.id, now)

    def shown(self, plan_id: str) -> None:
        """Slack shows all of the plan."""
        now, since = self._clock.now(), self._unshown.pop(plan_id, None)
        if since and now - since <= LONGEST_LAG:
            self._lag.observe((now - since).total_seconds())

    def slack_called(self, method: str, result: str) -> None:
        """A call to Slack has ended."""
        self._slack.labels(method, result).inc()

    def cluster_called(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """A call to the API server has ended; a watch: was opened."""
        self._cluster.labels(verb, resource, code).inc()
        self._cluster_seconds.labels(verb).observe(seconds)

    def render(self, open_plans: Sequence[Record] | None, ready: Mapping[str, bool]) -> bytes:
        """The page for Prometheus. None: the plans cannot be read, so what is under way is left out."""
        self._open.clear()
        self._under_way.clear()
        if open_plans is not None:
            self._count(open_plans)
        for part, works in ready.items():
            self._ready.labels(part).set(works)
        return generate_latest(self._registry)

    def _count(self, open_plans: Sequence[Record]) -> None:
        plans = Tally(plan.state for plan in open_plans)
        moves = Tally(run.state for plan in open_plans if plan.state in _BEGUN for run in plan.runs)
        for plan_state in PlanState:
            if not migration.is_final(plan_state):
                self._open.labels(plan_state.value).set(plans[plan_state])
        for move_state in MoveState:
            if not migration.is_final(move_state):
                self._under_way.labels(move_state.value).set(moves[move_state])

    def _move(self, entered: transitions.MoveEntered) -> None:
        kind, state, run = entered.type.value, entered.state, entered.run
        if not migration.is_final(state) and state is not MoveState.UNKNOWN:
            return
        self._moves.labels(kind, state.value).inc()
        if run.started_at:
            seconds = (self._clock.now() - run.started_at).total_seconds()
            self._seconds.labels(kind, state.value).observe(seconds)
        if state is MoveState.SUCCEEDED and run.downtime:
            self._downtime.observe(run.downtime.total_seconds())
