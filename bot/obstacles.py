"""KubeVirt's reasons why a VM cannot move live, in words that say what to do.

The reasons are those of kubevirt.io/api core/v1 types.go; pkg/virt-handler/vm.go gives the first that holds. The set is
open: what is unknown is quoted as it is by whoever asks.
"""

from collections.abc import Mapping

ASK_COLD = "A cold move works with any disk: it stops the VM for about 30-60 s."
MAY_COLD = "A cold move may work: it stops the VM for about 30-60 s."

REASONS: Mapping[str, tuple[str, str]] = {
    "DisksNotLiveMigratable": ("a disk can be attached to one node only", ASK_COLD),
    "InterfaceNotLiveMigratable": (
        "its network interface is bound to this node (bridge on the pod network)",
        "Use masquerade, or move it cold: it may then get another IP address.",
    ),
    "HotplugNotLiveMigratable": ("a hotplugged volume cannot move", "Unplug that volume, or move it cold."),
    "CPUModeLiveMigratable": ("its node shows no CPU model for others to match", MAY_COLD),
    "VirtIOFSNotLiveMigratable": ("it shares a file system with its node (virtiofs)", MAY_COLD),
    "HostDeviceNotLiveMigratable": (
        "it uses a device of its node (GPU or PCI)",
        "A cold move works to a node that has such a device free.",
    ),
    "SEVNotLiveMigratable": ("its memory is encrypted (AMD SEV)", MAY_COLD),
    "TDXNotLiveMigratable": ("its memory is encrypted (Intel TDX)", MAY_COLD),
    "SecureExecutionNotLiveMigratable": ("it runs under IBM Secure Execution", MAY_COLD),
    "NoTSCFrequencyNotLiveMigratable": (
        "its Hyper-V clock needs a TSC frequency that its node does not show",
        MAY_COLD,
    ),
    "HypervPassthroughNotLiveMigratable": ("it passes Hyper-V features of its node through", MAY_COLD),
    "PersistentReservationNotLiveMigratable": ("a disk holds a SCSI persistent reservation", MAY_COLD),
    "DecentralizedNotLiveMigratable": ("it waits for a migration between clusters", "Finish that one first."),
    "NotMigratable": ("several things keep it", MAY_COLD),
}
"""What it is, and the way on."""
