"""The roles that every KubeVirt cluster has, as far as moving VMs asks for them (sourced: rbac/cluster.go)."""

from bot.sandbox.cluster.objects import Obj
from bot.sandbox.cluster.resources import CLUSTER_ROLE, CLUSTER_ROLE_BINDING
from bot.sandbox.cluster.store import Store

_FOR_EVERYONE = ("kubevirt.io:default", "system:basic-user", "system:discovery")


def create_roles(store: Store) -> None:
    group = "rbac.authorization.k8s.io"
    for name, rules in CLUSTER_ROLES.items():
        store.create(CLUSTER_ROLE, {"metadata": {"name": name}, "rules": rules})
    for name in _FOR_EVERYONE:
        subjects = [{"kind": "Group", "name": "system:authenticated", "apiGroup": group}]
        reference = {"kind": "ClusterRole", "name": name, "apiGroup": group}
        binding = {"metadata": {"name": name}, "subjects": subjects, "roleRef": reference}
        store.create(CLUSTER_ROLE_BINDING, binding)


def _rule(group: str, resource_names: str, verbs: str) -> Obj:
    return {"apiGroups": [group], "resources": resource_names.split(), "verbs": verbs.split()}


_READ = "get list watch"
CLUSTER_ROLES: dict[str, list[Obj]] = {
    "cluster-admin": [_rule("*", "*", "*")],
    "system:basic-user": [_rule("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", "create")],
    "system:discovery": [{"nonResourceURLs": ["/api", "/apis", "/openapi", "/version"], "verbs": ["get"]}],
    "kubevirt.io:default": [_rule("kubevirt.io", "kubevirts", "get list")],
    "kubevirt.io:view": [
        _rule("kubevirt.io", "virtualmachines virtualmachineinstances virtualmachineinstancemigrations", _READ)
    ],
    "kubevirt.io:edit": [
        _rule("kubevirt.io", "virtualmachines virtualmachineinstances", "*"),
        _rule("kubevirt.io", "virtualmachineinstancemigrations", _READ),
        _rule(
            "subresources.kubevirt.io", "virtualmachines/start virtualmachines/stop virtualmachines/restart", "update"
        ),
    ],
    "kubevirt.io:migrate": [
        _rule(
            "kubevirt.io", "virtualmachineinstancemigrations", f"{_READ} create delete patch update deletecollection"
        ),
        _rule("subresources.kubevirt.io", "virtualmachines/migrate", "update"),
    ],
}
