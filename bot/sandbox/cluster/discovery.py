"""Discovery: versions, API groups and resources (recorded: world/api-*.json, world/versions.json).

Aggregated discovery is declined by answering the plain lists, as servers before 1.26 do; clients fall back to these.
"""

from collections import defaultdict

from bot.sandbox.cluster.objects import Obj
from bot.sandbox.cluster.resources import RESOURCES, SUBRESOURCES_GROUP, Resource

KUBERNETES_VERSION: Obj = {
    "major": "1",
    "minor": "34",
    "emulationMajor": "1",
    "emulationMinor": "34",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "33",
    "gitVersion": "v1.34.9",
    "gitCommit": "473c3de15d9aeeb399aa95250672c07655554015",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.26.6",
    "compiler": "gc",
    "platform": "linux/amd64",
}

VM_CALLS = ("start", "stop", "restart", "migrate", "evacuate/cancel")
VMI_CALLS = ("pause", "unpause", "evacuate/cancel")

_SUBRESOURCE_VERBS = {"status": ["get", "patch", "update"], "eviction": ["create"], "token": ["create"], "log": ["get"]}
_SUBRESOURCE_KINDS = {
    "eviction": {"group": "policy", "version": "v1", "kind": "Eviction"},
    "token": {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"},
}


def kubevirt_version(version: str) -> Obj:
    return KUBERNETES_VERSION | {
        "gitVersion": version,
        "gitCommit": "79d34c1762169e5b0370ec491cef5ca12e6b504c",
        "buildDate": "2026-07-27T00:00:00Z",
    }


def discover(path: str) -> Obj | None:
    """The discovery document at a path, or ``None`` where there is none."""
    parts = path.strip("/").split("/")
    if parts == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if parts == ["apis"]:
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(g) for g in _group_versions()]}
    if parts == ["api", "v1"]:
        return _resource_list("", "v1")
    if len(parts) == 2 and parts[0] == "apis" and parts[1] in _group_versions():
        return {"kind": "APIGroup", "apiVersion": "v1"} | _group(parts[1])
    if len(parts) == 3 and parts[0] == "apis" and parts[2] in _group_versions().get(parts[1], ()):
        return _resource_list(parts[1], parts[2])
    return None


def _group_versions() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for resource in RESOURCES:
        for version in resource.versions if resource.group else ():
            if version not in found[resource.group]:
                found[resource.group].append(version)
    found[SUBRESOURCES_GROUP] = ["v1", "v1alpha3"]
    found.pop("", None)
    return dict(found)


def _group(name: str) -> Obj:
    versions = [{"groupVersion": f"{name}/{v}", "version": v} for v in _group_versions()[name]]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resource_list(group: str, version: str) -> Obj:
    if group == SUBRESOURCES_GROUP:
        entries = _subresource_calls()
    else:
        served = [r for r in RESOURCES if r.group == group and version in r.versions]
        entries = [entry for resource in served for entry in _entries(resource)]
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}


def _entries(resource: Resource) -> list[Obj]:
    main: Obj = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        main["shortNames"] = list(resource.short_names)
    if resource.categories:
        main["categories"] = list(resource.categories)
    return [main, *(_subresource(resource, name) for name in resource.subresources)]


def _subresource(resource: Resource, name: str) -> Obj:
    return {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": _SUBRESOURCE_VERBS[name],
    } | _SUBRESOURCE_KINDS.get(name, {})


def _subresource_calls() -> list[Obj]:
    names = [f"virtualmachines/{c}" for c in VM_CALLS] + [f"virtualmachineinstances/{c}" for c in VMI_CALLS]
    return [{"name": n, "singularName": "", "namespaced": True, "kind": "", "verbs": None} for n in names]
