"""The two nodes: whether they live, take pods, and have a KubeVirt that answers."""

from collections.abc import Iterator
from datetime import timedelta

from bot.checks.finding import LIVE, Check, Finding, block, not_checked, warn
from bot.request import MoveType
from k8s.names import HANDLER, LABEL_APP, LABEL_HOSTNAME, LABEL_SCHEDULABLE
from k8s.snapshots import Facts, Pod

KVM = "devices.kubevirt.io/kvm"
_ROLES = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_PRESSURES = {"MemoryPressure": "memory", "DiskPressure": "disk space", "PIDPressure": "process ids"}
HEARTBEAT_LAG = timedelta(minutes=4)
"""virt-handler reports every 60 to 132 s, and is given up after 5 minutes (pkg/virt-handler/heartbeat, watch/node)."""
_OTHER = "Choose another node."


def ready(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """The seed's fourth validation: the node is Ready ..."""
    node = facts.target
    if node and not node.ready:
        yield block("target-not-ready", f"{node.name} is not Ready.", _OTHER, f"Node {node.name}, condition Ready")


def cordoned(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """... and takes new pods."""
    node = facts.target
    if node and node.cordoned:
        yield block(
            "target-cordoned",
            f"{node.name} is cordoned: it takes no new pods.",
            f"Choose another node, or uncordon it: {facts.capabilities.cli} uncordon {node.name}",
            f"Node {node.name}, spec.unschedulable",
        )


def pressure(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """The kubelet evicts pods soon, or refuses new ones by a taint, which is a check of its own."""
    node = facts.target
    for kind, lacks in _PRESSURES.items():
        if node and node.holds(kind):
            yield warn(
                "target-pressure",
                f"{node.name} is short of {lacks}.",
                "Choose another node, or free some first.",
                f"Node {node.name}, condition {kind}",
            )


def named(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A VM is sent to the value of the node's hostname label: by VMIM and by pin (KubeVirt matches labels only)."""
    node = facts.target
    if node is None:
        return
    if not node.hostname:
        yield block(
            "no-hostname",
            f"{node.name} has no hostname label, by which VMs are sent to a node.",
            _OTHER,
            f"Node {node.name}, label {LABEL_HOSTNAME}",
        )
    elif twin := next((n for n in facts.survey.nodes if n.hostname == node.hostname and n.name != node.name), None):
        yield block(
            "no-hostname",
            f"{node.name} and {twin.name} share the hostname label {node.hostname}: nobody can tell to which of them "
            "the VM would go.",
            _OTHER,
            f"Nodes {node.name} and {twin.name}, label {LABEL_HOSTNAME}",
        )


def schedulable(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Every launcher pod demands the label, which virt-handler keeps (pkg/virt-controller/services/template.go)."""
    node = facts.target
    if node is None or (given := node.labels.get(LABEL_SCHEDULABLE)) == "true":
        return
    why = "KubeVirt's virt-handler does not answer there" if given else "KubeVirt does not run there"
    yield block(
        "target-not-schedulable",
        f"{node.name} takes no VMs: {why}.",
        "Choose another node; an admin looks at virt-handler on that one." if given else _OTHER,
        f"Node {node.name}, label {LABEL_SCHEDULABLE}",
    )


def heartbeat(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Silence before KubeVirt itself draws a conclusion: measured against the other node, by the cluster's clock."""
    target, source = facts.target, facts.source
    if target is None or source is None or target.heartbeat is None or source.heartbeat is None:
        return
    lag = source.heartbeat - target.heartbeat
    if lag > HEARTBEAT_LAG and target.labels.get(LABEL_SCHEDULABLE) == "true":
        yield warn(
            "target-silent",
            f"virt-handler on {target.name} has reported {int(lag.total_seconds() // 60)} min less lately than on "
            f"{source.name}.",
            "Wait for its next report, or choose another node.",
            f"Node {target.name}, annotation kubevirt.io/heartbeat",
        )


def kvm(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Without hardware virtualization a node runs VMs only by emulation, which asks for no KVM."""
    node, launcher = facts.target, facts.launcher
    if node is None or not node.allocatable or node.allocatable.get(KVM):
        return
    text, source = f"{node.name} offers no KVM (hardware virtualization).", f"Node {node.name}, allocatable {KVM}"
    if launcher is None:
        yield warn("target-no-kvm", text, _OTHER, source)
    elif launcher.requests.get(KVM):
        yield block("target-no-kvm", text, _OTHER, source)


def control_plane(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Mostly a taint forbids it; where none does, people should want it."""
    node = facts.target
    if node and (role := next((each for each in _ROLES if each in node.labels), "")):
        yield warn(
            "target-control-plane",
            f"{node.name} is a control-plane node.",
            "Choose a worker, unless that is meant.",
            f"Node {node.name}, label {role}",
        )


def handler_on_target(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """virt-handler prepares the target of a live move, and starts a VM there."""
    if facts.target:
        yield from _handler(facts, facts.target.name)


def handler_on_source(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """virt-handler sends the memory of a live move."""
    if facts.vmi and facts.vmi.node:
        yield from _handler(facts, facts.vmi.node)


def _handler(facts: Facts, node: str) -> Iterator[Finding]:
    pods = facts.survey.pods.get(node)
    if pods is None:
        yield not_checked(f"whether virt-handler is ready on {node}", "I may not read its pods")
        return
    handlers = [pod for pod in pods if _is_handler(pod)]
    source = f"pods of {node}, label {LABEL_APP}={HANDLER}"
    if not handlers:
        yield warn("no-virt-handler", f"I see no virt-handler pod on {node}.", "Look at KubeVirt on that node.", source)
    elif not any(pod.ready and not pod.deleting for pod in handlers):
        yield block(
            "virt-handler-not-ready",
            f"virt-handler on {node} is not ready ({handlers[0].ref.name}).",
            "Wait until it is ready; an admin looks at it if it stays so.",
            source,
        )


def _is_handler(pod: Pod) -> bool:
    return pod.labels.get(LABEL_APP) == HANDLER


def source_ready(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A live move copies memory out of a living node; conditions of the VM go on saying Running when it is dead."""
    if facts.source is not None and not facts.source.ready:
        yield block(
            "source-not-ready",
            f"Its node {facts.source.name} is not Ready; memory cannot be copied from it.",
            "Recover the node first.",
            f"Node {facts.source.name}, condition Ready",
        )


def already_there(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Somebody has moved it there meanwhile; a migration to its own node would hang for five minutes and fail."""
    if facts.vmi and facts.target and facts.vmi.node == facts.target.name:
        yield block(
            "already-there", f"It is on {facts.target.name} already.", "There is nothing left to do.", "VMI node"
        )


CHECKS = (
    Check("its node is Ready", source_ready, LIVE),
    Check("virt-handler is ready on its node", handler_on_source, LIVE),
    Check("the target is another node than its own", already_there, of_target=True),
    Check("the target can be told from other nodes", named, of_target=True),
    Check("the target is Ready", ready, of_target=True),
    Check("the target is not cordoned", cordoned, of_target=True),
    Check("the target has memory, disk space and process ids to spare", pressure, of_target=True),
    Check("KubeVirt runs on the target", schedulable, of_target=True),
    Check("the target's virt-handler reports in time", heartbeat, of_target=True),
    Check("virt-handler is ready on the target", handler_on_target, of_target=True),
    Check("the target has KVM", kvm, of_target=True),
    Check("the target is a worker", control_plane, of_target=True),
)
