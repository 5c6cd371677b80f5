"""Why a VM does not come up."""

import re

from bot.diagnosis.cause import Cause, WayOn
from bot.diagnosis.rules import (
    IN_THE_POD,
    NO_PLACE,
    QUOTA,
    Rule,
    Signal,
    Signs,
    either,
    first_match,
    pod_texts,
    quotes,
    says,
    waits_for,
)
from k8s.snapshots import Node, StartEvidence


def diagnose_start(evidence: StartEvidence, target: Node | None) -> Cause:
    """The first row that holds, else the VM's status as it stands."""
    signs = read(evidence, target)
    return first_match(RULES, signs) or Cause(
        code="start-unexplained",
        what=f"The VM does not come up; its status is {signs.status or 'not readable'}.",
        remedy="Read the cluster's words; look at the virt-launcher pod.",
        evidence=quotes(signs),
    )


def read(evidence: StartEvidence, target: Node | None) -> Signs:
    """The signs of one start."""
    conditions = [*(evidence.vm.conditions if evidence.vm else ()), *(evidence.vmi.conditions if evidence.vmi else ())]
    stated = [condition.message for condition in conditions if condition.message]
    texts = [*pod_texts(evidence.pods), *stated, *(event.message for event in evidence.events)]
    return Signs(
        texts=tuple(dict.fromkeys(text for text in texts if text)),
        events=evidence.events,
        pods=evidence.pods,
        status=evidence.vm.printable_status if evidence.vm else "",
        target=target,
    )


def _status(*words: str) -> Signal:
    wanted = re.compile("|".join(words))
    return lambda signs: f"status {signs.status}" if wanted.fullmatch(signs.status) else None


RULES: tuple[Rule, ...] = (
    Rule(
        "vm-deleting",
        _status("Terminating"),
        "The VM is being deleted.",
        "There is nothing left to move or to start; ask who deletes it.",
    ),
    Rule(
        "storage-missing",
        _status("ErrorPvcNotFound", "ErrorDataVolumeNotFound"),
        "A disk of this VM does not exist.",
        "Restore the PVC first; moving the VM does not bring it back.",
    ),
    Rule(
        "storage-not-ready",
        either(_status("DataVolumeError", "WaitingForVolumeBinding", "Provisioning"), says(r"unbound immediate")),
        "A disk of this VM is not ready.",
        "Look at the DataVolume and the StorageClass first; moving the VM does not mend it.",
    ),
    QUOTA,
    *NO_PLACE,
    Rule(
        "cpu-model",
        says(r"guest CPU doesn't match|missing features"),
        "The target's CPU lacks features that the VM asks for.",
        "Choose a node with that CPU model.",
        (WayOn.OTHER_NODE,),
    ),
    *IN_THE_POD,
    Rule(
        "guest-crashes",
        either(_status("CrashLoopBackOff"), waits_for("CrashLoopBackOff")),
        "The guest starts and ends again: it crashes, or something in it is broken.",
        "Look at the guest's console and the launcher's logs; moving the VM is no cure.",
    ),
    Rule(
        "unschedulable",
        _status("ErrorUnschedulable"),
        "No node takes the VM.",
        "Choose another node, or bring it home.",
        (WayOn.OTHER_NODE,),
    ),
    Rule(
        "starts-slowly",
        _status("Starting"),
        "The VM is still starting: its pod is being set up.",
        "Wait a little; if it stays, look at the virt-launcher pod's events.",
    ),
)
"""Storage first: no node helps there."""
