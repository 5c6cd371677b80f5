"""Whatever people do in whatever order: the cluster keeps its invariants and comes to rest."""

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.sandbox.cluster.cluster import begun
from bot.sandbox.cluster.errors import ApiError
from bot.sandbox.cluster.faults import PREFIX
from bot.sandbox.cluster.lifecycle_calls import CALLS, Call
from bot.sandbox.cluster.objects import Obj, is_final, phase
from bot.sandbox.cluster.paths import Route
from bot.sandbox.cluster.pods import delete_pod
from bot.sandbox.cluster.resources import NODE, POD, VM, VMI, VMIM
from bot.sandbox.cluster.writes import Writer

NAMES = ("always", "manual", "once", "rerun")
STRATEGIES = {"always": "Always", "manual": "Manual", "once": "Once", "rerun": "RerunOnFailure"}
NODES = ("worker-01", "worker-02", "worker-03")
FAULTS = {"hang": "Running", "fail": "PreparingTarget", "stop": "stuck", "start": "fail", "guest": "crash"}

names, nodes = st.sampled_from(NAMES), st.sampled_from(NODES)


def world() -> Obj:
    vms = [{"name": n, "strategy": s, "node": "worker-01"} for n, s in STRATEGIES.items()]
    spaces = [{"name": n} for n in ("default", "kubevirt", "kube-node-lease", "vms")]
    return {"nodes": [{"name": n} for n in NODES], "namespaces": spaces, "vms": {"vms": vms}}


class People(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.cluster = begun(world(), start=1_795_000_000.0, version="v1.9.0", seed=1)
        self.store = self.cluster.store
        self.writer = Writer(self.cluster.context)
        self.jobs = 0

    def ask(self, action: Callable[[], object]) -> None:
        """A refusal is an answer; anything else that is raised is a bug."""
        try:
            action()
        except ApiError as error:
            assert 400 <= error.code <= 504, error.message  # noqa: PT017 - both outcomes are fine, a wrong code is not

    @rule(seconds=st.sampled_from((0.05, 0.5, 2.0, 7.0, 60.0, 400.0)))
    def wait(self, seconds: float) -> None:
        until = self.cluster.clock.now + seconds
        while self.cluster.clock.run_next(until=until):
            pass
        self.cluster.clock.now = until

    @rule(name=names, verb=st.sampled_from(("start", "stop", "restart", "migrate")))
    def call(self, name: str, verb: str) -> None:
        self.ask(lambda: CALLS[(VM, verb)](Call(self.cluster.context, ("vms", name), b"")))

    @rule(name=names, node=nodes)
    def migrate_to(self, name: str, node: str) -> None:
        self.jobs += 1
        spec = {"vmiName": name, "addedNodeSelector": {"kubernetes.io/hostname": node}}
        body = {"metadata": {"name": f"job-{self.jobs}"}, "spec": spec}
        self.ask(lambda: self.writer.create(Route(VMIM, "v1", "vms"), body, {}))

    @rule(which=st.integers(0, 3))
    def cancel(self, which: int) -> None:
        jobs = self.store.select(VMIM)
        if jobs:
            name = jobs[which % len(jobs)]["metadata"]["name"]
            self.ask(lambda: self.writer.delete(Route(VMIM, "v1", "vms", name), {}, {}))

    @rule(name=names, node=st.none() | nodes)
    def pin(self, name: str, node: str | None) -> None:
        selector = {"kubernetes.io/hostname": node} if node else None
        self.store.modify(
            VM, "vms", name, lambda vm: vm["spec"]["template"]["spec"].update(nodeSelector=selector or {})
        )

    @rule(name=names, strategy=st.sampled_from(("Halted", "Always", "Manual", "Once", "RerunOnFailure")))
    def set_strategy(self, name: str, strategy: str) -> None:
        self.store.modify(VM, "vms", name, lambda vm: vm["spec"].update(runStrategy=strategy))

    @rule(name=names, fault=st.sampled_from(sorted(FAULTS)))
    def inject(self, name: str, fault: str) -> None:
        self.annotate(name, {fault: FAULTS[fault]})

    @rule(name=names)
    def heal(self, name: str) -> None:
        self.annotate(name, {})

    def annotate(self, name: str, faults: dict[str, str]) -> None:
        def change(vm: Obj) -> None:
            vm["metadata"]["annotations"] = {PREFIX + k: v for k, v in faults.items()}

        self.store.modify(VM, "vms", name, change)

    @rule(node=nodes, cordoned=st.sampled_from((None, True)))
    def cordon(self, node: str, cordoned: bool | None) -> None:  # noqa: FBT001 - hypothesis draws it
        self.store.modify(NODE, "", node, lambda n: n["spec"].update(unschedulable=cordoned))

    @rule(node=nodes, down=st.sampled_from(("true", "false")))
    def lose(self, node: str, down: str) -> None:
        self.store.modify(NODE, "", node, lambda n: n["metadata"]["annotations"].update({PREFIX + "down": down}))

    @rule(which=st.integers(0, 9))
    def delete_a_pod(self, which: int) -> None:
        pods = self.store.select(POD, "vms")
        if pods:
            self.ask(lambda: delete_pod(self.store, pods[which % len(pods)]))

    @invariant()
    def a_running_guest_has_a_node(self) -> None:
        for vmi in self.store.scan(VMI):
            assert phase(vmi) != "Running" or vmi["status"].get("nodeName")

    @invariant()
    def a_vmi_has_at_most_one_migration_past_pending(self) -> None:
        for name in NAMES:
            jobs = self.store.labelled(VMIM, "kubevirt.io/vmi-name", name)
            assert sum(1 for j in jobs if not is_final(j) and phase(j) not in {"", "Pending"}) <= 1

    @invariant()
    def the_vm_says_what_its_vmi_is_after_a_moment(self) -> None:
        before = self.guests()
        self.wait(0.2)
        for name, guest in self.guests().items():
            if guest == before[name]:  # one that came or went just now may not be told yet
                assert bool(self.store.require(VM, "vms", name)["status"].get("created")) == (guest is not None)

    def guests(self) -> dict[str, str | None]:
        """The uid of each VM's VMI, None where it has none."""
        vmis = {name: self.store.peek(VMI, "vms", name) for name in NAMES}
        return {name: vmi["metadata"]["uid"] if vmi else None for name, vmi in vmis.items()}

    def teardown(self) -> None:
        """Without faults everything comes to rest: no VMIM is left open, no VMI is left half way."""
        if not hasattr(self, "cluster"):
            return
        for name in NAMES:
            self.heal(name)
            self.pin(name, None)
        for node in NODES:
            self.lose(node, "false")
            self.cordon(node, None)
        self.wait(5000)
        assert {phase(j) for j in self.store.scan(VMIM)} <= {"Succeeded", "Failed"}
        assert {phase(v) for v in self.store.scan(VMI)} <= {"Running", "Succeeded", "Failed"}


TestPeople = People.TestCase
TestPeople.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
