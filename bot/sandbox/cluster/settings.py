"""What the KubeVirt CR and its version say about migrations and rollout.

The CR holds only overrides; the defaults live in code (sourced: kubevirt pkg/virt-config/virt-config.go).
"""

from dataclasses import dataclass
from typing import Any

from bot.sandbox.cluster.objects import Obj, dig
from bot.sandbox.cluster.resources import KUBEVIRT_CR
from bot.sandbox.cluster.store import Store

MIGRATION_DEFAULTS: dict[str, Any] = {
    "allowAutoConverge": False,
    "allowPostCopy": False,
    "allowWorkloadDisruption": False,
    "bandwidthPerMigration": "0",
    "completionTimeoutPerGiB": 150,
    "maxDowntimeMs": 900,
    "nodeDrainTaintKey": "kubevirt.io/drain",
    "parallelMigrationsPerCluster": 5,
    "parallelOutboundMigrationsPerNode": 2,
    "progressTimeout": 150,
    "unsafeMigrationOverride": False,
    "utilityVolumesTimeout": 150,
}


def parse_version(text: str) -> tuple[int, int]:
    major, minor = text.lstrip("v").split(".")[:2]
    return int(major), int(minor)


@dataclass(frozen=True)
class KubeVirtSettings:
    version: tuple[int, int]
    configuration: Obj

    @property
    def migrations(self) -> dict[str, Any]:
        overrides = self.configuration.get("migrations") or {}
        return MIGRATION_DEFAULTS | overrides

    @property
    def live_update(self) -> bool:
        """Unset means LiveUpdate since v1.6, Stage before (sourced: virt-config.go of the tags)."""
        default = "LiveUpdate" if self.version >= (1, 6) else "Stage"
        return bool(self.configuration.get("vmRolloutStrategy", default) == "LiveUpdate")

    @property
    def eviction_strategy(self) -> str:
        return str(self.configuration.get("evictionStrategy", "None"))


def read_settings(store: Store) -> KubeVirtSettings:
    resource = next(iter(store.select(KUBEVIRT_CR)), None)
    version = dig(resource, "status", "observedKubeVirtVersion", default="v1.9.0")
    return KubeVirtSettings(parse_version(version), dig(resource, "spec", "configuration", default={}))
