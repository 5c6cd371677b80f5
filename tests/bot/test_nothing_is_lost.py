"""Whatever people, the network and the machine do, in any order: each move ends once, with the truth.

Steps are drawn by hypothesis: requests, presses (twice, by two, from old cards), kills, restarts, outages, time. In the
end all trouble is over and time passes: no plan is left open, no VM is down that ran before, no plan has made two
migrations, and what the Record and the log say of a move is what the cluster shows.
"""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot import migration
from bot.errors import BotError
from bot.migration import MoveState, PlanState
from bot.record import Choice, Doubt, PinState, Place, Record
from bot.request import MoveRequest, MoveType
from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.faults import PREFIX
from bot.sandbox.cluster.objects import Obj, is_final, labels, phase
from bot.sandbox.cluster.resources import NODE, VM, VMI, VMIM
from bot.sandbox.cluster.store import Change
from k8s import cold, steps
from k8s.names import LABEL_PLAN
from tests.bot.conftest import App, opened
from tests.clocks import Numbers, StandingClock
from tests.facts import DANA, OPS, OTTO, RAVI

T = TypeVar("T")

VMS = {
    "web-01": ("production", MoveType.LIVE),
    "web-02": ("production", MoveType.LIVE),
    "app-vm": ("production", MoveType.COLD),
    "manual-01": ("vms", MoveType.COLD),
    "once-01": ("vms", MoveType.COLD),
}
TARGETS = ("worker-03", "worker-04", "worker-05")
STEP = 0.5
SETTLED_WITHIN = 3 * 3600
"""Virtual seconds in which everything is over: a plan's validity, its limits and a grace period, several times."""

names, nodes = st.sampled_from(sorted(VMS)), st.sampled_from(TARGETS)
people, whichever = st.sampled_from((DANA, RAVI, OTTO)), st.integers(0, 5)
spans = st.sampled_from((0.05, 0.5, 2.0, 6.0, 15.0, 90.0, 700.0))


class Errors(logging.Handler):
    """Keeps what the bot logs as an error: none is expected."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(f"{record.getMessage()} {record.exc_info}")


class Life(RuleBasedStateMachine):
    """The bot, its cluster and everybody around."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="vm-migrate-life-"))
        self.clock, self.numbers, self.errors = StandingClock(), Numbers(), Errors()
        self.sandbox = ClusterSandbox(start_time=self.clock.now().timestamp())
        self.made: dict[str, set[str]] = {}
        self.deliveries = 0
        self.stack = AsyncExitStack()
        self.app: App | None = None
        self.patch = pytest.MonkeyPatch()

    def do(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(doing)

    @initialize()
    def begin(self) -> None:
        logging.getLogger("bot").addHandler(self.errors)
        self.patch.setattr(steps, "LOOKS", (0.0,))  # real waits, which their own tests look at
        self.patch.setattr(cold, "LOOKS", (0.0, 0.001, 0.002))
        self.sandbox.store.subscribe(self._note)
        self.do(self.sandbox.start())
        self.ran = {name for name, (namespace, _) in VMS.items() if self.runs(namespace, name)}
        self.do(self._open())

    def _note(self, change: Change) -> None:
        if change.resource is VMIM and LABEL_PLAN in labels(change.obj):
            self.made.setdefault(labels(change.obj)[LABEL_PLAN], set()).add(change.obj["metadata"]["uid"])

    async def _open(self) -> None:
        self.app = await self.stack.enter_async_context(opened(self.folder, self.sandbox, self.clock))
        self.app.service._new_id = self.numbers
        await self.app.executor.resume()

    async def _leave(self, *, kill: bool) -> None:
        assert self.app is not None
        if kill:  # nothing is finished: not even the request that is on its way
            runs = [*self.app.executor._runs.values()]
            writes = [task for tasks in self.app.executor._writes.values() for task in tasks]
            for task in (*runs, *writes):
                task.cancel()
            await asyncio.gather(*runs, *writes, return_exceptions=True)
        self.app = None
        await self.stack.aclose()

    @property
    def up(self) -> App:
        assert self.app is not None
        return self.app

    def ask(self, asking: Callable[[App], Awaitable[object]]) -> None:
        """A refusal is an answer; anything else that is raised is a bug."""

        async def asked() -> None:
            try:
                async with asyncio.timeout(20):
                    await self.up.meanwhile(_whole(asking(self.up)))
            except BotError as refused:
                assert refused.what  # noqa: PT017 - both outcomes are fine
                assert refused.remedy  # noqa: PT017

        self.do(asked())

    def plans(self) -> list[Record]:
        found = (self.do(self.up.store.get(f"p{number}")) for number in range(1, self.numbers._last + 1))
        return [record for record in found if record]

    def some(self, which: int) -> Record | None:
        """One of the newest plans, most of the time the newest."""
        found = self.plans()
        return found[max(0, len(found) - 1 - which)] if found else None

    @precondition(lambda self: self.app is not None)
    @rule(name=names, node=nodes, by=people, again=st.booleans())
    def propose(self, name: str, node: str, by: Any, *, again: bool) -> None:
        self.deliveries += 0 if again else 1
        namespace, type_ = VMS[name]
        request = MoveRequest(vm=name, namespace=namespace, target=node, type=type_)
        place = Place(channel=OPS.channel, once=f"delivery {self.deliveries}")
        self.ask(lambda app: app.service.propose(request, by, place))

    @precondition(lambda self: self.app is not None)
    @rule(name=names, node=nodes, seconds=spans)
    def move(self, name: str, node: str, seconds: float) -> None:
        """What happens most: a move is asked for and confirmed."""
        self.propose(name, node, DANA, again=False)
        self.confirm(0, RAVI, old=False)
        self.wait(seconds)

    @precondition(lambda self: self.app is not None)
    @rule(which=whichever, by=people, old=st.booleans())
    def confirm(self, which: int, by: Any, *, old: bool) -> None:
        if plan := self.some(which):
            revision = plan.revision - 1 if old else plan.revision
            presses = [by, RAVI]
            self.ask(lambda app: _all(app.service.confirm(plan.id, revision, actor) for actor in presses))

    @precondition(lambda self: self.app is not None)
    @rule(which=whichever, by=people)
    def cancel(self, which: int, by: Any) -> None:
        if plan := self.some(which):
            self.ask(lambda app: app.service.cancel(plan.id, plan.revision, by))

    @precondition(lambda self: self.app is not None)
    @rule(which=whichever, by=people)
    def call_off(self, which: int, by: Any) -> None:
        if plan := self.some(which):
            self.ask(lambda app: app.service.call_off(plan.id, plan.revision, 0, by))

    @precondition(lambda self: self.app is not None)
    @rule(which=whichever)
    def watch_on(self, which: int) -> None:
        if plan := self.some(which):
            self.ask(lambda app: app.service.watch_on(plan.id, 0, DANA))

    @precondition(lambda self: self.app is not None)
    @rule(which=whichever, doubt=st.sampled_from(Doubt), choice=st.sampled_from(Choice))
    def answer(self, which: int, doubt: Doubt, choice: Choice) -> None:
        if plan := self.some(which):
            self.ask(lambda app: app.service.answer(plan.id, 0, doubt, choice, RAVI))

    @precondition(lambda self: self.app is not None)
    @rule(which=whichever, wanted=st.sampled_from((PinState.REMOVED, PinState.KEPT)))
    def decide_pin(self, which: int, wanted: PinState) -> None:
        if plan := self.some(which):
            self.ask(lambda app: app.service.decide_pin(plan.id, 0, wanted, DANA))

    @precondition(lambda self: self.app is not None)
    @rule(kill=st.booleans())
    def leave(self, *, kill: bool) -> None:
        self.do(self._leave(kill=kill))

    @precondition(lambda self: self.app is None)
    @rule()
    def come_back(self) -> None:
        self.do(self._open())

    @rule(seconds=spans)
    def wait(self, seconds: float) -> None:
        self.do(self._pass(seconds))

    @rule(seconds=st.sampled_from((1, 20, 200, 1200)))
    def outage(self, seconds: int) -> None:
        self.sandbox.context.faults.down_until = self.sandbox.clock.now + seconds

    @rule(down=st.booleans())
    def webhooks(self, *, down: bool) -> None:
        self.sandbox.context.faults.webhooks_down = down

    @rule(answers=st.lists(st.sampled_from(("500", "429", "409", "reset")), min_size=1, max_size=4))
    def trip(self, answers: list[str]) -> None:
        self.sandbox.context.faults.answers.extend(answers)

    @rule(
        name=names,
        fault=st.sampled_from(("hang=Scheduling", "hang=Running", "fail=Running", "stop=stuck", "copy-seconds=40")),
    )
    def trouble(self, name: str, fault: str) -> None:
        key, value = fault.split("=")

        def change(vm: Obj) -> None:
            vm["metadata"].setdefault("annotations", {})[PREFIX + key] = value

        self.sandbox.store.modify(VM, VMS[name][0], name, change)

    @rule(node=nodes, cordoned=st.booleans())
    def cordon(self, node: str, *, cordoned: bool) -> None:
        self.sandbox.store.modify(NODE, "", node, lambda found: found["spec"].update(unschedulable=cordoned))

    @rule(name=names)
    def delete_migration(self, name: str) -> None:
        """Somebody deletes the migration of a VM by hand."""
        for job in self._unfinished(name):
            self.sandbox.store.delete(VMIM, job["metadata"]["namespace"], job["metadata"]["name"])

    @invariant()
    def at_most_one_migration_per_move(self) -> None:
        assert all(len(uids) <= 1 for uids in self.made.values()), self.made
        assert all(len(self._unfinished(name)) <= 1 for name in VMS)

    @invariant()
    def nothing_unexpected_is_logged(self) -> None:
        assert self.errors.seen == []

    def _unfinished(self, name: str) -> list[Obj]:
        jobs = self.sandbox.store.select(VMIM, VMS[name][0])
        return [job for job in jobs if job["spec"]["vmiName"] == name and not is_final(job)]

    def runs(self, namespace: str, name: str) -> bool:
        vmi = self.sandbox.store.peek(VMI, namespace, name)
        return vmi is not None and phase(vmi) == "Running"

    async def _pass(self, seconds: float) -> None:
        """Let that much time pass for the cluster and the bot; longer spans in longer steps."""
        step = max(min(STEP, seconds), seconds / 60)
        for _ in range(round(seconds / step)):
            await self.sandbox.advance(step)
            now = self.clock.advance(step)
            if self.app is not None:
                await self.app.executor.sweep(now)
                await self._rest()

    async def _rest(self) -> None:
        """Let everything that is on its way arrive."""
        quiet, seen = 0, self.sandbox.activity
        while quiet < 3:
            await asyncio.sleep(0.001)
            quiet, seen = (quiet + 1, seen) if self.sandbox.activity == seen else (0, self.sandbox.activity)

    def teardown(self) -> None:
        try:
            if hasattr(self, "ran"):
                self._calm_down()
                self._judge()
        finally:
            self.do(self._end())
            self.patch.undo()
            logging.getLogger("bot").removeHandler(self.errors)
            self.loop.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    async def _end(self) -> None:
        await self.stack.aclose()
        await self.sandbox.stop()

    def _calm_down(self) -> None:
        """All trouble is over; time passes until nothing is open any more."""
        self.sandbox.context.faults.__init__()  # type: ignore[misc]  # as new
        for name, (namespace, _) in VMS.items():
            self.sandbox.store.modify(VM, namespace, name, _healed)
        for node in TARGETS:
            self.cordon(node, cordoned=False)
        if self.app is None:
            self.do(self._open())
        for _ in range(SETTLED_WITHIN // 60):
            self.do(self._pass(20))
            if not self.do(self.up.store.open_plans()):
                return
            self.do(self._pass(40))

    def _judge(self) -> None:
        told = [(plan.id, plan.state, plan.runs) for plan in self.plans()]
        assert [plan.id for plan in self.plans() if not migration.is_final(plan.state)] == [], told
        for name in self.ran:
            assert self.runs(VMS[name][0], name), (name, told)
        self.at_most_one_migration_per_move()
        self.nothing_unexpected_is_logged()
        for plan in self.plans():
            self._judge_log(plan)
        for name in VMS:
            self._judge_place(name)

    def _judge_log(self, plan: Record) -> None:
        """The log tells what the Record says."""
        kinds = [line.kind for line in self.do(self.up.store.log(plan.id))]
        run = plan.runs[0]
        assert kinds[0] == "proposed"
        assert ("confirmed" in kinds) >= (run.started_at is not None)
        if run.state is MoveState.SUCCEEDED:
            assert "succeeded" in kinds
        if run.state is MoveState.CANCELED:
            assert "called off" in kinds
        if plan.state in (PlanState.CANCELED, PlanState.EXPIRED, PlanState.LAPSED) and run.result is None:
            assert not {"creating", "stopping"} & set(kinds)
            assert plan.id not in self.made

    def _judge_place(self, name: str) -> None:
        """The newest report about a VM is what the cluster shows."""
        ended = [plan for plan in self.plans() if plan.plan.moves[0].vm == name and plan.runs[0].result]
        newest = max(ended, key=lambda plan: plan.approved_at or plan.created_at, default=None)
        if newest and newest.runs[0].result and newest.runs[0].result.node:
            vmi = self.sandbox.store.require(VMI, VMS[name][0], name)
            assert vmi["status"]["nodeName"] == newest.runs[0].result.node, (name, newest)


def _healed(vm: Obj) -> None:
    annotations = vm["metadata"].get("annotations", {})
    for key in [key for key in annotations if key.startswith(PREFIX)]:
        del annotations[key]


async def _whole(asking: Awaitable[T]) -> T:
    return await asking


async def _all(asking: Any) -> None:
    """At the same moment; the first refusal is raised after all have been answered."""
    answers = await asyncio.gather(*asking, return_exceptions=True)
    for error in answers:
        if isinstance(error, BaseException):
            raise error


Life.TestCase.settings = settings(
    max_examples=6,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
test_nothing_is_lost = Life.TestCase
