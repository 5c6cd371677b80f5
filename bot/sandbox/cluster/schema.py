"""Unknown and mistyped fields of custom resources: what pruning, ``fieldValidation`` and the type check need.

Only the branches that matter for moving VMs are listed; a branch mapped to ``None`` is taken as it comes. For VMIMs
the list is complete (recorded: vmim-crd-properties.json). On KubeVirt before 1.6 ``addedNodeSelector`` is not in the
schema and is pruned before any webhook sees it (sourced: CRD of tag v1.5.0).
"""

from typing import Any

from bot.sandbox.cluster.objects import Obj
from bot.sandbox.cluster.resources import VM, VMIM, Resource

Schema = dict[str, Any]

_VMIM_SPEC: Schema = {
    "addedNodeSelector": None,
    "priority": None,
    "receive": {"migrationID": None},
    "sendTo": {"connectURL": None, "migrationID": None},
    "vmiName": None,
}
_SINCE = {"addedNodeSelector": (1, 6), "receive": (1, 6), "sendTo": (1, 6), "priority": (1, 7)}

_VMI_SPEC: Schema = dict.fromkeys(
    (
        "accessCredentials",
        "affinity",
        "architecture",
        "dnsConfig",
        "dnsPolicy",
        "domain",
        "evictionStrategy",
        "hostname",
        "livenessProbe",
        "networks",
        "nodeSelector",
        "priorityClassName",
        "readinessProbe",
        "resourceClaims",
        "schedulerName",
        "startStrategy",
        "subdomain",
        "terminationGracePeriodSeconds",
        "tolerations",
        "topologySpreadConstraints",
        "utilityVolumes",
        "volumes",
    )
)
_VM_SPEC: Schema = {
    "dataVolumeTemplates": None,
    "instancetype": None,
    "preference": None,
    "runStrategy": None,
    "running": None,
    "template": {"metadata": None, "spec": _VMI_SPEC},
    "updateVolumesStrategy": None,
}


def schema_of(resource: Resource, version: tuple[int, int]) -> Schema | None:
    """The schema of ``spec``; ``None`` where every field is accepted."""
    if resource is VMIM:
        return {name: sub for name, sub in _VMIM_SPEC.items() if _SINCE.get(name, (0, 0)) <= version}
    return _VM_SPEC if resource is VM else None


def prune(obj: Obj, schema: Schema | None) -> list[str]:
    """Drop the fields of ``spec`` that the schema does not know; return their paths."""
    spec = obj.get("spec")
    return _prune(spec, schema, "spec") if schema is not None and isinstance(spec, dict) else []


def _prune(value: Obj, schema: Schema, path: str) -> list[str]:
    unknown = [key for key in value if key not in schema]
    for key in unknown:
        del value[key]
    found = [f"{path}.{key}" for key in unknown]
    for key, sub in schema.items():
        if sub is not None and isinstance(value.get(key), dict):
            found += _prune(value[key], sub, f"{path}.{key}")
    return found


def openapi_properties(schema: Schema) -> Obj:
    """The ``properties`` of a structural schema, as far as this module knows them."""
    return {name: _openapi_node(name, sub) for name, sub in schema.items()}


def _openapi_node(name: str, sub: Schema | None) -> Obj:
    if sub is not None:
        return {"type": "object", "properties": openapi_properties(sub)}
    if name in {"addedNodeSelector", "nodeSelector"}:
        return {"type": "object", "additionalProperties": {"type": "string"}}
    if name in {"vmiName", "priority", "runStrategy", "migrationID", "connectURL"}:
        return {"type": "string"}
    if name == "running":
        return {"type": "boolean"}
    return {"x-kubernetes-preserve-unknown-fields": True}
