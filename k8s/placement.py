"""Where a VM may run: evaluating placement rules, and the pin that a cold move needs.

Kubernetes' rules (concepts/scheduling-eviction/assign-pod-node): `nodeSelector` and required node affinity must both
hold; `nodeSelectorTerms` are alternatives (OR), the expressions inside one term must all hold (AND); an empty term
holds nowhere. So a pin goes into every existing term: a term of its own would widen where the VM may run. Preferences
and pod (anti-)affinity are never touched.

Rules that contradict the target are given up only where people have chosen that: then `pin_instead` puts the pin in the
place of the required terms. `restore` and `unpin` bring back what was there.
"""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from k8s.names import LABEL_HOSTNAME
from k8s.snapshots import Json, Node, Placement

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"

HARD = ("NoSchedule", "NoExecute")
"""Effects of a taint that keep a pod away; PreferNoSchedule only asks."""
SOFT = ("PreferNoSchedule",)
AUTOMATIC: tuple[Json, ...] = (
    {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"},
    {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"},
    {"key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"},
)
"""What the API server adds to every launcher pod (recorded: world/pod-virt-launcher.json; the last one, to pods that
request memory: kubernetes.io concepts/scheduling-eviction/taint-and-toleration)."""


def pin(affinity: Json | None, hostname: str) -> Json:
    """The affinity that also demands that hostname label. What was allowed elsewhere no longer is; nothing new is."""
    pinned = copy.deepcopy(affinity or {})
    node_affinity = pinned.setdefault("nodeAffinity", {}) or {}
    required = node_affinity.setdefault(REQUIRED, {}) or {}
    terms = required.get("nodeSelectorTerms") or [{"matchExpressions": []}]
    fresh = not required.get("nodeSelectorTerms")
    required["nodeSelectorTerms"] = [
        _pinned(term, hostname) if fresh or _says_anything(term) else term for term in terms
    ]
    node_affinity[REQUIRED] = required
    pinned["nodeAffinity"] = node_affinity
    return pinned


def unpin(current: Json | None, original: Json | None, hostname: str) -> Json | None:
    """The affinity without our pin; None means that the field goes.

    Where nobody has touched it meanwhile that is exactly the original. Where somebody has, only our expression is taken
    out of their rules.
    """
    if current == pin(original, hostname):
        return copy.deepcopy(original)
    loose = copy.deepcopy(current or {})
    required = (loose.get("nodeAffinity") or {}).get(REQUIRED) or {}
    terms = [_loosened(term, hostname) for term in required.get("nodeSelectorTerms") or []]
    kept = [term for term in terms if term is not None]
    if kept:
        required["nodeSelectorTerms"] = kept
    elif required:
        del loose["nodeAffinity"][REQUIRED]
    if "nodeAffinity" in loose and not loose["nodeAffinity"]:
        del loose["nodeAffinity"]
    return loose or None


def pin_instead(affinity: Json | None, hostname: str) -> Json:
    """The affinity with that hostname label as its only required node term; all else in it stays."""
    pinned = copy.deepcopy(affinity or {})
    pinned["nodeAffinity"] = {**(pinned.get("nodeAffinity") or {}), REQUIRED: _only(hostname)}
    return pinned


def restore(current: Json | None, original: Json | None, hostname: str) -> Json | None:
    """The affinity after `pin_instead`, with its required terms back; None means that the field goes.

    Where nobody has touched it meanwhile that is exactly the original. Terms that somebody has put in place of ours
    stay, only our expression is taken out of them.
    """
    if current == pin_instead(original, hostname):
        return copy.deepcopy(original)
    if _required(current) != _only(hostname):
        return unpin(current, original, hostname)
    loose = copy.deepcopy(current or {})
    del loose["nodeAffinity"][REQUIRED]
    if before := copy.deepcopy(_required(original)):
        loose["nodeAffinity"][REQUIRED] = before
    if not loose["nodeAffinity"]:
        del loose["nodeAffinity"]
    return loose or None


def is_pinned(affinity: Json | None, hostname: str) -> bool:
    """Whether every alternative demands that hostname."""
    terms = _terms(affinity)
    return bool(terms) and all(_expression(hostname) in (term.get("matchExpressions") or []) for term in terms)


def objections(rules: Placement, node: Node) -> tuple[str, ...]:
    """What in the node selector and the required node affinity keeps these rules from choosing that node."""
    found = [f"nodeSelector {key}={(rules.node_selector or {})[key]}" for key in unmet_keys(rules, node)]
    if not terms_allow(rules, node):
        terms = _terms(rules.affinity)
        found += [f"node affinity {words}" for term in terms for words in _misses(term, node) or ["(an empty term)"]]
    return tuple(dict.fromkeys(found))


def unmet_keys(rules: Placement, node: Node) -> tuple[str, ...]:
    """Keys of the node selector that this node does not satisfy."""
    return tuple(key for key, value in (rules.node_selector or {}).items() if node.labels.get(key) != value)


def terms_allow(rules: Placement, node: Node) -> bool:
    """Whether the required node affinity allows that node."""
    terms = _terms(rules.affinity)
    return not terms or any(_says_anything(term) and not _misses(term, node) for term in terms)


def hostnames(rules: Placement) -> frozenset[str]:
    """The hostname label's values that these rules hold a VM to; empty where one of its alternatives does without."""
    if selected := (rules.node_selector or {}).get(LABEL_HOSTNAME):
        return frozenset({selected})
    named = [_hostnames(term) for term in _terms(rules.affinity) if _says_anything(term)]
    return frozenset().union(*named) if all(named) else frozenset()


def _hostnames(term: Json) -> frozenset[str]:
    """Those that one alternative asks for."""
    asked = (e for e in term.get("matchExpressions") or [] if e.get("key") == LABEL_HOSTNAME)
    return frozenset(value for each in asked if each.get("operator") == "In" for value in each.get("values") or [])


def untolerated(tolerations: Iterable[Json], node: Node, effects: tuple[str, ...] = HARD) -> tuple[Json, ...]:
    """The node's taints with one of these effects that none of the tolerations covers."""
    given = (*tolerations, *AUTOMATIC)
    return tuple(
        taint
        for taint in node.taints
        if taint.get("effect") in effects and not any(_tolerates(each, taint) for each in given)
    )


def taint_words(taint: Json) -> str:
    """A taint as kubectl writes it."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint.get('key')}{value}:{taint.get('effect')}"


def _tolerates(toleration: Json, taint: Json) -> bool:
    """k8s.io/api core/v1 Toleration.ToleratesTaint: no key with Exists is every taint, no effect is every effect."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if (toleration.get("operator") or "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")


def _required(affinity: Json | None) -> Json:
    return ((affinity or {}).get("nodeAffinity") or {}).get(REQUIRED) or {}


def _terms(affinity: Json | None) -> list[Json]:
    return list(_required(affinity).get("nodeSelectorTerms") or [])


def _only(hostname: str) -> Json:
    return {"nodeSelectorTerms": [{"matchExpressions": [_expression(hostname)]}]}


def _expression(hostname: str) -> Json:
    return {"key": LABEL_HOSTNAME, "operator": "In", "values": [hostname]}


def _says_anything(term: Json) -> bool:
    return bool(term.get("matchExpressions") or term.get("matchFields"))


def _pinned(term: Json, hostname: str) -> Json:
    return {**term, "matchExpressions": [*(term.get("matchExpressions") or []), _expression(hostname)]}


def _loosened(term: Json, hostname: str) -> Json | None:
    """The term without our expression; None when nothing else was in it."""
    expressions = list(term.get("matchExpressions") or [])
    if _expression(hostname) not in expressions:
        return term
    expressions.remove(_expression(hostname))
    rest = {name: value for name, value in term.items() if name != "matchExpressions"}
    loose = {**rest, "matchExpressions": expressions} if expressions else rest
    return loose or None


def _misses(term: Json, node: Node) -> list[str]:
    wrong = [_words(e) for e in term.get("matchExpressions") or [] if not holds(e, node.labels)]
    fields = {"metadata.name": node.name}
    return wrong + [_words(e) for e in term.get("matchFields") or [] if not holds(e, fields)]


def _words(expression: Json) -> str:
    values = ", ".join(expression.get("values") or [])
    return f"{expression.get('key')} {expression.get('operator')}{f' ({values})' if values else ''}"


def holds(expression: Json, labels: Mapping[str, Any]) -> bool:
    """One requirement, after k8s.io/component-helpers nodeaffinity; an unknown operator holds nowhere."""
    key, values = str(expression.get("key")), [str(value) for value in expression.get("values") or []]
    label = labels.get(key)
    match expression.get("operator"):
        case "In":
            return label in values
        case "NotIn":
            return label not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case "Gt" | "Lt" as operator:
            return _compare(operator, label, values)
        case _:
            return False


def _compare(operator: str, label: str | None, values: list[str]) -> bool:
    try:
        left, right = int(label or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return left > right if operator == "Gt" else left < right
