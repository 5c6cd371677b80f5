"""KubeVirt's reasons why a VM cannot move live, in words that say what to do.

The reasons are those of kubevirt.io/api core/v1 types.go; pkg/virt-handler/vm.go gives the first that holds. The set is
open: an unknown one is quoted as it is.
"""

from collections.abc import Mapping

from bot.checks.finding import Finding, block
from k8s.names import CONDITION_LIVE_MIGRATABLE
from k8s.snapshots import Condition

ASK_COLD = "A cold move works with any disk: it stops the VM for about 30-60 s."
_COLD = "A cold move may work: it stops the VM for about 30-60 s."

REASONS: Mapping[str, tuple[str, str]] = {
    "DisksNotLiveMigratable": ("a disk can be attached to one node only", ASK_COLD),
    "InterfaceNotLiveMigratable": (
        "its network interface is bound to this node (bridge on the pod network)",
        "Use masquerade, or move it cold: it may then get another IP address.",
    ),
    "HotplugNotLiveMigratable": ("a hotplugged volume cannot move", "Unplug that volume, or move it cold."),
    "CPUModeLiveMigratable": ("its node shows no CPU model for others to match", _COLD),
    "VirtIOFSNotLiveMigratable": ("it shares a file system with its node (virtiofs)", _COLD),
    "HostDeviceNotLiveMigratable": (
        "it uses a device of its node (GPU or PCI)",
        "A cold move works to a node that has such a device free.",
    ),
    "SEVNotLiveMigratable": ("its memory is encrypted (AMD SEV)", _COLD),
    "TDXNotLiveMigratable": ("its memory is encrypted (Intel TDX)", _COLD),
    "SecureExecutionNotLiveMigratable": ("it runs under IBM Secure Execution", _COLD),
    "NoTSCFrequencyNotLiveMigratable": ("its Hyper-V clock needs a TSC frequency that its node does not show", _COLD),
    "HypervPassthroughNotLiveMigratable": ("it passes Hyper-V features of its node through", _COLD),
    "PersistentReservationNotLiveMigratable": ("a disk holds a SCSI persistent reservation", _COLD),
    "DecentralizedNotLiveMigratable": ("it waits for a migration between clusters", "Finish that one first."),
    "NotMigratable": ("several things keep it", _COLD),
}


def translated(condition: Condition) -> Finding:
    """A LiveMigratable condition that is False, as a finding; KubeVirt's own words stay in it."""
    said = condition.message or condition.reason
    words, remedy = REASONS.get(condition.reason, ("", _COLD))
    text = f"It cannot move live: {words}. KubeVirt says: {said}" if words else f"It cannot move live: {said}"
    return block(
        "not-live-migratable",
        f"{text} ({condition.reason}).",
        remedy,
        f"VMI condition {CONDITION_LIVE_MIGRATABLE}",
    )
