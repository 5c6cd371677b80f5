"""Label, field and node selectors, with the parse errors of a real server (recorded: errors.json)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.objects import Obj, dig
from bot.sandbox.cluster.resources import EVENT, NAMESPACE, NODE, POD, Resource

_TOKEN = re.compile(r"\s*(!=|==|=|,|\(|\)|!|<|>|[^\s=!,()<>]+)")

Predicate = Callable[[Obj], bool]

_FIELDS: dict[Resource, tuple[str, ...]] = {
    POD: ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase"),
    NODE: ("spec.unschedulable",),
    NAMESPACE: ("status.phase",),
    EVENT: (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
}


@dataclass(frozen=True)
class Requirement:
    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: dict[str, str]) -> bool:
        value = labels.get(self.key)
        if self.operator == "Exists":
            return value is not None
        if self.operator == "DoesNotExist":
            return value is None
        if self.operator in {"Gt", "Lt"}:
            return self._compares(value)
        return (value in self.values) == (self.operator == "In")

    def _compares(self, value: str | None) -> bool:
        if value is None or not value.lstrip("-").isdigit() or not self.values[0].lstrip("-").isdigit():
            return False
        return int(value) > int(self.values[0]) if self.operator == "Gt" else int(value) < int(self.values[0])


class _Parser:
    """Recursive descent over the tokens; keeps the words of apimachinery's ``labels.Parse``."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        self._at = 0

    def parse(self) -> list[Requirement]:
        requirements = []
        while self._peek():
            requirements.append(self._requirement())
            if self._peek() and self._next() != ",":
                self._at -= 1
                raise errors.bad_request(f"found '{self._peek()}', expected: ',' or 'end of string'")
        return requirements

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _requirement(self) -> Requirement:
        if self._peek() == "!":
            self._next()
            return Requirement(self._next(), "DoesNotExist")
        key, operator = self._next(), self._peek()
        if operator in {"", ","}:
            return Requirement(key, "Exists")
        self._next()
        if operator in {"=", "==", "!="}:
            return Requirement(key, "NotIn" if operator == "!=" else "In", (self._value(),))
        if operator in {"in", "notin"}:
            return Requirement(key, "In" if operator == "in" else "NotIn", self._values())
        if operator in {"<", ">"}:
            return Requirement(key, "Gt" if operator == ">" else "Lt", (self._value(),))
        expected = "in, notin, =, ==, !=, gt, lt"
        raise errors.bad_request(f"unable to parse requirement: found '{operator}', expected: {expected}")

    def _value(self) -> str:
        return "" if self._peek() in {"", ","} else self._next()

    def _values(self) -> tuple[str, ...]:
        if self._next() != "(":
            raise errors.bad_request(f"unable to parse requirement: found '{self._tokens[self._at - 1]}' expected: '('")
        values = [self._next()]
        while (found := self._next()) != ")":
            if found != ",":
                raise errors.bad_request(f"unable to parse requirement: found '{found}', expected: ',' or ')'")
            values.append(self._next())
        return tuple(values)


def parse_label_selector(text: str) -> Predicate:
    requirements = _Parser(text).parse()
    return lambda obj: all(r.matches(obj["metadata"].get("labels") or {}) for r in requirements)


def parse_field_selector(resource: Resource, text: str) -> Predicate:
    """``a=b,c!=d`` over the fields that the kind supports; 400 for any other field."""
    terms = [_field_term(resource, term) for term in text.split(",") if term]
    return lambda obj: all((_field(obj, path) == value) == equal for path, equal, value in terms)


def _field_term(resource: Resource, term: str) -> tuple[str, bool, str]:
    operator = next((o for o in ("!=", "==", "=") if o in term), "")
    if not operator:
        raise errors.bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    path, _, value = term.partition(operator)
    if path not in {"metadata.name", "metadata.namespace", *_FIELDS.get(resource, ())}:
        raise errors.bad_request(f"field label not supported: {path}")
    return path, operator != "!=", value


def _field(obj: Obj, path: str) -> str:
    value = dig(obj, *path.split("."), default="")
    if isinstance(value, dict):
        value = value.get("component", "")
    return str(value).lower() if isinstance(value, bool) else str(value)


def matches_label_query(query: Obj, labels: dict[str, str]) -> bool:
    """A ``LabelSelector`` object, as in pod affinity terms."""
    pairs = (query.get("matchLabels") or {}).items()
    expressions = query.get("matchExpressions") or []
    return all(labels.get(k) == v for k, v in pairs) and _all_match(expressions, labels)


def matches_node_selector(selector: Obj, node: Obj) -> bool:
    """Terms are ORed, what stands inside one is ANDed, an empty term matches nothing (sourced: Kubernetes docs)."""
    return any(_term_matches(term, node) for term in selector.get("nodeSelectorTerms") or [])


def _term_matches(term: Obj, node: Obj) -> bool:
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not expressions and not fields:
        return False
    name = {"metadata.name": node["metadata"]["name"]}
    return _all_match(expressions, node["metadata"].get("labels") or {}) and _all_match(fields, name)


def _all_match(expressions: Iterable[Obj], labels: dict[str, str]) -> bool:
    return all(Requirement(e["key"], e["operator"], tuple(e.get("values") or ())).matches(labels) for e in expressions)
