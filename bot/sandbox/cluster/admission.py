"""Admission: the mutating and validating webhooks of KubeVirt, with their exact words.

Sourced: kubevirt pkg/virt-api/webhooks; texts, codes and causes recorded: errors.json. The webhooks run before the
name check, so the same name in flight is 400 and not 409 (recorded).
"""

from collections.abc import Callable
from typing import Any

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.controller import Context
from bot.sandbox.cluster.faults import fault
from bot.sandbox.cluster.objects import Obj, condition, dig, is_final, key_of, labels, uid_of
from bot.sandbox.cluster.resources import KUBEVIRT, VM, VMI, VMIM, Resource
from bot.sandbox.cluster.store import Store

MIGRATION_FINALIZER = "kubevirt.io/migrationJobFinalize"
VMI_LABEL = "kubevirt.io/vmi-name"

_STRATEGIES = ("Always", "Halted", "Manual", "Once", "RerunOnFailure", "WaitAsReceiver")
_OPERATORS = ("DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn")
_CREATE = "migration-create-validator.kubevirt.io"
_UPDATE = "migration-update-validator.kubevirt.io"
_VM = "virtualmachine-validator.kubevirt.io"


def admit_create(context: Context, resource: Resource, obj: Obj) -> None:
    """Change ``obj`` as the mutating webhooks do, then validate it; raises :class:`errors.ApiError`."""
    _require_webhooks(context, resource)
    if resource is VMIM:
        _check_migration_types(obj)
        obj["metadata"].setdefault("labels", {})[VMI_LABEL] = dig(obj, "spec", "vmiName", default="")
        obj["metadata"].setdefault("finalizers", []).append(MIGRATION_FINALIZER)
        _validate_migration(context, obj)
    elif resource is VM:
        _default_vm(context.store, obj)
        _validate_vm(obj)


def admit_update(context: Context, resource: Resource, old: Obj, new: Obj) -> None:
    _require_webhooks(context, resource)
    if resource is VMIM:
        _validate_migration_update(old, new)
    elif resource is VM:
        _validate_vm(new)
    elif resource is VMI and old["spec"] != new["spec"]:
        text = "update of VMI object is restricted"
        raise _unsupported("virtualmachineinstances-update-validator.kubevirt.io", text)


def warnings_for(resource: Resource, obj: Obj) -> list[str]:
    """Warning headers of a write (recorded: cold-running-true; on every PATCH of such a VM)."""
    if resource is VM and "running" in (obj.get("spec") or {}):
        return ["spec.running is deprecated, please use spec.runStrategy instead."]
    return []


def _require_webhooks(context: Context, resource: Resource) -> None:
    """failurePolicy Fail: without virt-api every write of these kinds fails (sourced: components/webhooks.go)."""
    if context.faults.webhooks_down and resource.group == KUBEVIRT:
        hooks = {VM: "virtualmachines-mutator.kubevirt.io", VMIM: "migrations-mutator.kubevirt.io"}
        hook = hooks.get(resource, "virtualmachineinstances-mutator.kubevirt.io")
        url = f"https://virt-api.kubevirt.svc:443/{resource.plural}-mutate?timeout=10s"
        raise errors.internal(
            f'failed calling webhook "{hook}": failed to call webhook: Post "{url}": '
            'no endpoints available for service "virt-api"'
        )


def _cause(reason: str, message: str, field: str) -> list[dict[str, Any]]:
    return [{"reason": reason, "message": message, "field": field}]


def _unsupported(webhook: str, text: str) -> errors.ApiError:
    return errors.denied(webhook, text, code=422, causes=[{"reason": "FieldValueNotSupported", "message": text}])


def _mistyped(webhook: str, text: str) -> errors.ApiError:
    return errors.denied(webhook, text, code=422, causes=[{"message": text}])


# VMIM


def _check_migration_types(obj: Obj) -> None:
    wanted = {"addedNodeSelector": (dict, "object"), "vmiName": (str, "string")}
    names = {dict: "object", str: "string", int: "integer", bool: "boolean", list: "array", float: "number"}
    for field, (type_, name) in wanted.items():
        value = dig(obj, "spec", field)
        if value is not None and not isinstance(value, type_):
            text = f'spec.{field} in body must be of type {name}: "{names[type(value)]}"'
            raise _mistyped("migrations-mutator.kubevirt.io", text)


def _validate_migration(context: Context, obj: Obj) -> None:
    name = dig(obj, "spec", "vmiName", default="")
    if not name:
        text = "vmiName is missing"
        raise errors.denied(_CREATE, text, code=422, causes=_cause("FieldValueRequired", text, "spec.vmiName"))
    if dig(obj, "spec", "priority"):
        text = "Migration priority queue, only virt-controller is allowed to set priority field"
        causes = _cause("FieldValueForbidden", text, "spec.migrationPriority")
        raise errors.denied(_CREATE, text, code=422, causes=causes)
    namespace = obj["metadata"]["namespace"]
    vmi = context.store.peek(VMI, namespace, name)
    if vmi is None:
        raise errors.denied(_CREATE, f'the VMI "{namespace}/{name}" does not exist')
    _check_migratable(context, vmi)
    _check_in_flight(context.store, vmi)


def _check_migratable(context: Context, vmi: Obj) -> None:
    """A missing LiveMigratable condition is accepted (sourced: migration-create-admitter.go)."""
    if is_final(vmi):
        raise errors.denied(_CREATE, "Cannot migrate VMI in finalized state.")
    live = condition(vmi, "LiveMigratable")
    if live.get("status") == "False":
        raise errors.denied(_CREATE, f"Cannot migrate VMI, Reason: {live['reason']}, Message: {live['message']}")
    refused = fault("refuse-migration", *context.with_vm(vmi))
    if refused:
        raise errors.denied(_CREATE, refused)


def _check_in_flight(store: Store, vmi: Obj) -> None:
    namespace, name = key_of(vmi)
    for job in store.select(VMIM, namespace):
        if labels(job).get(VMI_LABEL) == name and not is_final(job):
            text = f"Active migration job ({uid_of(job)}) is currently already in progress for VMI {name}."
            raise errors.denied(_CREATE, f"in-flight migration detected. {text}")


def _validate_migration_update(old: Obj, new: Obj) -> None:
    if old["spec"] != new["spec"]:
        raise _unsupported(_UPDATE, "update of Migration object's spec is restricted")
    if not is_final(old) and labels(old).get(VMI_LABEL) != labels(new).get(VMI_LABEL):
        raise _unsupported(_UPDATE, "selector label can't be modified on an in-flight migration")


# VM


def _default_vm(store: Store, obj: Obj) -> None:
    """Sourced: virtualmachines-mutator (architecture, machine type, topology) and the controller's first pass."""
    obj["metadata"].setdefault("finalizers", ["kubevirt.io/virtualMachineControllerFinalize"])
    template = obj.get("spec", {}).get("template")
    if not template:
        return
    annotations = template.setdefault("metadata", {}).setdefault("annotations", {})
    annotations.setdefault("kubevirt.io/pci-topology-version", "v3")
    spec = template.setdefault("spec", {})
    spec.setdefault("architecture", "amd64")
    domain = spec.setdefault("domain", {})
    domain.setdefault("machine", {}).setdefault("type", "q35")
    domain.setdefault("firmware", {}).setdefault("uuid", store.new_uid())
    domain.setdefault("resources", {})


def _validate_vm(obj: Obj) -> None:
    for rule in _VM_RULES:
        rule(obj.get("spec") or {})


def _one_strategy(spec: Obj) -> None:
    if spec.get("running") is not None and spec.get("runStrategy"):
        text = (
            "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, "
            "please use RunStrategy instead"
        )
        raise errors.denied(_VM, text, code=422, causes=_cause("FieldValueInvalid", text, "spec.running"))


def _some_strategy(spec: Obj) -> None:
    if spec.get("running") is None and not spec.get("runStrategy"):
        text = "RunStrategy must be specified"
        raise errors.denied(_VM, text, code=422, causes=_cause("FieldValueInvalid", text, "spec.running"))


def _known_strategy(spec: Obj) -> None:
    strategy = spec.get("runStrategy")
    if strategy and strategy not in _STRATEGIES:
        text = f"Invalid RunStrategy ({strategy})"
        raise errors.denied(_VM, text, code=422, causes=_cause("FieldValueInvalid", text, "spec.runStrategy"))


def _known_operators(spec: Obj) -> None:
    path = ("nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    for term in dig(spec, "template", "spec", "affinity", *path, default=[]):
        for expression in term.get("matchExpressions") or []:
            if expression.get("operator") not in _OPERATORS:
                where = "spec.template.spec.affinity." + ".".join(path) + ".matchExpressions.operator"
                text = f"{where} in body should be one of [{' '.join(_OPERATORS)}]"
                raise _mistyped("virtualmachines-mutator.kubevirt.io", text)


def _has_template(spec: Obj) -> None:
    if not spec.get("template"):
        text = "missing virtual machine template."
        raise errors.denied(_VM, text, code=422, causes=_cause("FieldValueRequired", text, "spec.template"))


_VM_RULES: tuple[Callable[[Obj], None], ...] = (
    _known_operators,
    _has_template,
    _one_strategy,
    _some_strategy,
    _known_strategy,
)
