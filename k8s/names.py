"""Names of the KubeVirt and Kubernetes API that the bot relies on, in one place."""

from typing import Final

KUBEVIRT_GROUP: Final = "kubevirt.io"
KUBEVIRT_VERSION: Final = "v1"
SUBRESOURCES_GROUP: Final = "subresources.kubevirt.io"

VMS: Final = "virtualmachines"
VMIS: Final = "virtualmachineinstances"
VMIMS: Final = "virtualmachineinstancemigrations"
KUBEVIRTS: Final = "kubevirts"
VMIM_CRD: Final = "virtualmachineinstancemigrations.kubevirt.io"
VMIM_KIND: Final = "VirtualMachineInstanceMigration"
VMI_KIND: Final = "VirtualMachineInstance"

LABEL_HOSTNAME: Final = "kubernetes.io/hostname"
LABEL_VMI_NAME: Final = "kubevirt.io/vmi-name"
"""Set on each VMIM by the create webhook (migration-create-mutator.go)."""
LABEL_MIGRATION_UID: Final = "kubevirt.io/migrationJobUID"
"""On the target launcher pod: uid of its VMIM."""
LABEL_CREATED_BY: Final = "kubevirt.io/created-by"
LABEL_APP: Final = "kubevirt.io"
"""`virt-launcher` on launcher pods."""
LAUNCHER: Final = "virt-launcher"
ANNOTATION_MIGRATION_NAME: Final = "kubevirt.io/migrationJobName"

CONDITION_LIVE_MIGRATABLE: Final = "LiveMigratable"
CONDITION_PAUSED: Final = "Paused"
CONDITION_READY: Final = "Ready"
CONDITION_RESTART_REQUIRED: Final = "RestartRequired"
"""On a VM whose change reaches the guest only with its next start (rollout strategy Stage)."""

HALTED: Final = "Halted"
"""The run strategy under which nothing starts."""

READ_WRITE_MANY: Final = "ReadWriteMany"

OUR_PREFIX: Final = "vm-migrate-bot"
LABEL_PLAN: Final = "vm-migrate-bot/plan"
"""On our VMIMs: the plan's id."""
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
ANNOTATION_REQUESTED_BY: Final = "vm-migrate-bot/requested-by"
ANNOTATION_APPROVED_BY: Final = "vm-migrate-bot/approved-by"
ANNOTATION_NOTE: Final = "vm-migrate-bot/note"
"""On a VM that we are moving cold or have pinned: what it had before, as JSON (`k8s.cold.Note`)."""
LABEL_PINNED: Final = "vm-migrate-bot/pinned-by"
"""On the same VMs: the plan's id, so that they can be listed."""
