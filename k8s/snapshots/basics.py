"""What all snapshots are made of: names, conditions, rules of placement."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
"""A raw JSON object of the API, kept as it came."""

Amounts = Mapping[str, int]
"""How much of each resource: `cpu` in thousandths of a CPU, all else in whole units (`k8s.amounts`)."""

FINAL_PHASES = frozenset({"Succeeded", "Failed"})
"""Phases after which a VMIM never changes again, a VMI or a pod never runs again (kubevirt.io/api core/v1 types.go)."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A namespaced name. A VM, its VMI and `vmim.spec.vmiName` share one."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `status.conditions`. `status` is "True", "False" or "Unknown"."""

    type: str
    status: str
    reason: str = ""
    message: str = ""


class Conditioned:
    """What has `status.conditions`."""

    __slots__ = ()

    conditions: tuple[Condition, ...]

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type, None when the API does not state it."""
        return next((c for c in self.conditions if c.type == kind), None)

    def holds(self, kind: str) -> bool:
        """Whether the API states that condition to be True."""
        return any(c.type == kind and c.status == "True" for c in self.conditions)


@dataclass(frozen=True, slots=True)
class Placement:
    """The placement rules of a VM template or a VMI, as raw JSON."""

    affinity: Json | None = None
    """None where the field is absent, which is not the same as an empty one for whoever restores it."""
    node_selector: Mapping[str, str] | None = None
    """None where the field is absent, as above."""
    tolerations: tuple[Json, ...] = ()
