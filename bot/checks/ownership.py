"""Who else writes the VM: a pool, Git, a package. A cold move changes the VM, and they may change it back."""

from collections.abc import Iterator

from bot.checks.finding import COLD, Check, Finding, warn
from bot.request import MoveType
from k8s.snapshots import Facts

_GITOPS = {
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "meta.helm.sh/release-name": "Helm",
}
"""Labels and annotations by which tools know what is theirs (argo-cd.readthedocs.io resource_tracking, fluxcd.io
kustomization and helmrelease, helm.sh)."""
_REVERTS = ("Argo CD", "Flux")
"""They compare and put back by themselves; Helm does so with the next release."""


def owned(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """An owner makes its VMs from a template of its own."""
    for owner in facts.vm.owners:
        yield warn(
            "owned",
            f"It belongs to {owner}, which may undo the pin of this move.",
            "Pause that owner meanwhile, or change its template.",
            "VM metadata.ownerReferences",
        )


def gitops(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """What is in Git wins over what is in the cluster."""
    marks = {**facts.vm.annotations, **facts.vm.labels}
    tools = {tool: key for key, tool in _GITOPS.items() if key in marks}
    for tool, key in tools.items():
        then = "will revert" if tool in _REVERTS else "reverts with its next release"
        yield warn(
            "gitops",
            f"{tool} manages it ({key}={marks[key]}) and {then} what this move changes, its run strategy too.",
            f"Pause the sync of {tool} for this VM meanwhile.",
            "VM labels and annotations",
        )


CHECKS = (
    Check("no owner can undo it", owned, COLD),
    Check("no GitOps tool reverts it", gitops, COLD),
)
