"""Who asks, and what they may do: bearer tokens, Roles and bindings, access reviews.

Off by default: everyone is an administrator then. Switched on, it knows users by token only, evaluates Role,
ClusterRole and their bindings, and answers with the texts of errors.json. No aggregation, no impersonation. It keeps
who wanted what, so that one can tell which rights are used and which are missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.sandbox.cluster import errors
from bot.sandbox.cluster.objects import Obj, dig
from bot.sandbox.cluster.resources import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING, Resource
from bot.sandbox.cluster.store import Store

ADMIN = "kubernetes-admin"
_SERVICE_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True)
class User:
    name: str
    groups: frozenset[str]


def user_named(name: str) -> User:
    groups = {"system:authenticated"}
    if name == ADMIN:
        groups.add("system:masters")
    if name.startswith(_SERVICE_ACCOUNT):
        groups |= {"system:serviceaccounts", f"system:serviceaccounts:{name.split(':')[2]}"}
    return User(name, frozenset(groups))


@dataclass(frozen=True)
class Attributes:
    """One question to the authorizer."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Authorizer:
    """``hands``: who sends no token is an administrator, as the hands of a story on its cluster are."""

    def __init__(self, store: Store, *, enabled: bool, hands: bool = False) -> None:
        self._store = store
        self.enabled = enabled
        self._hands = hands
        self._tokens: dict[str, User] = {}
        self._wanted: dict[tuple[str, Attributes], bool] = {}

    def wanted(self, user: str, *, allowed: bool) -> frozenset[Attributes]:
        """What that user asked for and got, or did not get, whatever the objects."""
        return frozenset(asked for (who, asked), got in self._wanted.items() if who == user and got is allowed)

    def issue_token(self, user: str) -> str:
        token = f"sandbox-{self._store.new_uid()}"
        self._tokens[token] = user_named(user)
        return token

    def authenticate(self, header: str) -> User:
        """The user behind an Authorization header; 401 for a token that nobody issued."""
        if not self.enabled:
            return user_named(ADMIN)
        token = header.removeprefix("Bearer ").strip()
        if not token and self._hands:
            return user_named(ADMIN)
        if not token:
            return User("system:anonymous", frozenset({"system:unauthenticated"}))
        if token not in self._tokens:
            raise errors.unauthorized()
        return self._tokens[token]

    def allows(self, user: User, asked: Attributes) -> bool:
        if not self.enabled or "system:masters" in user.groups:
            return True
        return any(_covers(rule, asked) for rule in self.rules_for(user, asked.namespace))

    def rules_for(self, user: User, namespace: str) -> Iterator[Obj]:
        for binding in self._store.select(CLUSTER_ROLE_BINDING):
            if _binds(binding, user, ""):
                yield from self._rules(CLUSTER_ROLE, "", binding)
        if namespace:
            for binding in self._store.select(ROLE_BINDING, namespace):
                if _binds(binding, user, namespace):
                    is_role = binding["roleRef"]["kind"] == "Role"
                    yield from self._rules(ROLE if is_role else CLUSTER_ROLE, namespace if is_role else "", binding)

    def check(self, user: User, resource: Resource, asked: Attributes) -> None:
        """403 in the server's words (recorded: errors.json 92 to 98)."""
        allowed = self.allows(user, asked)
        self._wanted[user.name, replace(asked, namespace="", name="")] = allowed
        if allowed:
            return
        scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
        why = (
            f'User "{user.name}" cannot {asked.verb} resource "{asked.full_resource}" '
            f'in API group "{asked.group}" {scope}'
        )
        raise errors.forbidden(resource, asked.name, why, subresource_group=asked.group)

    def _rules(self, resource: Resource, namespace: str, binding: Obj) -> list[Obj]:
        role = self._store.peek(resource, namespace, binding["roleRef"]["name"])
        rules: list[Obj] = dig(role, "rules", default=[])
        return rules


def _binds(binding: Obj, user: User, namespace: str) -> bool:
    return any(_is_subject(s, user, namespace) for s in binding.get("subjects") or [])


def _is_subject(subject: Obj, user: User, namespace: str) -> bool:
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    if subject["kind"] == "ServiceAccount":
        return user.name == f"{_SERVICE_ACCOUNT}{subject.get('namespace', namespace)}:{subject['name']}"
    return bool(subject["name"] == user.name)


def _covers(rule: Obj, asked: Attributes) -> bool:
    return (
        _listed(rule.get("verbs"), asked.verb)
        and _listed(rule.get("apiGroups"), asked.group)
        and _listed(rule.get("resources"), asked.full_resource)
        and (not rule.get("resourceNames") or asked.name in rule["resourceNames"])
    )


def _listed(values: list[str] | None, wanted: str) -> bool:
    listed = values or []
    return "*" in listed or wanted in listed


def review_access(authorizer: Authorizer, user: User, review: Obj) -> Obj:
    """SelfSubjectAccessReview (recorded: errors.json 101 to 103)."""
    attributes = dig(review, "spec", "resourceAttributes", default={})
    asked = Attributes(
        attributes.get("verb", ""),
        attributes.get("group", ""),
        attributes.get("resource", ""),
        attributes.get("subresource", ""),
        attributes.get("namespace", ""),
        attributes.get("name", ""),
    )
    return review | {"metadata": {}, "status": {"allowed": authorizer.allows(user, asked)}}


def review_self(user: User, review: Obj) -> Obj:
    """SelfSubjectReview, what ``kubectl auth whoami`` asks."""
    known = {"username": user.name, "groups": sorted(user.groups)}
    return review | {"metadata": {}, "status": {"userInfo": known}}


def review_rules(authorizer: Authorizer, user: User, review: Obj) -> Obj:
    namespace = dig(review, "spec", "namespace", default="default")
    rules = list(authorizer.rules_for(user, namespace))
    if authorizer.allows(user, Attributes("*", "*", "*")):
        rules = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    resource_rules = [r for r in rules if "resources" in r]
    non_resource = [r for r in rules if "nonResourceURLs" in r]
    status = {"resourceRules": resource_rules, "nonResourceRules": non_resource, "incomplete": False}
    return review | {"metadata": {}, "status": status}
