"""Raw API objects in, snapshots out.

Pure and tolerant: a field that is absent or null becomes the empty value of its type, because the API leaves out what
is false or not yet known (recorded: `VM.status.ready` and a new VMIM's whole `status` are absent). It does not
validate: the API server has, and an object that came from it is believed.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from k8s import names
from k8s.amounts import amounts, of_pod, quantity
from k8s.platform import cli_of
from k8s.snapshots import (
    DEFAULT_GRACE_SECONDS,
    Capabilities,
    Claim,
    ClusterEvent,
    Condition,
    CopyLimits,
    Guest,
    Instance,
    Json,
    Migration,
    MigrationState,
    Node,
    Placement,
    Pod,
    Quota,
    Ref,
    TargetPod,
    VirtualMachine,
    Volume,
)

_VERSION = re.compile(r"v?(\d+)\.(\d+)")

_LIVE_UPDATE_DEFAULT = (1, 6)
"""From this version an unset vmRolloutStrategy means LiveUpdate (pkg/virt-config/virt-config.go per tag)."""
_AT_ONCE, _FROM_NODE = 5, 2
"""KubeVirt's limits where the CR sets none (pkg/virt-config/virt-config.go, ParallelMigrationsPerClusterDefault)."""
_LIVE_UPDATE_UNGATED = (1, 5)
"""Before this version LiveUpdate also needs the feature gate VMLiveUpdateFeatures."""


def virtual_machine(raw: Json) -> VirtualMachine:
    """A VirtualMachine of kubevirt.io/v1."""
    meta, spec, status = _parts(raw)
    template = _object(_object(spec, "template"), "spec")
    return VirtualMachine(
        ref=_ref(meta),
        uid=_text(meta, "uid"),
        run_strategy=spec.get("runStrategy"),
        running=spec.get("running"),
        printable_status=_text(status, "printableStatus"),
        placement=_placement(template),
        claims=tuple(dict.fromkeys(_volume_claims(template))),
        conditions=_conditions(status),
        labels=_object(meta, "labels"),
        annotations=_object(meta, "annotations"),
        deleting=bool(meta.get("deletionTimestamp")),
        resource_version=_text(meta, "resourceVersion"),
        state_changes=tuple(_text(request, "action") for request in _objects(status, "stateChangeRequests")),
        guest=_guest(template, _object(_object(spec, "template"), "metadata")),
        owners=tuple(f"{_text(owner, 'kind')} {_text(owner, 'name')}" for owner in _objects(meta, "ownerReferences")),
        snapshot=_text(status, "snapshotInProgress"),
        restore=_text(status, "restoreInProgress"),
    )


def instance(raw: Json) -> Instance:
    """A VirtualMachineInstance of kubevirt.io/v1."""
    meta, spec, status = _parts(raw)
    return Instance(
        ref=_ref(meta),
        uid=_text(meta, "uid"),
        node=_text(status, "nodeName"),
        phase=_text(status, "phase"),
        placement=_placement(spec),
        conditions=_conditions(status),
        migration=_migration_state(status),
        claims=_instance_claims(spec, status),
        guest=_guest(spec, meta),
        machine=_text(_object(status, "machine"), "type"),
        evacuation_node=_text(status, "evacuationNodeName"),
        deleting=bool(meta.get("deletionTimestamp")),
        grace_seconds=_grace_seconds(spec),
        labels=_object(meta, "labels"),
        backup=_backup(spec, status),
        addresses=tuple(_addresses(status)),
    )


def _addresses(status: Json) -> Iterator[str]:
    """`status.interfaces`: an interface without an agent or a pod network has no address."""
    for interface in _objects(status, "interfaces"):
        if address := _text(interface, "ipAddress"):
            yield address


def migration(raw: Json) -> Migration:
    """A VirtualMachineInstanceMigration of kubevirt.io/v1."""
    meta, spec, status = _parts(raw)
    return Migration(
        ref=_ref(meta),
        uid=_text(meta, "uid"),
        vmi_name=_text(spec, "vmiName"),
        phase=_text(status, "phase"),
        phase_times=tuple(_phase_times(status)),
        state=_migration_state(status),
        added_node_selector=_object(spec, "addedNodeSelector"),
        conditions=_conditions(status),
        labels=_object(meta, "labels"),
        annotations=_object(meta, "annotations"),
        created_at=_time(meta.get("creationTimestamp")),
        deleting=bool(meta.get("deletionTimestamp")),
    )


def node(raw: Json) -> Node:
    """A v1 Node."""
    meta, spec, status = _parts(raw)
    labels = _object(meta, "labels")
    conditions = _conditions(status)
    return Node(
        name=_text(meta, "name"),
        uid=_text(meta, "uid"),
        hostname=_text(labels, names.LABEL_HOSTNAME),
        ready=any(c.type == names.CONDITION_READY and c.status == "True" for c in conditions),
        cordoned=bool(spec.get("unschedulable")),
        labels=labels,
        taints=tuple(_objects(spec, "taints")),
        conditions=conditions,
        allocatable=amounts(_object(status, "allocatable")),
        capacity=amounts(_object(status, "capacity")),
        heartbeat=_time(_text(_object(meta, "annotations"), names.ANNOTATION_HEARTBEAT)),
    )


def pod(raw: Json) -> Pod:
    """A pod as far as it takes room on its node and keeps others away from it."""
    meta, spec, status = _parts(raw)
    owners = _objects(meta, "ownerReferences")
    return Pod(
        ref=_ref(meta),
        node=_text(spec, "nodeName"),
        requests=of_pod(spec, "requests"),
        limits=of_pod(spec, "limits"),
        labels=_object(meta, "labels"),
        placement=_placement(spec),
        vmi=next((_text(owner, "name") for owner in owners if owner.get("kind") == names.VMI_KIND), ""),
        ready=any(c.type == names.CONDITION_READY and c.status == "True" for c in _conditions(status)),
        deleting=bool(meta.get("deletionTimestamp")),
    )


def quota(raw: Json) -> Quota:
    """A v1 ResourceQuota."""
    meta, spec, status = _parts(raw)
    return Quota(
        name=_text(meta, "name"),
        hard=amounts(_object(status, "hard") or _object(spec, "hard")),
        used=amounts(_object(status, "used")),
        scoped=bool(spec.get("scopes") or spec.get("scopeSelector")),
    )


def claim(raw: Json) -> Claim:
    """A v1 PersistentVolumeClaim."""
    meta, spec, status = _parts(raw)
    return Claim(
        ref=_ref(meta),
        access_modes=tuple(status.get("accessModes") or spec.get("accessModes") or ()),
        phase=_text(status, "phase"),
        volume=_text(spec, "volumeName"),
    )


def volume(raw: Json) -> Volume:
    """A v1 PersistentVolume."""
    meta, spec, _ = _parts(raw)
    return Volume(name=_text(meta, "name"), required=_object(spec, "nodeAffinity").get("required"))


def is_launcher_of(raw: Json, vmi_name: str) -> bool:
    """Whether a pod belongs to the VMI of that name.

    The owner says so. Labels do not: `vm.kubevirt.io/name` holds the guest's hostname (pkg/virt-controller/services
    template.go), `kubevirt.io/vm` is only a habit of templates, `vmi.kubevirt.io/id` is not in older versions.
    """
    owners = _objects(_object(raw, "metadata"), "ownerReferences")
    return any(owner.get("kind") == names.VMI_KIND and owner.get("name") == vmi_name for owner in owners)


def target_pod(raw: Json) -> TargetPod:
    """A launcher pod."""
    meta, spec, status = _parts(raw)
    scheduled = next((c for c in _conditions(status) if c.type == "PodScheduled"), None)
    return TargetPod(
        name=_text(meta, "name"),
        phase=_text(status, "phase"),
        node=_text(spec, "nodeName"),
        scheduled=scheduled,
        waiting=tuple(_waiting(status)),
        ended=tuple(_ended(status)),
        migration_name=_text(_object(meta, "annotations"), names.ANNOTATION_MIGRATION_NAME),
        migration_uid=_text(_object(meta, "labels"), names.LABEL_MIGRATION_UID),
    )


def event(raw: Json) -> ClusterEvent:
    """A v1 Event, of the old recorder (count, lastTimestamp) or the new one (series, eventTime)."""
    regarding, series = _object(raw, "involvedObject"), _object(raw, "series")
    last = series.get("lastObservedTime") or raw.get("lastTimestamp") or raw.get("eventTime")
    return ClusterEvent(
        kind=_text(regarding, "kind"),
        name=_text(regarding, "name"),
        reason=_text(raw, "reason"),
        message=_text(raw, "message"),
        warning=raw.get("type") == "Warning",
        count=int(series.get("count") or raw.get("count") or 1),
        last_at=_time(last or _object(raw, "metadata").get("creationTimestamp")),
        uid=_text(regarding, "uid"),
    )


def capabilities(kubevirt: Json | None, *, version: str, added_node_selector: bool) -> Capabilities:
    """What the KubeVirt CR and its version say. Without the CR the strategy is Stage, which promises less."""
    configuration = _object(_object(kubevirt or {}, "spec"), "configuration")
    limits, developer = _object(configuration, "migrations"), _object(configuration, "developerConfiguration")
    return Capabilities(
        kubevirt_version=version,
        added_node_selector=added_node_selector,
        rollout_strategy="Stage" if kubevirt is None else _rollout_strategy(configuration, version),
        migrations_at_once=_number(limits, "parallelMigrationsPerCluster", _AT_ONCE),
        migrations_from_node=_number(limits, "parallelOutboundMigrationsPerNode", _FROM_NODE),
        cpu_ratio=_number(developer, "cpuAllocationRatio", 10),
        cpu_model=_text(configuration, "cpuModel"),
        node_selectors=_object(developer, "nodeSelectors"),
        memory_overcommit=int(developer.get("memoryOvercommit") or 100),
        cli=cli_of(kubevirt),
    )


def observed_version(kubevirt: Json) -> str:
    """`status.observedKubeVirtVersion` of a KubeVirt CR, "" before the operator has written it."""
    return _text(_object(kubevirt, "status"), "observedKubeVirtVersion")


def _number(raw: Json, key: str, default: int) -> int:
    found = raw.get(key)
    return default if found is None else int(found)


def _rollout_strategy(configuration: Json, version: str) -> str:
    match = _VERSION.match(version)
    release = (int(match[1]), int(match[2])) if match else (0, 0)
    default = "LiveUpdate" if release >= _LIVE_UPDATE_DEFAULT else "Stage"
    wanted = _text(configuration, "vmRolloutStrategy") or default
    gates = _object(configuration, "developerConfiguration").get("featureGates") or ()
    gated_off = release < _LIVE_UPDATE_UNGATED and "VMLiveUpdateFeatures" not in gates
    return "Stage" if gated_off else wanted


def _volume_claims(spec: Json) -> Iterator[str]:
    """PVC names in a VM template's or VMI's volumes. A DataVolume's PVC has its name (CDI)."""
    for volume in (*_objects(spec, "volumes"), *_objects(spec, "utilityVolumes")):
        ephemeral = _object(_object(volume, "ephemeral"), "persistentVolumeClaim")
        found = (
            _text(_object(volume, "persistentVolumeClaim"), "claimName"),
            _text(_object(volume, "dataVolume"), "name"),
            _text(ephemeral, "claimName"),
            _text(_object(volume, "memoryDump"), "claimName"),
            _text(volume, "claimName"),  # a utility volume names its claim in line
        )
        yield from filter(None, found)


def _instance_claims(spec: Json, status: Json) -> dict[str, tuple[str, ...]]:
    claims: dict[str, tuple[str, ...]] = dict.fromkeys(_volume_claims(spec), ())
    for volume in _objects(status, "volumeStatus"):
        info = _object(volume, "persistentVolumeClaimInfo")
        if name := _text(info, "claimName"):
            claims[name] = tuple(info.get("accessModes") or ())
    return claims


def _guest(spec: Json, meta: Json) -> Guest:
    domain = _object(spec, "domain")
    cpu, devices = _object(domain, "cpu"), _object(domain, "devices")
    features = [(_text(each, "name"), _text(each, "policy")) for each in _objects(cpu, "features")]
    return Guest(
        memory_bytes=_memory(domain),
        vcpus=_vcpus(cpu),
        requests=amounts(_object(_object(domain, "resources"), "requests")),
        architecture=_text(spec, "architecture"),
        machine=_text(_object(domain, "machine"), "type"),
        cpu_model=_text(cpu, "model"),
        cpu_features=tuple(name for name, policy in features if policy in ("", "require")),
        cpu_forbidden=tuple(name for name, policy in features if policy == "forbid"),
        dedicated_cpus=bool(cpu.get("dedicatedCpuPlacement")),
        hugepages=_text(_object(_object(domain, "memory"), "hugepages"), "pageSize"),
        devices=tuple(_text(d, "deviceName") for d in (*_objects(devices, "hostDevices"), *_objects(devices, "gpus"))),
        labels=_object(meta, "labels"),
        spread=bool(spec.get("topologySpreadConstraints")),
    )


def _memory(domain: Json) -> int:
    requests = _object(_object(domain, "resources"), "requests")
    wanted = _object(domain, "memory").get("guest") or requests.get("memory")
    return quantity(str(wanted)) if wanted else 0


def _vcpus(cpu: Json) -> int:
    return int(cpu.get("sockets") or 1) * int(cpu.get("cores") or 1) * int(cpu.get("threads") or 1)


def _backup(spec: Json, status: Json) -> bool:
    """A migration stays Pending until a backup is done and its utility volumes are gone (KubeVirt >= 1.8,
    watch/migration/migration.go)."""
    backup = _object(_object(status, "changedBlockTracking"), "backupStatus")
    return bool(_objects(spec, "utilityVolumes")) or (bool(backup) and not backup.get("completed"))


def _grace_seconds(spec: Json) -> int:
    given = spec.get("terminationGracePeriodSeconds")
    return DEFAULT_GRACE_SECONDS if given is None else int(given)


def _migration_state(status: Json) -> MigrationState | None:
    raw = _object(status, "migrationState")
    if not raw:
        return None
    return MigrationState(
        uid=_text(raw, "migrationUid"),
        source_node=_text(raw, "sourceNode"),
        target_node=_text(raw, "targetNode"),
        target_pod=_text(raw, "targetPod"),
        started_at=_time(raw.get("startTimestamp")),
        ended_at=_time(raw.get("endTimestamp")),
        completed=bool(raw.get("completed")),
        failed=bool(raw.get("failed")),
        abort_requested=bool(raw.get("abortRequested")),
        abort_status=_text(raw, "abortStatus"),
        failure_reason=_text(raw, "failureReason"),
        mode=_text(raw, "mode"),
        limits=_copy_limits(_object(raw, "migrationConfiguration")),
    )


def _copy_limits(raw: Json) -> CopyLimits | None:
    per_gib, stalled = raw.get("completionTimeoutPerGiB"), raw.get("progressTimeout")
    if per_gib is None or stalled is None:
        return None
    return CopyLimits(
        seconds_per_gib=int(per_gib),
        stalled_seconds=int(stalled),
        post_copy=bool(raw.get("allowPostCopy")),
        may_pause=bool(raw.get("allowWorkloadDisruption")),
    )


def _phase_times(status: Json) -> Iterator[tuple[str, datetime]]:
    for entry in _objects(status, "phaseTransitionTimestamps"):
        if at := _time(entry.get("phaseTransitionTimestamp")):
            yield _text(entry, "phase"), at


def _waiting(status: Json) -> Iterator[str]:
    for container in (*_objects(status, "initContainerStatuses"), *_objects(status, "containerStatuses")):
        if reason := _text(_object(_object(container, "state"), "waiting"), "reason"):
            yield reason


def _ended(status: Json) -> Iterator[str]:
    for container in _objects(status, "containerStatuses"):
        for state in ("state", "lastState"):
            if reason := _text(_object(_object(container, state), "terminated"), "reason"):
                yield reason


def _placement(spec: Json) -> Placement:
    return Placement(
        affinity=spec.get("affinity"),
        node_selector=spec.get("nodeSelector"),
        tolerations=tuple(_objects(spec, "tolerations")),
    )


def _conditions(status: Json) -> tuple[Condition, ...]:
    return tuple(
        Condition(_text(c, "type"), _text(c, "status"), _text(c, "reason"), _text(c, "message"))
        for c in _objects(status, "conditions")
    )


def _parts(raw: Json) -> tuple[Json, Json, Json]:
    return _object(raw, "metadata"), _object(raw, "spec"), _object(raw, "status")


def _ref(meta: Json) -> Ref:
    return Ref(_text(meta, "namespace"), _text(meta, "name"))


def _object(raw: Json, key: str) -> Json:
    found: Json | None = raw.get(key)
    return found or {}


def _objects(raw: Json, key: str) -> Iterable[Json]:
    found: list[Json] | None = raw.get(key)
    return found or ()


def _text(raw: Json, key: str) -> str:
    return str(raw.get(key) or "")


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
