"""Faults that tests and stories ask for: by annotation on an object, or for the API as a whole.

An annotation ``sandbox.vm-migrate/<fault>`` on a VM, its VMI or a node changes what happens to it; the first of those
three that carries it counts. The table below is the whole vocabulary. A VMIM may carry ``fail`` itself.
"""

from collections import deque
from dataclasses import dataclass, field

from bot.sandbox.cluster.objects import Obj, annotations

PREFIX = "sandbox.vm-migrate/"

ANNOTATIONS = {
    "hang": "a VMIM stays in this phase: Pending, Scheduling, Scheduled, PreparingTarget, TargetReady or Running",
    "fail": "a VMIM fails in this phase; text after a colon is the failure reason: 'Running: out of memory'",
    "copy-seconds": "how long the copy of memory takes (default 6)",
    "boot-seconds": "how long the guest boots (default 2)",
    "shutdown-seconds": "how long the guest shuts down (default 2)",
    "target-pod": "'never-ready': the migration's target pod stays Pending; 'image-pull', 'network', 'volume': it "
    "cannot pull its image, attach to a network, or attach a volume",
    "refuse-migration": "the admission of a VMIM answers 400 with this text",
    "abort": "'slow' takes 25 s, 'ignored' lets the copy go on to its end",
    "stop": "'stuck': the guest ignores the shutdown until its grace period ends",
    "guest": "'crash' or 'shutdown': the guest ends by itself",
    "start": "'fail': the guest fails to start; 'image-pull', 'network', 'volume': as for target-pod; 'out-of-memory': "
    "its pod is killed as it comes up",
    "down": "on a node: kubelet and virt-handler fall silent",
    "handler": "on a node: 'silent': its virt-handler reports no more, the kubelet does",
    "volumes": "on a node: 'full': it has as many volumes attached as its CSI driver allows",
}


def fault(name: str, *objects: Obj | None) -> str:
    """The value of a fault annotation on the first object that has it, else an empty string."""
    for obj in objects:
        if obj and PREFIX + name in annotations(obj):
            return annotations(obj)[PREFIX + name]
    return ""


def seconds(name: str, default: float, *objects: Obj | None) -> float:
    text = fault(name, *objects)
    return float(text) if text else default


def failure_in(phase: str, *objects: Obj | None) -> str | None:
    """The failure reason asked for in this phase ('' when none was given); ``None`` when it is to go well."""
    asked, _, reason = fault("fail", *objects).partition(":")
    return reason.strip() if asked.strip() == phase else None


@dataclass
class Faults:
    """Faults of the API server as a whole. Times are on the virtual clock, latency is real seconds."""

    latency: float = 0.0
    answers: deque[str] = field(default_factory=deque)
    """What the next requests get instead of an answer: an HTTP status code or 'reset'."""
    down_until: float = 0.0
    webhooks_down: bool = False
    fail_next: bool = False
    """The next migration that KubeVirt takes up loses its target pod."""

    def take_failure(self) -> bool:
        """Whether this is the migration that has to fail."""
        taken, self.fail_next = self.fail_next, False
        return taken
