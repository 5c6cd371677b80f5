"""What the guest's machine asks of a node's labels: CPU, architecture, machine type.

KubeVirt puts it into the launcher pod's nodeSelector (pkg/virt-controller/services/nodeselectorrenderer.go), and into
its node affinity which labels a node must not have (template.go, setNodeAffinityForPod). A guest with the source node's
own CPU (host-model, the default) carries that CPU along in a live move: the target must offer the model and the
features that the source node names, or those that its launcher pod inherited from an earlier move
(watch/migration/migration.go, prepareNodeSelectorForHostCpuModel). A cold start takes the new node's CPU.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bot.checks.finding import LIVE, Check, Find, Finding, block, not_checked, warn
from bot.request import MoveType
from k8s.names import LABEL_HOST_MODEL, LABEL_SCHEDULABLE, LABEL_TAKES_MODEL
from k8s.snapshots import Facts, Guest, Node

MODEL = "cpu-model.node.kubevirt.io/"
FEATURE = "cpu-feature.node.kubevirt.io/"
VENDOR = "cpu-vendor.node.kubevirt.io/"
MACHINE = "machine-type.node.kubevirt.io/"
HOST_FEATURE = "host-model-required-features.node.kubevirt.io/"
MANAGER = "kubevirt.io/cpumanager"
ARCH = "kubernetes.io/arch"
ROLE = "node-role.kubernetes.io/"
OBSOLETE = "node-labeller.kubevirt.io/obsolete-host-model"
_CARRIED_ALONG = {LABEL_HOST_MODEL: LABEL_TAKES_MODEL, HOST_FEATURE: FEATURE}

_ANY_HOST = ("", "host-model")
_PASSED_THROUGH = "host-passthrough"


def demanded(facts: Facts, type_: MoveType) -> Mapping[str, str]:
    """The labels that the launcher pod will ask of its node for the guest's machine, as far as they are known."""
    guest, model = _guest(facts, type_), _model(facts, type_)
    asked = dict(facts.capabilities.node_selectors)
    asked |= {ARCH: guest.architecture} if guest.architecture else {}
    machine = (facts.vmi.machine if facts.vmi and type_ is MoveType.LIVE else "") or guest.machine
    asked |= {f"{MACHINE}{machine}": "true"} if machine and _tells_machines(facts) else {}
    if model not in (*_ANY_HOST, _PASSED_THROUGH):
        asked[f"{MODEL}{model}"] = "true"
    asked |= {f"{FEATURE}{name}": "true" for name in guest.cpu_features}
    asked |= {MANAGER: "true"} if guest.dedicated_cpus else {}
    along = {**_vendor(facts), **_along(facts)} if type_ is MoveType.LIVE else {}
    whole = {**asked, **_others(facts), **along}
    return {key: value for key, value in whole.items() if key not in _given(facts, type_)}


def _given(facts: Facts, type_: MoveType) -> Mapping[str, str]:
    """The VM's own selector, which is judged as its rules are: on the same key it wins."""
    placement = facts.vmi.placement if facts.vmi and type_ is MoveType.LIVE else facts.vm.placement
    return placement.node_selector or {}


def _guest(facts: Facts, type_: MoveType) -> Guest:
    """A template may lack what an instancetype adds; then what runs now is the better word."""
    if facts.vmi is None:
        return facts.vm.guest
    return facts.vmi.guest if type_ is MoveType.LIVE or not facts.vm.guest.memory_bytes else facts.vm.guest


def _model(facts: Facts, type_: MoveType) -> str:
    """A template that names no CPU model gets the cluster's when it is started."""
    return _guest(facts, type_).cpu_model or facts.capabilities.cpu_model


def _tells_machines(facts: Facts) -> bool:
    """Whether this KubeVirt labels nodes with their machine types: older ones neither write nor ask for that."""
    known = (node.labels for node in (facts.source, facts.target) if node)
    return any(key.startswith(MACHINE) for labels in known for key in labels)


def _others(facts: Facts) -> dict[str, str]:
    """Hyper-V, TSC, real time, memory encryption, and the node role that OpenShift gives a project's pods: as the
    launcher pod asks for them now. What a migration has added for once is none of these."""
    told = (*_KINDS, LABEL_SCHEDULABLE)
    asked = ((key, value) for key, value in _selector(facts).items() if "kubevirt.io/" in key or key.startswith(ROLE))
    return {key: value for key, value in asked if not key.startswith(told)}


def _selector(facts: Facts) -> Mapping[str, str]:
    return (facts.launcher.placement.node_selector or {}) if facts.launcher else {}


def _vendor(facts: Facts) -> dict[str, str]:
    """No guest that runs can go on with another vendor's CPU."""
    labels = facts.source.labels if facts.source else {}
    return {key: value for key, value in labels.items() if key.startswith(VENDOR)}


def _along(facts: Facts) -> dict[str, str]:
    """The model and features of a CPU that the guest has from its host."""
    if facts.vmi is None or _model(facts, MoveType.LIVE) not in _ANY_HOST:
        return {}
    if inherited := {k: v for k, v in _selector(facts).items() if k.startswith((LABEL_TAKES_MODEL, FEATURE))}:
        return inherited
    labels = facts.source.labels if facts.source else {}
    return {
        new + key.removeprefix(old): value
        for key, value in labels.items()
        for old, new in _CARRIED_ALONG.items()
        if key.startswith(old)
    }


def unmet(facts: Facts, type_: MoveType) -> Mapping[str, str]:
    """The labels that the target lacks, or has with another value."""
    labels = facts.target.labels if facts.target else {}
    return {key: value for key, value in demanded(facts, type_).items() if labels.get(key) != value}


class _Kind(NamedTuple):
    """What is said of a label that the target lacks."""

    code: str
    words: str
    remedy: str = "Choose a node that has it."


_SAME_CPU = "Choose a node with the same CPU; a cold move gives the guest the new node's CPU."
_KINDS: Mapping[str, _Kind] = {
    MODEL: _Kind("cpu-model", "{node} has no CPU of model {name}"),
    LABEL_TAKES_MODEL: _Kind("cpu-model", "{node} cannot take over a guest with CPU model {name}", _SAME_CPU),
    FEATURE: _Kind("cpu-model", "{node}'s CPU lacks the feature {name}"),
    VENDOR: _Kind("cpu-vendor", "{node}'s CPU is not made by {name}", _SAME_CPU),
    MACHINE: _Kind("machine-type", "{node} has no machine type {name}"),
    ARCH: _Kind("architecture", "{node} is not {value}", "Choose a node of the VM's architecture."),
    MANAGER: _Kind(
        "no-cpu-manager",
        "The guest has CPUs of its own (dedicatedCpuPlacement), and {node} has no CPU manager",
        "Choose a node with static CPU management.",
    ),
}
"""By how the label begins."""
_ELSE = _Kind("node-feature", "{node} lacks what the VM's pod asks for: {key}={value}")


def _lacks(code: str) -> Find:
    """A check of the labels of one kind."""

    def find(facts: Facts, type_: MoveType) -> Iterator[Finding]:
        for key, value in unmet(facts, type_).items():
            prefix = next((each for each in _KINDS if key.startswith(each)), "")
            kind = _KINDS.get(prefix, _ELSE)
            if facts.target and kind.code == code:
                node = facts.target.name
                text = kind.words.format(node=node, name=key.removeprefix(prefix), key=key, value=value)
                yield block(code, f"{text}.", kind.remedy, f"Node {node}, label {key}")

    return find


def carried(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Whether the CPU that must be carried along is known at all."""
    if facts.vmi and _model(facts, type_) in _ANY_HOST and not _along(facts):
        yield not_checked("whether the target has the guest's CPU", "its node does not show the model")


def shunned(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Labels that the launcher pod stays away from (recorded: world/pod-virt-launcher.json)."""
    node = facts.target
    forbidden = _guest(facts, type_).cpu_forbidden
    shuns = {f"{FEATURE}{name}": f"'s CPU has the feature {name}, which it forbids" for name in forbidden}
    if _model(facts, type_) in _ANY_HOST:
        shuns[OBSOLETE] = " cannot give guests its CPU: its model is obsolete"
    for label, words in shuns.items():
        if node and label in node.labels:
            source = f"Node {node.name}, label {label}"
            yield block("cpu-model", f"{node.name}{words}.", "Choose another node.", source)


def passed_through(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """KubeVirt looks at no model then; only identical CPUs work, and libvirt may say no late."""
    if (
        facts.vmi is None
        or facts.vmi.guest.cpu_model != _PASSED_THROUGH
        or facts.source is None
        or facts.target is None
    ):
        return
    here, there = (_models(node) for node in (facts.source, facts.target))
    if here != there:
        yield warn(
            "cpu-passthrough",
            f"The guest has {facts.source.name}'s own CPU (host-passthrough), and {facts.target.name} shows another: "
            f"{', '.join(sorted(there)) or 'none'} instead of {', '.join(sorted(here)) or 'none'}.",
            "Choose a node with the same CPU, or move it cold.",
            f"Node {facts.target.name}, labels {LABEL_HOST_MODEL}*",
        )


def _models(node: Node) -> frozenset[str]:
    return frozenset(key.removeprefix(LABEL_HOST_MODEL) for key in node.labels if key.startswith(LABEL_HOST_MODEL))


CHECKS = (
    Check("the target has the guest's CPU model and features", _lacks("cpu-model"), of_target=True),
    Check("the CPU that the guest carries along is known", carried, LIVE, of_target=True),
    Check("the guest may have the target's CPU", shunned, of_target=True),
    Check("a CPU that is passed through is the same there", passed_through, LIVE, of_target=True),
    Check("the target's CPU has the same vendor", _lacks("cpu-vendor"), of_target=True),
    Check("the target has the guest's machine type", _lacks("machine-type"), of_target=True),
    Check("the target has the VM's architecture", _lacks("architecture"), of_target=True),
    Check("the target has CPUs to dedicate, where the guest wants them", _lacks("no-cpu-manager"), of_target=True),
    Check("the target has what else the VM's pod asks for", _lacks("node-feature"), of_target=True),
)
