"""kube-scheduler: filters in the order of the default plugins, the texts of 1.34, one least-allocated score.

It does not preempt, knows no topology spread, and of the CSI limits only that a fault has them reached.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import cached_property

from bot.sandbox.cluster.controller import Context, Controller
from bot.sandbox.cluster.faults import fault
from bot.sandbox.cluster.objects import (
    Key,
    Obj,
    condition,
    dig,
    is_deleting,
    is_final,
    key_of,
    labels,
    set_condition,
    uid_of,
)
from bot.sandbox.cluster.quantity import parse_quantity
from bot.sandbox.cluster.resources import NAMESPACE, NODE, POD, PV, PVC
from bot.sandbox.cluster.selectors import matches_label_query, matches_node_selector
from bot.sandbox.cluster.store import Change, Store

Amounts = dict[str, Decimal]
Filter = Callable[["Attempt", Obj], list[str]]

RESOLVABLE_BY_PREEMPTION = ("Insufficient ", "Too many pods")


class Attempt:
    """One pod against all nodes: the sums are taken once."""

    def __init__(self, store: Store, pod: Obj, requests: dict[str, Amounts]) -> None:
        """``requests`` remembers, by uid, what pods ask for: that never changes."""
        self.store = store
        self.pod = pod
        self._requests = requests
        self.nodes = list(self.store.select(NODE))
        self.pods_by_node: dict[str, list[Obj]] = defaultdict(list)
        self._used: dict[str, Amounts] = {}
        for other in self.store.scan(POD):
            if other["spec"].get("nodeName") and not is_final(other):
                self.pods_by_node[other["spec"]["nodeName"]].append(other)

    def used(self, node: Obj) -> Amounts:
        name = node["metadata"]["name"]
        if name not in self._used:
            self._used[name] = sum_amounts([self._requests_of(p) for p in self.pods_by_node[name]])
        return self._used[name]

    def _requests_of(self, pod: Obj) -> Amounts:
        uid = uid_of(pod)
        if uid not in self._requests:
            self._requests[uid] = pod_requests(pod)
        return self._requests[uid]

    @cached_property
    def wanted(self) -> Amounts:
        return self._requests_of(self.pod)

    def free_share(self, node: Obj) -> Decimal:
        used, room = self.used(node), node["status"]["allocatable"]
        shares = [1 - used.get(k, Decimal(0)) / parse_quantity(room[k]) for k in ("cpu", "memory")]
        return sum(shares, Decimal(0))


def pod_requests(pod: Obj) -> Amounts:
    """Sum over the containers, plus sidecars (init containers that restart always)."""
    containers = pod["spec"].get("containers", [])
    sidecars = [c for c in pod["spec"].get("initContainers", []) if c.get("restartPolicy") == "Always"]
    requested = [dig(c, "resources", "requests", default={}) for c in (*containers, *sidecars)]
    return sum_amounts([{k: parse_quantity(v) for k, v in r.items()} for r in requested])


def sum_amounts(amounts: Iterable[Amounts]) -> Amounts:
    total: Amounts = defaultdict(Decimal)
    for part in amounts:
        for name, value in part.items():
            total[name] += value
    return dict(total)


def node_unschedulable(_attempt: Attempt, node: Obj) -> list[str]:
    return ["node(s) were unschedulable"] if node["spec"].get("unschedulable") else []


def taint_toleration(attempt: Attempt, node: Obj) -> list[str]:
    hard = [t for t in node["spec"].get("taints") or [] if t["effect"] in {"NoSchedule", "NoExecute"}]
    tolerations = attempt.pod["spec"].get("tolerations") or []
    untolerated = any(not any(tolerates(t, taint) for t in tolerations) for taint in hard)
    return ["node(s) had untolerated taint(s)"] if untolerated else []


def tolerates(toleration: Obj, taint: Obj) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def node_affinity(attempt: Attempt, node: Obj) -> list[str]:
    spec = attempt.pod["spec"]
    selector = spec.get("nodeSelector") or {}
    matches = all(labels(node).get(k) == v for k, v in selector.items())
    required = dig(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    if matches and (not required or matches_node_selector(required, node)):
        return []
    return ["node(s) didn't match Pod's node affinity/selector"]


def resources_fit(attempt: Attempt, node: Obj) -> list[str]:
    used, room = attempt.used(node), node["status"]["allocatable"]
    reasons = []
    if len(attempt.pods_by_node[node["metadata"]["name"]]) + 1 > parse_quantity(room["pods"]):
        reasons.append("Too many pods")
    for name, amount in attempt.wanted.items():
        if amount + used.get(name, Decimal(0)) > parse_quantity(room.get(name, "0")):
            reasons.append(f"Insufficient {name}")
    return reasons


def volume_limit(attempt: Attempt, node: Obj) -> list[str]:
    """Sourced: kubernetes pkg/scheduler/framework/plugins/nodevolumelimits/csi.go."""
    brings = any("persistentVolumeClaim" in volume for volume in attempt.pod["spec"].get("volumes") or [])
    return ["node(s) exceed max volume count"] if brings and fault("volumes", node) == "full" else []


def volume_binding(attempt: Attempt, node: Obj) -> list[str]:
    namespace = attempt.pod["metadata"]["namespace"]
    for volume in attempt.pod["spec"].get("volumes") or []:
        claim = attempt.store.peek(PVC, namespace, dig(volume, "persistentVolumeClaim", "claimName", default=""))
        pv = attempt.store.peek(PV, "", dig(claim, "spec", "volumeName", default="")) if claim else None
        required = dig(pv, "spec", "nodeAffinity", "required")
        if required and not matches_node_selector(required, node):
            return ["node(s) didn't match PersistentVolume's node affinity"]
    return []


def pod_anti_affinity(attempt: Attempt, node: Obj) -> list[str]:
    for term in _terms(attempt.pod, "podAntiAffinity"):
        if any(_speaks_of(attempt, term, attempt.pod, pod) for pod in _in_domain(attempt, node, term)):
            return ["node(s) didn't match pod anti-affinity rules"]
    return []


def existing_anti_affinity(attempt: Attempt, node: Obj) -> list[str]:
    """The rules of the pods that are there already (sourced: interpodaffinity, satisfyExistingPodsAntiAffinity)."""
    for place in attempt.nodes:
        for other in attempt.pods_by_node[place["metadata"]["name"]]:
            for term in _terms(other, "podAntiAffinity"):
                key = term["topologyKey"]
                together = key in labels(node) and labels(node)[key] == labels(place).get(key)
                if together and _speaks_of(attempt, term, other, attempt.pod):
                    return ["node(s) didn't satisfy existing pods anti-affinity rules"]
    return []


def pod_affinity(attempt: Attempt, node: Obj) -> list[str]:
    """A pod counts only where it matches all terms. The first of its kind may be alone where it matches its own rule
    (sourced: interpodaffinity, satisfyPodAffinity)."""
    terms = _terms(attempt.pod, "podAffinity")

    def meant(pod: Obj) -> bool:
        return all(_speaks_of(attempt, term, attempt.pod, pod) for term in terms)

    keys = {term["topologyKey"] for term in terms}
    places = [each["metadata"]["name"] for each in attempt.nodes if keys & labels(each).keys()]
    first = meant(attempt.pod) and not any(meant(pod) for name in places for pod in attempt.pods_by_node[name])
    for term in terms:
        alone = first and term["topologyKey"] in labels(node)
        if not alone and not any(meant(pod) for pod in _in_domain(attempt, node, term)):
            return ["node(s) didn't match pod affinity rules"]
    return []


def _speaks_of(attempt: Attempt, term: Obj, owner: Obj, other: Obj) -> bool:
    """Sourced: kube-scheduler framework/types.go, AffinityTerm.Matches."""
    by_labels = term.get("namespaceSelector")
    named = term.get("namespaces") or ([owner["metadata"]["namespace"]] if by_labels is None else [])
    namespace = other["metadata"]["namespace"]
    if namespace not in named:
        found = attempt.store.peek(NAMESPACE, "", namespace)
        if by_labels is None or found is None or not matches_label_query(by_labels, labels(found)):
            return False
    selector = term.get("labelSelector")
    return selector is not None and matches_label_query(selector, labels(other))


def _terms(pod: Obj, kind: str) -> list[Obj]:
    found: list[Obj] = dig(pod, "spec", "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution", default=[])
    return found


def _in_domain(attempt: Attempt, node: Obj, term: Obj) -> Iterator[Obj]:
    domain = labels(node).get(term["topologyKey"])
    for place in attempt.nodes:
        if domain is not None and labels(place).get(term["topologyKey"]) == domain:
            yield from attempt.pods_by_node[place["metadata"]["name"]]


FILTERS: tuple[Filter, ...] = (
    node_unschedulable,
    taint_toleration,
    node_affinity,
    resources_fit,
    volume_limit,
    volume_binding,
    pod_affinity,
    pod_anti_affinity,
    existing_anti_affinity,
)
"""Order of the default plugins; the first that refuses a node names the reason (sourced: kube-scheduler 1.34)."""


def reasons_against(attempt: Attempt, node: Obj) -> list[str]:
    return next((found for f in FILTERS if (found := f(attempt, node))), [])


def failure_text(refusals: list[list[str]]) -> str:
    """Recorded: live-unschedulable, local-pv; the preemption part for lack of resources: sourced."""
    total = len(refusals)
    counted = Counter(reason for reasons in refusals for reason in reasons)
    listed = ", ".join(sorted(f"{count} {reason}" for reason, count in counted.items()))
    hopeless = sum(1 for r in refusals if not all(x.startswith(RESOLVABLE_BY_PREEMPTION) for x in r))
    parts = []
    if total - hopeless:
        parts.append(f"{total - hopeless} No preemption victims found for incoming pod")
    if hopeless:
        parts.append(f"{hopeless} Preemption is not helpful for scheduling")
    available = f"0/{total} nodes are available: "
    return f"{available}{listed}. no new claims to deallocate, preemption: {available}{', '.join(parts)}."


class Scheduler(Controller):
    first_choice: dict[Key, str]
    """(namespace, VM name) -> node to prefer; only while a world is being built."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.first_choice = {}
        self._waiting_pods: set[Key] = set()
        self._requests: dict[str, Amounts] = {}

    def keys_for(self, change: Change) -> Iterable[Key]:
        if change.type == "DELETED":
            self._requests.pop(uid_of(change.obj), None)
        if change.resource is POD:
            waits = _waits(change.obj) and change.type != "DELETED"
            (self._waiting_pods.add if waits else self._waiting_pods.discard)(key_of(change.obj))
            if waits:
                return [key_of(change.obj)]
        is_relevant = change.resource in {NODE, PV, PVC} or (change.resource is POD and change.type != "ADDED")
        return sorted(self._waiting_pods) if is_relevant else []

    def reconcile(self, key: Key) -> None:
        pod = self.store.peek(POD, *key)
        if pod is None or not _waits(pod):
            return
        attempt = Attempt(self.store, pod, self._requests)
        refusals = {n["metadata"]["name"]: reasons_against(attempt, n) for n in attempt.nodes}
        fitting = [n for n in attempt.nodes if not refusals[n["metadata"]["name"]]]
        if fitting:
            self._bind(pod, self._best(attempt, fitting))
        else:
            self._give_up(pod, failure_text(list(refusals.values())))

    def _best(self, attempt: Attempt, fitting: list[Obj]) -> str:
        """The preferred node, else the one with the largest free share; the last name decides a tie."""
        wanted = self.first_choice.get((key_of(attempt.pod)[0], labels(attempt.pod).get("vm.kubevirt.io/name", "")))
        names = {n["metadata"]["name"]: attempt.free_share(n) for n in fitting}
        return wanted if wanted and wanted in names else max(names, key=lambda name: (names[name], name))

    def _bind(self, pod: Obj, node: str) -> None:
        scheduled = {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": self.clock.timestamp(),
        }

        def bind(new: Obj) -> None:
            new["spec"]["nodeName"] = node
            set_condition(new, scheduled)

        self.store.modify(POD, *key_of(pod), bind)
        namespace, name = key_of(pod)
        text = f"Successfully assigned {namespace}/{name} to {node}"
        self.events.scheduling(pod, "Normal", "Scheduled", text, "Binding")

    def _give_up(self, pod: Obj, message: str) -> None:
        """One event per text: silence while nothing changes (recorded: live-unschedulable, one in five minutes)."""
        if condition(pod, "PodScheduled").get("message") == message:
            return
        unscheduled = {
            "type": "PodScheduled",
            "observedGeneration": 1,
            "status": "False",
            "lastProbeTime": None,
            "lastTransitionTime": self.clock.timestamp(),
            "reason": "Unschedulable",
            "message": message,
        }
        self.store.modify(POD, *key_of(pod), lambda new: set_condition(new, unscheduled))
        self.events.scheduling(pod, "Warning", "FailedScheduling", message, "Scheduling")


def _waits(pod: Obj) -> bool:
    return not pod["spec"].get("nodeName") and not is_deleting(pod) and not is_final(pod)
