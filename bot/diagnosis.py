"""From evidence to a cause that people can act on.

One table, first match wins. What no rule knows stays what it is: the cluster's own words, and no invented fix. The
cause never says where the VM is; the report reads that from the VMI.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from k8s.snapshots import Evidence, MigrationState, Node


class Cause(BaseModel):
    """Why a move failed. `evidence` quotes the cluster and is escaped by whoever renders it."""

    model_config = ConfigDict(frozen=True)

    code: str
    what: str
    remedy: str
    evidence: tuple[str, ...] = ()


class _Rule(NamedTuple):
    code: str
    signal: Callable[[Evidence], str | None]
    """The words that prove it, None when it does not hold."""
    what: str
    remedy: str


MOST_EVIDENCE = 4
"""Quotes on one report."""


def diagnose(evidence: Evidence) -> Cause:
    """The first rule that holds, with its words first; else only facts."""
    for rule in RULES:
        if words := rule.signal(evidence):
            return Cause(code=rule.code, what=rule.what, remedy=rule.remedy, evidence=_quotes(evidence, words))
    return Cause(
        code="unexplained",
        what="KubeVirt ended the migration without a reason that I know.",
        remedy="Read the events below; look at the VMIM and the virt-launcher pod on the target.",
        evidence=_quotes(evidence, None),
    )


def _quotes(evidence: Evidence, first: str | None) -> tuple[str, ...]:
    warnings = [f"{event.reason}: {event.message}" for event in evidence.events if event.warning]
    quotes = ([first] if first else []) + [words for words in reversed(warnings) if words != first]
    return tuple(dict.fromkeys(quotes))[:MOST_EVIDENCE]


def _states(evidence: Evidence) -> list[MigrationState]:
    """What the VMI and the VMIM say of this very migration; the VMI's may belong to an older one."""
    states = [
        evidence.migration.state if evidence.migration else None,
        evidence.vmi.migration if evidence.vmi else None,
    ]
    return [state for state in states if state and state.uid == evidence.migration_uid]


def _reason(evidence: Evidence) -> str:
    return next((state.failure_reason for state in _states(evidence) if state.failure_reason), "")


def _canceled(evidence: Evidence) -> str | None:
    """The event is written before the hand-over only; after it the VMI knows (recorded: live-cancelled-*)."""
    if words := _says(r"due to being canceled")(evidence):
        return words
    return "an abort was requested" if any(state.abort_requested for state in _states(evidence)) else None


def _texts(evidence: Evidence) -> list[str]:
    pods = [pod.scheduled.message for pod in evidence.pods if pod.scheduled and pod.scheduled.status == "False"]
    return [text for text in [_reason(evidence), *pods, *(event.message for event in evidence.events)] if text]


def _says(pattern: str) -> Callable[[Evidence], str | None]:
    wanted = re.compile(pattern, re.IGNORECASE)

    def signal(evidence: Evidence) -> str | None:
        return next((text for text in _texts(evidence) if wanted.search(text)), None)

    return signal


def _of_target(holds: Callable[[Node], bool], pattern: str) -> Callable[[Evidence], str | None]:
    """The scheduler's words count all nodes, those too that were never meant: only a fact of the target decides."""
    says = _says(pattern)
    return lambda evidence: says(evidence) if evidence.target and holds(evidence.target) else None


def _waits_for_image(evidence: Evidence) -> str | None:
    waiting = [reason for pod in evidence.pods for reason in pod.waiting]
    return next((reason for reason in waiting if reason in ("ErrImagePull", "ImagePullBackOff")), None)


RULES: tuple[_Rule, ...] = (
    _Rule(
        "canceled",
        _canceled,
        "Somebody canceled the migration in the cluster.",
        "Ask who did before you move it again.",
    ),
    _Rule(
        "capacity",
        _says(r"Insufficient (cpu|memory|hugepages|devices)"),
        "The target node has too little room for this VM.",
        "Choose a node with more room, or move something else away first.",
    ),
    _Rule(
        "target-cordoned",
        _of_target(lambda node: node.cordoned, r"were unschedulable"),
        "The target node is cordoned: it takes no new pods.",
        "Uncordon it, or choose another node.",
    ),
    _Rule(
        "target-not-ready",
        _of_target(lambda node: not node.ready, r"."),
        "The target node is not Ready.",
        "Recover the node, or choose another one.",
    ),
    _Rule(
        "taint",
        _of_target(lambda node: bool(node.taints), r"untolerated taint|taints that the pod didn't tolerate"),
        "The target node has a taint that this VM does not tolerate.",
        "Choose another node, or add the toleration to the VM.",
    ),
    _Rule(
        "selector",
        _says(r"didn't match Pod's node affinity/selector"),
        "No node fits both the target and the VM's own placement rules.",
        "Look at the VM's nodeSelector and affinity, or choose a node that fits them.",
    ),
    _Rule(
        "cpu-model",
        _says(r"guest CPU doesn't match|missing features|NoSuitableNodesForHostModelMigration"),
        "The target's CPU lacks features that the guest is using.",
        "Choose a node with the same CPU model; a cold move would work too.",
    ),
    _Rule(
        "image",
        _waits_for_image,
        "The target node could not pull the virt-launcher image.",
        "Check the node's access to the image registry, or choose another node.",
    ),
    _Rule(
        "guest-gone",
        _says(r"vmi shutdown during migration|vmi does not exist"),
        "The guest was shut down while it was moving.",
        "Look at the VM's state before you do anything else.",
    ),
    _Rule(
        "target-pod",
        _says(r"target pod (shutdown|is down)|Target pod is down"),
        "The launcher pod on the target died during the migration.",
        "Look at that pod's events, or choose another node.",
    ),
    _Rule(
        "did-not-converge",
        _says(r"(stuck for|not completed after) \d+ seconds"),
        "The copy did not finish in the time that the cluster allows.",
        "Try again when the VM is quieter; a cold move would work too.",
    ),
    _Rule(
        "unschedulable",
        _says(r"unschedulable pod .* timeout period exceeded"),
        "No place was found for the VM within five minutes.",
        "Choose another node.",
    ),
    _Rule(
        "failed-in-copy",
        lambda evidence: _reason(evidence) or None,
        "The migration failed in the cluster.",
        "Its own words are below.",
    ),
)
