"""How a table of causes is read, and the rows that a migration's target pod and a starting VM's pod share.

A row matches on `Signs`: the texts that the cluster wrote, most telling first, and the facts that can be trusted more
than texts. The scheduler's words count all nodes, those too that were never meant (recorded: live-unschedulable), so a
row about the target asks a fact of the target as well.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from bot.diagnosis.cause import Cause, WayOn
from bot.diagnosis.copying import Copy
from k8s.names import LABEL_HOST_MODEL, LABEL_SCHEDULABLE, LABEL_TAKES_MODEL
from k8s.snapshots import ClusterEvent, Node, TargetPod


class Signs(NamedTuple):
    """What the evidence of one kind boils down to."""

    texts: tuple[str, ...] = ()
    events: tuple[ClusterEvent, ...] = ()
    pods: tuple[TargetPod, ...] = ()
    conditions: tuple[str, ...] = ()
    """Types of the VMIM's conditions that hold."""
    status: str = ""
    """`printableStatus` of the VM, where a start is looked at."""
    reason: str = ""
    """The migration's own failureReason."""
    aborted: bool = False
    """Somebody asked for the abort."""
    copy: Copy | None = None
    draining: str = ""
    """Node that a drain takes the VM away from (`status.evacuationNodeName`)."""
    source: Node | None = None
    target: Node | None = None
    against: tuple[str, ...] = ()
    """Rules of the VM itself that the target does not meet."""
    ending: bool = False
    """The guest is being shut down, or its VM deleted."""


Signal = Callable[[Signs], str | None]
"""The words that prove it, None when it does not hold."""


class Rule(NamedTuple):
    """One row: a signal, and what it means."""

    code: str
    signal: Signal
    what: str
    remedy: str
    ways: tuple[WayOn, ...] = (WayOn.AGAIN,)


MOST_EVIDENCE = 4
"""Quotes on one report."""


def first_match(rules: Iterable[Rule], signs: Signs) -> Cause | None:
    """The first row that holds, its proof quoted first."""
    for rule in rules:
        if words := rule.signal(signs):
            return Cause(
                code=rule.code, what=rule.what, remedy=rule.remedy, evidence=quotes(signs, words), ways=rule.ways
            )
    return None


def quotes(signs: Signs, first: str | None = None) -> tuple[str, ...]:
    """The proof, then the newest warnings."""
    warnings = [f"{event.reason}: {event.message}" for event in signs.events if event.warning]
    said = ([first] if first else []) + [words for words in reversed(warnings) if words != first]
    return tuple(dict.fromkeys(said))[:MOST_EVIDENCE]


def pod_texts(pods: Iterable[TargetPod]) -> list[str]:
    """What the scheduler says of pods that have found no node."""
    return [pod.scheduled.message for pod in pods if pod.scheduled and pod.scheduled.status == "False"]


def says(pattern: str) -> Signal:
    """Some text of the cluster has these words."""
    wanted = re.compile(pattern, re.IGNORECASE)
    return lambda signs: next((text for text in signs.texts if wanted.search(text)), None)


def of_target(holds: Callable[[Node], bool], pattern: str) -> Signal:
    """The words, and a fact of the target."""
    spoken = says(pattern)
    return lambda signs: spoken(signs) if signs.target and holds(signs.target) else None


def waits_for(*reasons: str) -> Signal:
    """A container waits for this reason."""

    def signal(signs: Signs) -> str | None:
        return next((reason for pod in signs.pods for reason in pod.waiting if reason in reasons), None)

    return signal


def reported(reason: str) -> Signal:
    """An event of this reason."""
    return lambda signs: next((event.message or reason for event in signs.events if event.reason == reason), None)


def ended_by(*reasons: str) -> Signal:
    """A container has ended for this reason, now or the time before."""

    def signal(signs: Signs) -> str | None:
        return next((reason for pod in signs.pods for reason in pod.ended if reason in reasons), None)

    return signal


def either(*signals: Signal) -> Signal:
    """The first signal that holds."""
    return lambda signs: next((words for signal in signals if (words := signal(signs))), None)


def _not_schedulable(signs: Signs) -> str | None:
    """virt-handler stopped its heartbeat there (KubeVirt pkg/virt-controller/watch/node: the label goes to false)."""
    if signs.target and signs.target.labels.get(LABEL_SCHEDULABLE) == "false":
        return f"{signs.target.name} is labeled {LABEL_SCHEDULABLE}=false"
    return None


_NO_MATCH = says(r"didn't match Pod's node affinity/selector")


def _own_rules(signs: Signs) -> str | None:
    """With the rule that fails, where that can be told.

    Of a pod that may go to one node only all the others do not match, whatever the one lacks: then it counts only where
    that one does not match either.
    """
    words = _NO_MATCH(signs)
    if words is None or signs.target is None:
        return words
    if signs.against:
        return f"{signs.target.name} does not meet: {'; '.join(signs.against)}"
    counts = _COUNTS.search(words)
    return words if counts is None or counts["all"] == counts["unmet"] else None


_COUNTS = re.compile(
    r"0/(?P<all>\d+) nodes are available: .*?(?P<unmet>\d+) node\(s\) didn't match Pod's node affinity"
)


def _other_cpu(signs: Signs) -> str | None:
    """A guest with its node's own CPU asks the target for that model (KubeVirt watch/migration): a selector, too."""
    if signs.source is None or signs.target is None or signs.against or not _NO_MATCH(signs):
        return None
    models = [key.removeprefix(LABEL_HOST_MODEL) for key in signs.source.labels if key.startswith(LABEL_HOST_MODEL)]
    lacking = [model for model in models if f"{LABEL_TAKES_MODEL}{model}" not in signs.target.labels]
    return f"{signs.target.name} does not take guests with the CPU model {lacking[0]}" if lacking else None


NO_PLACE: tuple[Rule, ...] = (
    Rule(
        "target-not-ready",
        of_target(lambda node: not node.ready, r"."),
        "The target node is not Ready.",
        "Recover the node, or choose another one.",
        (WayOn.OTHER_NODE,),
    ),
    Rule(
        "no-kvm",
        says(r"Insufficient devices\.kubevirt\.io/kvm"),
        "The target node offers no KVM: it cannot run VMs.",
        "Choose another node; an admin checks virtualization on that one.",
        (WayOn.OTHER_NODE,),
    ),
    Rule(
        "capacity",
        says(r"Insufficient (cpu|memory|ephemeral-storage|hugepages|devices|\S+/\S+)|Too many pods"),
        "The target node has too little room for this VM.",
        "Choose a node with more room, or move something else away first.",
        (WayOn.OTHER_NODE, WayOn.AGAIN),
    ),
    Rule(
        "target-cordoned",
        of_target(lambda node: node.cordoned, r"were unschedulable"),
        "The target node is cordoned: it takes no new pods.",
        "Uncordon it, or choose another node.",
        (WayOn.OTHER_NODE, WayOn.AGAIN),
    ),
    Rule(
        "taint",
        of_target(lambda node: bool(node.taints), r"untolerated taint|taints that the pod didn't tolerate"),
        "The target node has a taint that this VM does not tolerate.",
        "Choose another node, or add the toleration to the VM.",
        (WayOn.OTHER_NODE,),
    ),
    Rule(
        "virt-handler",
        _not_schedulable,
        "KubeVirt's virt-handler does not answer on the target node.",
        "Wait until its pod there is Ready again, or choose another node.",
        (WayOn.OTHER_NODE, WayOn.AGAIN),
    ),
    Rule(
        "volume-node",
        says(r"volume node affinity conflict|PersistentVolume's node affinity|no available persistent volumes to bind"),
        "The target node cannot reach a volume of this VM.",
        "Choose a node in the volume's zone; a local disk has to be copied first.",
        (WayOn.OTHER_NODE,),
    ),
    Rule(
        "cpu-model",
        either(reported("NoSuitableNodesForHostModelMigration"), _other_cpu),
        "The target does not offer the CPU that the guest is using.",
        "Choose a node with the same CPU model; a cold move gives the guest the new node's CPU.",
        (WayOn.OTHER_NODE, WayOn.COLD),
    ),
    Rule(
        "neighbours",
        says(r"anti-affinity|didn't match pod affinity rules|topology spread constraints"),
        "Rules about other pods keep the VM away from the target: some are to be apart, or near.",
        "Choose a node that those rules allow, or move the other one away first.",
        (WayOn.OTHER_NODE,),
    ),
    Rule(
        "selector",
        _own_rules,
        "No node fits both the target and the VM's own placement rules.",
        "Look at the VM's nodeSelector and affinity, or choose a node that fits them.",
        (WayOn.OTHER_NODE,),
    ),
)
"""Why a launcher pod finds no place on the target."""

IN_THE_POD: tuple[Rule, ...] = (
    Rule(
        "network-attachment",
        says(
            r"network-attachment-definition\S* .*not found|cannot find a network-attachment|no available devices"
            r"|failed to locate network attachment definition|failed to find plugin|error adding container to network"
        ),
        "The target node lacks a network or device that this VM uses.",
        "Choose another node; an admin checks the network attachments and devices of that one.",
        (WayOn.OTHER_NODE,),
    ),
    Rule(
        "image",
        waits_for("ErrImagePull", "ImagePullBackOff"),
        "The target node could not pull an image that this VM needs.",
        "Check the node's access to the image registry, or choose another node.",
        (WayOn.OTHER_NODE, WayOn.AGAIN),
    ),
    Rule(
        "volume-attach",
        says(
            r"Multi-Attach error|AttachVolume\.Attach failed|MountVolume\.\S+ failed|Unable to attach or mount volumes"
        ),
        "A volume of this VM could not be attached on the target node.",
        "See whether another pod or node still holds the volume, then try again.",
        (WayOn.AGAIN, WayOn.OTHER_NODE),
    ),
    Rule(
        "out-of-memory",
        either(ended_by("OOMKilled"), says(r"OOMKilled|out of memory")),
        "The VM's launcher ran out of memory and was killed.",
        "Look at the VM's memory overhead and the node's memory before you try again.",
        (WayOn.OTHER_NODE, WayOn.AGAIN),
    ),
)
"""What keeps a launcher pod from coming up once it has a node."""

QUOTA = Rule(
    "quota",
    says(r"exceeded quota"),
    "The namespace's ResourceQuota has no room for the pod that the move needs.",
    "Free some quota in the namespace, or have it raised; a live move needs room for a second pod.",
    (WayOn.AGAIN, WayOn.COLD),
)
