"""Pods that want each other near or far: required pod affinity and anti-affinity, as the scheduler judges them.

k8s.io/kubernetes pkg/scheduler/framework/plugins/interpodaffinity: a term speaks of the pods that its selector matches
in its namespaces, and of the topology domain (the nodes with the same value of `topologyKey`) that they are in. Terms
that choose namespaces by their labels, or pods by `matchLabelKeys`, are not evaluated: `unjudged` says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from k8s.names import LABEL_HOSTNAME
from k8s.placement import REQUIRED, holds
from k8s.snapshots import Json, Node, Placement, Pod, Survey


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A pod that looks for a node."""

    namespace: str
    labels: Mapping[str, str]
    placement: Placement


def looks_beyond_the_node(placement: Placement) -> bool:
    """Whether its rules speak of a domain larger than a node, so that other nodes' pods count too."""
    return any(term.get("topologyKey") != LABEL_HOSTNAME for term in _all_terms(placement))


def unjudged(placement: Placement) -> bool:
    """Whether it has a rule that is not evaluated here."""
    return any(term.get(key) for term in _all_terms(placement) for key in _BEYOND)


def repelled(pod: Newcomer, node: Node, survey: Survey) -> Pod | None:
    """A pod for whose sake the newcomer may not be there: by its own rules, or by the other's."""
    for term in _terms(pod.placement, "podAntiAffinity"):
        for other in _in_domain(node, term, survey):
            if _means(term, other, pod.namespace):
                return other
    return next((other for other in _neighbours(node, survey) if _repels(other, pod, node, survey)), None)


def unattended(pod: Newcomer, node: Node, survey: Survey) -> Json | None:
    """A rule that wants a certain pod near, where there is none. The first of its kind may be alone."""
    for term in _terms(pod.placement, "podAffinity"):
        if any(_means(term, other, pod.namespace) for other in _in_domain(node, term, survey)):
            continue
        anywhere = (other for on_node in survey.pods.values() for other in on_node)
        alone = survey.whole and not any(_means(term, other, pod.namespace) for other in anywhere)
        if not (alone and term.get("topologyKey") in node.labels and _means_newcomer(term, pod)):
            return term
    return None


def words(term: Json) -> str:
    """A term's selector, for a sentence."""
    selector = term.get("labelSelector") or {}
    equal = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    return ", ".join([*equal, *(str(each.get("key")) for each in selector.get("matchExpressions") or [])]) or "any pod"


_BEYOND = ("namespaceSelector", "matchLabelKeys", "mismatchLabelKeys")


def _repels(other: Pod, pod: Newcomer, node: Node, survey: Survey) -> bool:
    if not other.placement.affinity:
        return False
    place = next((each for each in survey.nodes if each.name == other.node), None)
    return place is not None and any(
        _same_domain(node, place, term) and _matches(term, pod.labels) and pod.namespace in _namespaces(term, other)
        for term in _terms(other.placement, "podAntiAffinity")
    )


def _namespaces(term: Json, owner: Pod) -> Iterable[str]:
    return term.get("namespaces") or (owner.ref.namespace,)


def _neighbours(node: Node, survey: Survey) -> Iterator[Pod]:
    """Every pod that is known: a rule of one on another node can reach this node too."""
    for on_node in (survey.pods.get(node.name, ()), *(on for name, on in survey.pods.items() if name != node.name)):
        yield from on_node


def _in_domain(node: Node, term: Json, survey: Survey) -> Iterator[Pod]:
    for place in survey.nodes:
        if _same_domain(node, place, term):
            yield from survey.pods.get(place.name, ())


def _same_domain(node: Node, place: Node, term: Json) -> bool:
    key = str(term.get("topologyKey"))
    return key in node.labels and node.labels[key] == place.labels.get(key)


def _means(term: Json, other: Pod, namespace: str) -> bool:
    return other.ref.namespace in (term.get("namespaces") or (namespace,)) and _matches(term, other.labels)


def _means_newcomer(term: Json, pod: Newcomer) -> bool:
    return pod.namespace in (term.get("namespaces") or (pod.namespace,)) and _matches(term, pod.labels)


def _matches(term: Json, labels: Mapping[str, str]) -> bool:
    """A LabelSelector; a term without one matches no pod, an empty one every pod."""
    selector = term.get("labelSelector")
    if selector is None:
        return False
    equal = (selector.get("matchLabels") or {}).items()
    return all(labels.get(key) == value for key, value in equal) and all(
        holds(each, labels) for each in selector.get("matchExpressions") or []
    )


def _terms(placement: Placement, kind: str) -> list[Json]:
    return list(((placement.affinity or {}).get(kind) or {}).get(REQUIRED) or [])


def _all_terms(placement: Placement) -> Iterator[Json]:
    yield from _terms(placement, "podAffinity")
    yield from _terms(placement, "podAntiAffinity")
