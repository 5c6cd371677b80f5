"""What the cluster is, for whoever installs the bot: its versions, whether it is OpenShift, and how KubeVirt is. Pure.

KubeVirt's phase and conditions: kubevirt.io/api core/v1 types.go (recorded: world/kubevirt.json). Feature gates
stand in the CR's `developerConfiguration`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

KUBECTL: Final = "kubectl"
OC: Final = "oc"

_OPENSHIFT_GROUPS: Final = frozenset({"config.openshift.io", "project.openshift.io"})
"""Served by OpenShift's own API servers, and by no other."""
_OPENSHIFT_NAMESPACE: Final = "openshift-cnv"
"""Where OpenShift Virtualization has its KubeVirt CR."""

_Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KubeVirtHealth:
    """What the KubeVirt CR says of itself."""

    phase: str
    """`Deployed` where the operator is done."""
    ailing: tuple[str, ...]
    """Conditions that are not as they should be, each with its message."""
    feature_gates: frozenset[str]


@dataclass(frozen=True, slots=True)
class Platform:
    """The cluster as a whole."""

    kubernetes_version: str
    openshift: bool
    kubevirt: KubeVirtHealth | None
    """None: there is no KubeVirt CR, or it may not be read."""

    @property
    def cli(self) -> str:
        """The command that people have there."""
        return OC if self.openshift else KUBECTL


def platform(version: _Raw, groups: _Raw, kubevirt: _Raw | None) -> Platform:
    """From `/version`, `/apis` and the KubeVirt CR."""
    served = {str(group.get("name")) for group in groups.get("groups") or ()}
    return Platform(
        kubernetes_version=str(version.get("gitVersion") or ""),
        openshift=bool(served & _OPENSHIFT_GROUPS) or cli_of(kubevirt) == OC,
        kubevirt=None if kubevirt is None else _health(kubevirt),
    )


def cli_of(kubevirt: _Raw | None) -> str:
    """The command that people have, as far as the place of the KubeVirt CR tells."""
    namespace = ((kubevirt or {}).get("metadata") or {}).get("namespace")
    return OC if namespace == _OPENSHIFT_NAMESPACE else KUBECTL


def _health(kubevirt: _Raw) -> KubeVirtHealth:
    status, configuration = kubevirt.get("status") or {}, (kubevirt.get("spec") or {}).get("configuration") or {}
    wanted = {"Available": "True", "Degraded": "False"}
    ailing = (
        f"{kind} is {condition.get('status')}: {condition.get('message') or condition.get('reason') or 'no word why'}"
        for condition in status.get("conditions") or ()
        if (kind := condition.get("type")) in wanted and condition.get("status") != wanted[kind]
    )
    gates = (configuration.get("developerConfiguration") or {}).get("featureGates") or ()
    return KubeVirtHealth(str(status.get("phase") or ""), tuple(ailing), frozenset(map(str, gates)))
