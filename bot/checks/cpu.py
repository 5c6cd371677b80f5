"""What the guest's machine asks of a node's labels: CPU, architecture, machine type.

KubeVirt puts it into the launcher pod's nodeSelector (pkg/virt-controller/services/nodeselectorrenderer.go). A guest
with the source node's own CPU (host-model, the default) carries that CPU along in a live move: the target must offer
the model and the features that the source node names, or those that its launcher pod inherited from an earlier move
(watch/migration/migration.go, prepareNodeSelectorForHostCpuModel). A cold start takes the new node's CPU.
"""

from collections.abc import Callable, Iterator, Mapping

from bot.checks.finding import LIVE, Check, Find, Finding, block, not_checked, warn
from bot.request import MoveType
from k8s.snapshots import Facts, Guest, Node

MODEL = "cpu-model.node.kubevirt.io/"
FROM_MODEL = "cpu-model-migration.node.kubevirt.io/"
FEATURE = "cpu-feature.node.kubevirt.io/"
VENDOR = "cpu-vendor.node.kubevirt.io/"
MACHINE = "machine-type.node.kubevirt.io/"
HOST_MODEL = "host-model-cpu.node.kubevirt.io/"
HOST_FEATURE = "host-model-required-features.node.kubevirt.io/"
MANAGER = "kubevirt.io/cpumanager"
ARCH = "kubernetes.io/arch"
OBSOLETE = "node-labeller.kubevirt.io/obsolete-host-model"
_OWN = (MODEL, FROM_MODEL, FEATURE, VENDOR, MACHINE)
_CARRIED_ALONG = {HOST_MODEL: FROM_MODEL, HOST_FEATURE: FEATURE, VENDOR: VENDOR}

_ANY_HOST = ("", "host-model")
_PASSED_THROUGH = "host-passthrough"


def demanded(facts: Facts, type_: MoveType) -> Mapping[str, str]:
    """The labels that the launcher pod will ask of its node for the guest's machine, as far as they are known."""
    guest = _guest(facts, type_)
    asked = {ARCH: guest.architecture} if guest.architecture else {}
    machine = (facts.vmi.machine if facts.vmi and type_ is MoveType.LIVE else "") or guest.machine
    asked |= {f"{MACHINE}{machine}": "true"} if machine else {}
    if guest.cpu_model not in (*_ANY_HOST, _PASSED_THROUGH):
        asked[f"{MODEL}{guest.cpu_model}"] = "true"
    asked |= {f"{FEATURE}{name}": "true" for name in guest.cpu_features}
    asked |= {MANAGER: "true"} if guest.dedicated_cpus else {}
    return {**asked, **_others(facts), **(_along(facts) if type_ is MoveType.LIVE else {})}


def _guest(facts: Facts, type_: MoveType) -> Guest:
    """A template may lack what an instancetype adds; then what runs now is the better word."""
    if facts.vmi is None:
        return facts.vm.guest
    return facts.vmi.guest if type_ is MoveType.LIVE or not facts.vm.guest.memory_bytes else facts.vm.guest


def _others(facts: Facts) -> dict[str, str]:
    """Hyper-V, TSC, real time, memory encryption: as the launcher pod asks for them now."""
    given = (facts.launcher.placement.node_selector or {}) if facts.launcher else {}
    return {key: value for key, value in given.items() if ".node.kubevirt.io/" in key and not key.startswith(_OWN)}


def _along(facts: Facts) -> dict[str, str]:
    if facts.vmi is None or facts.vmi.guest.cpu_model not in _ANY_HOST:
        return {}
    selector = (facts.launcher.placement.node_selector or {}) if facts.launcher else {}
    inherited = {k: v for k, v in selector.items() if k.startswith((FROM_MODEL, FEATURE, VENDOR))}
    if any(key.startswith(FROM_MODEL) for key in inherited):
        return inherited
    labels = facts.source.labels if facts.source else {}
    return {
        new + key.removeprefix(old): value
        for key, value in labels.items()
        for old, new in _CARRIED_ALONG.items()
        if key.startswith(old)
    }


def unmet(facts: Facts, type_: MoveType) -> tuple[str, ...]:
    """The labels that the target lacks, or has with another value."""
    node = facts.target
    return tuple(k for k, value in demanded(facts, type_).items() if node and node.labels.get(k) != value)


def _words(kind: str, value: str, node: Node) -> str:
    return {
        MODEL: f"{node.name} has no CPU of model {value}",
        FROM_MODEL: f"{node.name} cannot take over a guest with CPU model {value}",
        FEATURE: f"{node.name}'s CPU lacks the feature {value}",
        VENDOR: f"{node.name}'s CPU is not made by {value}",
        MACHINE: f"{node.name} has no machine type {value}",
    }[kind]


def _lacks(code: str, *kinds: str) -> Find:
    """A check of the labels of these kinds."""

    def find(facts: Facts, type_: MoveType) -> Iterator[Finding]:
        for key in unmet(facts, type_):
            kind = next((each for each in kinds if key.startswith(each)), "")
            if kind and facts.target:
                text = f"{_words(kind, key.removeprefix(kind), facts.target)}."
                yield block(code, text, _remedy(type_), f"Node {facts.target.name}, label {key}")

    return find


def _remedy(type_: MoveType) -> str:
    cold = "; a cold move gives the guest the new node's CPU" if type_ is MoveType.LIVE else ""
    return f"Choose a node with the same CPU{cold}."


def carried(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Whether the CPU that must be carried along is known at all."""
    if facts.vmi and facts.vmi.guest.cpu_model in _ANY_HOST and not _along(facts):
        yield not_checked("whether the target has the guest's CPU", "its node does not show the model")
    elif facts.target and OBSOLETE in facts.target.labels:
        yield block(
            "cpu-model",
            f"{facts.target.name} cannot give guests its CPU: its model is obsolete.",
            _remedy(MoveType.LIVE),
            f"Node {facts.target.name}, label {OBSOLETE}",
        )


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
            f"Node {facts.target.name}, labels {HOST_MODEL}*",
        )


def _models(node: Node) -> frozenset[str]:
    return frozenset(key.removeprefix(HOST_MODEL) for key in node.labels if key.startswith(HOST_MODEL))


def _exactly(code: str, keys: Callable[[str], bool], words: str, remedy: str) -> Find:
    def find(facts: Facts, type_: MoveType) -> Iterator[Finding]:
        for key in unmet(facts, type_):
            if keys(key) and facts.target:
                wanted = demanded(facts, type_)[key]
                text = f"{words.format(node=facts.target.name, key=key, wanted=wanted)}."
                yield block(code, text, remedy, f"Node {facts.target.name}, label {key}")

    return find


_architecture = _exactly(
    "architecture", lambda key: key == ARCH, "{node} is not {wanted}", "Choose a node of the VM's architecture."
)
_manager = _exactly(
    "no-cpu-manager",
    lambda key: key == MANAGER,
    "The guest has CPUs of its own (dedicatedCpuPlacement), and {node} has no CPU manager",
    "Choose a node with static CPU management.",
)
_feature = _exactly(
    "node-feature",
    lambda key: key not in (ARCH, MANAGER) and not key.startswith(_OWN),
    "{node} lacks what the guest asks for: {key}={wanted}",
    "Choose a node that has it.",
)

CHECKS = (
    Check(
        "the target has the guest's CPU model and features",
        _lacks("cpu-model", MODEL, FROM_MODEL, FEATURE),
        of_target=True,
    ),
    Check("the CPU that the guest carries along is known", carried, LIVE, of_target=True),
    Check("a CPU that is passed through is the same there", passed_through, LIVE, of_target=True),
    Check("the target's CPU has the same vendor", _lacks("cpu-vendor", VENDOR), of_target=True),
    Check("the target has the guest's machine type", _lacks("machine-type", MACHINE), of_target=True),
    Check("the target has the VM's architecture", _architecture, of_target=True),
    Check("the target has CPUs to dedicate, where the guest wants them", _manager, of_target=True),
    Check("the target has the other features that the guest asks for", _feature, of_target=True),
)
