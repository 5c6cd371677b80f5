"""OpenAPI v3, as much as clients ask of it: kubectl's probe for ``fieldValidation`` and the schema of a VMIM.

Field types of core kinds are not described; ``kubectl explain`` shows what is known of KubeVirt's.
"""

from bot.sandbox.cluster.objects import Obj
from bot.sandbox.cluster.resources import RESOURCES, Resource
from bot.sandbox.cluster.schema import openapi_properties, schema_of

_QUERY = ("dryRun", "fieldManager", "fieldValidation")


def openapi_index() -> Obj:
    group_versions = sorted({r.api_version for r in RESOURCES})
    roots = [f"apis/{gv}" if "/" in gv else f"api/{gv}" for gv in group_versions]
    return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=sandbox"} for root in roots}}


def openapi_document(path: str, version: tuple[int, int]) -> Obj | None:
    """The document of one group version, such as ``/openapi/v3/apis/kubevirt.io/v1``."""
    root = path.removeprefix("/openapi/v3/").strip("/")
    group_version = root.removeprefix("apis/") if root.startswith("apis/") else root.removeprefix("api/")
    served = [r for r in RESOURCES if r.api_version == group_version]
    if not served:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.34.9"},
        "paths": {_item_path(r): _operations(r) for r in served},
        "components": {"schemas": {_schema_name(r): _schema(r, version) for r in served}},
    }


def custom_resource_schema(resource: Resource, version: tuple[int, int]) -> Obj:
    """The structural schema that the CRD object shows."""
    known = schema_of(resource, version)
    open_object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = {"type": "object", "properties": openapi_properties(known)} if known is not None else open_object
    return {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": open_object,
        },
    }


def _item_path(resource: Resource) -> str:
    root = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    return f"{root}{scope}/{resource.plural}/{{name}}"


def _kind(resource: Resource) -> Obj:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _operations(resource: Resource) -> Obj:
    parameters = [{"name": n, "in": "query", "schema": {"type": "string"}} for n in _QUERY]
    return {
        verb: {
            "x-kubernetes-action": verb,
            "x-kubernetes-group-version-kind": _kind(resource),
            "parameters": parameters,
            "responses": {"200": {"description": "OK"}},
        }
        for verb in ("patch", "put")
    }


def _schema_name(resource: Resource) -> str:
    reversed_group = ".".join(reversed((resource.group or "core.api.k8s.io").split(".")))
    return f"{reversed_group}.{resource.version}.{resource.kind}"


def _schema(resource: Resource, version: tuple[int, int]) -> Obj:
    schema = custom_resource_schema(resource, version)
    del schema["required"]
    return schema | {"x-kubernetes-group-version-kind": [_kind(resource)]}
