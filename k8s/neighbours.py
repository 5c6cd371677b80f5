"""Pods that want each other near or far: required pod affinity and anti-affinity, as the scheduler judges them.

k8s.io/kubernetes pkg/scheduler/framework/plugins/interpodaffinity: a term speaks of the pods that its selector matches
in its namespaces, and of the topology domain (the nodes with the same value of `topologyKey`) that they are in. As
there, what a pod meets is worked out once for all nodes. Where only the labels of namespaces tell whether a term speaks
of a pod, the answer is left open: they are not read. Pods on nodes that were not read do not count, so a pod there that
wants another far from its whole zone is not seen.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from k8s.names import LABEL_HOSTNAME
from k8s.placement import REQUIRED, holds
from k8s.snapshots import Json, Node, Placement, Pod, Survey

Domain = tuple[str, str]
"""A topology key and its value."""

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The one label of a namespace that is known without reading it: its name (kubernetes.io well-known labels)."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A pod that looks for a node."""

    namespace: str
    labels: Mapping[str, str]
    placement: Placement
    vmi: str = ""
    """Name of the VMI that it will run, "" for another pod. That VMI's other pods are gone when it comes: what a
    migration that failed leaves ends by itself (recorded: live-failed, after a second)."""
    beside: Pod | None = None
    """The one pod of that VMI that still stands: the source of a live move."""

    def outlasts(self, other: Pod) -> bool:
        """Whether a pod that is there will be gone when this one comes."""
        own = bool(self.vmi) and (other.ref.namespace, other.vmi) == (self.namespace, self.vmi)
        return own and (self.beside is None or other.ref != self.beside.ref)


def asks_about_all_pods(placement: Placement) -> bool:
    """Whether pods on other nodes count too: its rules speak of a domain larger than a node, or want a pod near, which
    the first of its kind need not have."""
    apart = _terms(placement, "podAntiAffinity")
    return bool(_terms(placement, "podAffinity")) or any(term.get("topologyKey") != LABEL_HOSTNAME for term in apart)


def surroundings(pod: Newcomer, survey: Survey) -> "Surroundings":
    """What the newcomer meets; remembered with the survey, because ranking asks for each node."""
    beside = str(pod.beside.ref) if pod.beside else ""
    own = [pod.namespace, pod.vmi, beside, dict(pod.labels), pod.placement.affinity]
    key = json.dumps(["neighbours", *own], sort_keys=True)
    found = survey.memo.get(key)
    if not isinstance(found, Surroundings):
        found = survey.memo[key] = _looked_round(pod, survey)
    return found


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The domains that a newcomer must keep out of, and those in which the pods are that it wants near."""

    near: tuple[Json, ...]
    """Its terms of pod affinity."""
    own_kind: bool | None
    """Whether it matches them itself: the first of its kind may be alone."""
    repelling: dict[Domain, Pod] = field(default_factory=dict)
    """A pod for whose sake it may not be there: by its own rules, or by the other's."""
    perhaps_repelling: dict[Domain, Pod] = field(default_factory=dict)
    wanted: set[Domain] = field(default_factory=set)
    perhaps_wanted: set[Domain] = field(default_factory=set)

    def repelled(self, node: Node) -> Pod | None:
        """A pod that certainly keeps it away from that node."""
        return next((self.repelling[each] for each in node.labels.items() if each in self.repelling), None)

    def perhaps_repelled(self, node: Node) -> bool:
        """Whether one may keep it away that is not known to."""
        return any(each in self.perhaps_repelling for each in node.labels.items())

    def attended(self, node: Node) -> bool | None:
        """Whether the pods that it wants near are there, as far as is known."""
        domains = {domain for term in self.near if (domain := _domain(term, node))}
        if any(_domain(term, node) is None for term in self.near):
            return False
        if domains <= self.wanted or (self.own_kind and not self.wanted | self.perhaps_wanted):
            return True
        perhaps_first = self.own_kind is not False and not self.wanted
        return None if perhaps_first or domains <= self.wanted | self.perhaps_wanted else False

    def missing(self, node: Node) -> Json:
        """The first of its terms that finds no pod there."""
        return next((term for term in self.near if _domain(term, node) not in self.wanted), {})


def words(term: Json) -> str:
    """A term's selector, for a sentence."""
    selector = term.get("labelSelector") or {}
    equal = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    return ", ".join([*equal, *(str(each.get("key")) for each in selector.get("matchExpressions") or [])]) or "any pod"


def _looked_round(pod: Newcomer, survey: Survey) -> Surroundings:
    near = tuple(_completed(term, pod.labels) for term in _terms(pod.placement, "podAffinity"))
    apart = [_completed(term, pod.labels) for term in _terms(pod.placement, "podAntiAffinity")]
    found = Surroundings(near, _all(_speaks_of(term, pod.namespace, pod.namespace, pod.labels) for term in near))
    for node, other in _others(pod, survey):
        for term, sure in _repelling(pod, apart, other):
            if sure is not False and (domain := _domain(term, node)):
                (found.repelling if sure else found.perhaps_repelling).setdefault(domain, other)
        sure = _all(_speaks_of(term, pod.namespace, other.ref.namespace, other.labels) for term in near)
        if near and sure is not False:
            there = {domain for term in near if (domain := _domain(term, node))}
            (found.wanted if sure else found.perhaps_wanted).update(there)
    return found


def _others(pod: Newcomer, survey: Survey) -> Iterator[tuple[Node, Pod]]:
    for node in survey.nodes:
        for other in survey.pods.get(node.name, ()):
            if not pod.outlasts(other):
                yield node, other


def _repelling(pod: Newcomer, apart: Iterable[Json], other: Pod) -> Iterator[tuple[Json, bool | None]]:
    for term in apart:
        yield term, _speaks_of(term, pod.namespace, other.ref.namespace, other.labels)
    if other.placement.affinity:
        for term in _terms(other.placement, "podAntiAffinity"):
            yield term, _speaks_of(term, other.ref.namespace, pod.namespace, pod.labels)


def _domain(term: Json, node: Node) -> Domain | None:
    key = str(term.get("topologyKey"))
    return (key, node.labels[key]) if key in node.labels else None


def _speaks_of(term: Json, owner: str, namespace: str, labels: Mapping[str, str]) -> bool | None:
    """Whether the term of a pod in namespace `owner` means a pod with these labels in `namespace`. One without a
    selector means no pod; None: labels of namespaces decide."""
    chosen = term.get("labelSelector")
    if chosen is None or not _matches(chosen, labels):
        return False
    by_labels = term.get("namespaceSelector")
    if namespace in (term.get("namespaces") or (() if by_labels is not None else (owner,))):
        return True
    if by_labels is None:
        return False
    asked = {*(by_labels.get("matchLabels") or {}), *(e.get("key") for e in by_labels.get("matchExpressions") or [])}
    return _matches(by_labels, {_NAMESPACE_NAME: namespace}) if asked <= {_NAMESPACE_NAME} else None


def _completed(term: Json, labels: Mapping[str, str]) -> Json:
    """What the API server makes of `matchLabelKeys` and `mismatchLabelKeys` when the pod is made (pkg/registry/core/pod
    strategy.go); in the terms of pods that are there it stands already."""
    keys = [("In", key) for key in term.get("matchLabelKeys") or []]
    keys += [("NotIn", key) for key in term.get("mismatchLabelKeys") or []]
    added = [{"key": key, "operator": operator, "values": [labels[key]]} for operator, key in keys if key in labels]
    chosen = term.get("labelSelector")
    if chosen is None or not added:
        return term
    return {**term, "labelSelector": {**chosen, "matchExpressions": [*(chosen.get("matchExpressions") or []), *added]}}


def _matches(selector: Json, labels: Mapping[str, str]) -> bool:
    """A LabelSelector; an empty one matches everything."""
    equal = (selector.get("matchLabels") or {}).items()
    return all(labels.get(key) == value for key, value in equal) and all(
        holds(each, labels) for each in selector.get("matchExpressions") or []
    )


def _all(answers: Iterable[bool | None]) -> bool | None:
    """Yes if all are, no if one is no, else open."""
    given = set(answers)
    return False if False in given else None if None in given else True


def _terms(placement: Placement, kind: str) -> list[Json]:
    return list(((placement.affinity or {}).get(kind) or {}).get(REQUIRED) or [])
